// The speakers in their table, where names are written and questions answered, and in the transcript.

const people = [...document.querySelectorAll(".person > div")];
let writing = null; // the name that is being written: {who, field, told}

/** An element that calls a speaker in the transcript. */
function dressed(name, who) {
  name.className = `name${asked(who) ? " asked" : ""}${unsaved(who) ? " unsaved" : ""}`;
  name.dir = "auto";
  name.textContent = speakerName(who);
  name.title = [D.speakers[who].label, asked(who) ? "" : perhaps(who)].filter(Boolean).join(", ");
  return name;
}

function button(className, said, title, act) {
  const made = element("button", className, said);
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", act);
  return made;
}

/** A person in the table: name, label, how sure, and what is still to be answered. */
function introduce(who) {
  const { label, voice, alike, maybe, unknown } = D.speakers[who];
  if (unknown) return;
  const name = nameOf(who);
  const called = button("called", name ?? label, `Correct the name of ${label}`, () => write(who));
  called.dir = "auto";
  const parts = [called];
  if (name !== null) parts.push(element("small", "label", label));
  parts.at(-1).title = voice ? `${label}, the voice ${voice}` : label;
  if (alike !== null) {
    parts.push(element("small", "alike", `${(alike / 100).toFixed(2)} alike`));
    parts.at(-1).title = "To what was known of the voice: a cosine, 1 at most";
  }
  const mine = corrections().filter((one) => one.who === who);
  if (mine.length) {
    const lost = mine.some((one) => !one.saved);
    parts.push(element("small", lost ? "unsaved" : "saved", lost ? "not saved" : "saved"));
  }
  if (perhaps(who)) {
    const question = element("div", "perhaps");
    question.append(element("span", "", perhaps(who)));
    question.firstChild.dir = "auto";
    if (maybe) {
      question.append(
        button("", "Yes", `Yes, ${label} is ${voiceCalled(who)}`, () => (answer(who, "is"), anew(who))),
        button("", "No", `No, ${label} is not ${voiceCalled(who)}`, () => (answer(who, "is_not"), anew(who))),
      );
    }
    parts.push(question);
  }
  people[who].replaceChildren(...parts.flatMap((part) => [part, " "]));
}

/** Write a person's name: Enter keeps it, Esc leaves it. */
function write(who) {
  if (!finish(false)) {
    writing.field.focus();
    return;
  }
  const { label } = D.speakers[who];
  const field = element("input", "naming");
  const told = element("small", "told", "Enter keeps it, Esc leaves it");
  Object.assign(field, { type: "text", dir: "auto", autocomplete: "off", spellcheck: false, enterKeyHint: "done" });
  field.placeholder = label;
  field.value = nameOf(who) ?? "";
  told.id = "told";
  told.setAttribute("role", "status");
  field.setAttribute("aria-label", `Name of ${label}`);
  field.setAttribute("aria-describedby", "told");
  field.addEventListener("input", () => complain(""));
  field.addEventListener("keydown", (key) => {
    if (key.isComposing || (key.key !== "Enter" && key.key !== "Escape")) return;
    key.preventDefault();
    if (key.key === "Enter") finish(true);
    else leave(true);
  });
  field.addEventListener("blur", (gone) => {
    if (document.activeElement === field) return; // another window, to look how it is written
    if ($("corrections").contains(gone.relatedTarget)) return; // kept there, lest the button move from under the hand
    finish(false);
  });
  writing = { who, field, told };
  people[who].replaceChildren(field, told);
  warn();
  field.focus();
  field.select();
}

function complain(why) {
  writing.told.textContent = why || "Enter keeps it, Esc leaves it";
  writing.told.classList.toggle("wrong", !!why);
  writing.field.setAttribute("aria-invalid", String(!!why));
}

/** Keep the name that is being written; false where it can't be one. */
function finish(stay) {
  if (!writing) return true;
  const name = tidied(writing.field.value);
  const why = wrong(name);
  if (why) {
    complain(why);
    return false;
  }
  call(writing.who, name);
  leave(stay);
  return true;
}

function leave(stay) {
  const { who } = writing;
  writing = null; // first: the field's going is a blur too
  anew(who, stay);
}

/** Show a speaker anew, wherever that is; the keyboard stays in the speaker's row. */
function anew(who, stay = true) {
  introduce(who);
  if (stay) people[who].querySelector(".called").focus();
  for (const line of holder.querySelectorAll(".line")) {
    const name = rowWho[line.dataset.row] === who && line.querySelector(".name");
    if (name) dressed(name, who);
  }
  draw(LOOK);
  list();
}
