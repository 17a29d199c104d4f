// Names corrected in the table of speakers, shown everywhere at once, and saved as a file.

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
    parts.push(element("small", "alike", (alike / 100).toFixed(2)));
    parts.at(-1).title = "How alike the voice is to what was known of it, 1 at most (cosine)";
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

/** A correction as a sentence. */
function sentence({ who, row }) {
  const { label } = D.speakers[who];
  if ("is" in row) return `${label} is ${voiceCalled(who)}`;
  if ("is_not" in row) return `${label} is not ${voiceCalled(who)}`;
  const before = nameBefore(who);
  if (row.name === null) return `${label} is not called ${before} any more`;
  return `${label} is ${row.name}${before ? `, not ${before}` : ""}`;
}

/** The same name of somebody else: it may be right, and it may be one person. */
function namesake(who) {
  const name = nameOf(who);
  const other = D.speakers.findIndex((one, k) => k !== who && !one.unknown && name !== null && nameOf(k) === name);
  return other < 0 ? "" : `${D.speakers[other].label} is called so too`;
}

function undo({ who, row }) {
  if (!finish(false)) return;
  if ("name" in row) corrected[who].name = undefined;
  else answer(who, undefined);
  anew(who);
}

/** The corrections beneath the table. */
function list() {
  const all = corrections();
  const count = `${all.length} correction${all.length === 1 ? "" : "s"}`;
  const undone = !all.length && filed.size > 0;
  $("unsaved").textContent = undone
    ? `All undone. ${FILE} still holds what was saved: delete it.`
    : `${count}, ${dirty() ? "not saved" : "saved"}`;
  $("corrections").hidden = !all.length && !undone;
  $("hint").hidden = !$("corrections").hidden;
  $("save").hidden = $("then").hidden = !all.length;
  $("legend-unsaved").hidden = all.every((one) => one.saved);
  $("changes").replaceChildren(
    ...all.map((one) => {
      const item = element("li");
      const said = element("span", "", sentence(one));
      said.dir = "auto";
      item.append(element("i", markOf(one.who)), said);
      if (one.row.name && namesake(one.who)) item.append(element("small", "", namesake(one.who)));
      item.append(button("", "Undo", `Undo: ${sentence(one)}`, () => undo(one)));
      return item;
    }),
  );
  warn();
}

function save() {
  if (!finish(false)) return;
  const all = corrections();
  if (!all.length) return; // the name that was being written is the old one
  filed = new Set(all.map((one) => JSON.stringify(one.row)));
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([fileText()], { type: "application/json" }));
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  new Set(all.map((one) => one.who)).forEach((who) => anew(who, false));
}

/** Ask before the page is left with what is nowhere else; listened for only then, so that browsers can keep the page. */
function warn() {
  if (dirty() || writing) addEventListener("beforeunload", stop);
  else removeEventListener("beforeunload", stop);
}

function stop(leaving) {
  if (!dirty() && tidied(writing?.field.value ?? "") === (writing ? (nameOf(writing.who) ?? "") : "")) return;
  leaving.preventDefault();
  leaving.returnValue = true; // for browsers of before 2023
}

if (people.length) {
  $("command").textContent = `daylong speakers apply ${FILE}`;
  $("save").addEventListener("click", save);
  people.forEach((_, who) => introduce(who));
  $("hint").hidden = D.speakers.every((one) => one.unknown);
}
