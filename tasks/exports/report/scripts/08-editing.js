// Editing a line in its place: a double click, or Enter on the line. The sound goes round in it meanwhile.

let editing = null; // {r, field, played}

const saidOf = (r) => lineElement(r)?.querySelector(".said");

/** Dress a line of the transcript as it is corrected; texts are set as text, never as markup. */
function dressLine(line, r) {
  const said = line.querySelector(".said");
  said.tabIndex = 0;
  const edit = edits.get(r);
  line.classList.toggle("corrected", !!edit);
  line.classList.toggle("gone", !!edit?.gone);
  if (!edit) return;
  if (edit.text !== undefined) said.replaceChildren(edit.text);
  if (edit.who !== undefined) {
    line.querySelector(".who").replaceChildren(element("i", markOf(edit.who)), dressed(element("span"), edit.who));
  }
  const told = [edit.gone && "not speech", edit.right && "right", edit.restore && "as the machine has it", edit.join && "joined to the line before"];
  if (edit.split) told.push(`split at “${text[edit.split]}”`);
  said.append(" ", element("small", unsavedEdit(r) ? "unsaved" : "saved", told.filter(Boolean).join(", ") || "corrected"));
}

/** Show a line anew. */
function relay(r) {
  const old = lineElement(r);
  if (!old) return;
  old.replaceWith(lineOf(r));
}

function editLine(r) {
  if (editing && !keepEdit(false)) return;
  if (!finish(false)) return;
  const said = saidOf(r);
  if (!said) return;
  const field = element("textarea", "editing");
  Object.assign(field, { value: edits.get(r)?.text ?? textOf(r), rows: 1, spellcheck: true, maxLength: MOST_LETTERS });
  field.dir = "auto";
  field.setAttribute("aria-label", `Text of the line at ${clock(rowStart[r])}`);
  const tools = element("div", "editor");
  const whose = element("select");
  whose.setAttribute("aria-label", "Speaker");
  D.speakers.forEach((_, who) => {
    const choice = element("option", "", speakerName(who));
    choice.value = String(who);
    whose.append(choice);
  });
  whose.value = String(edits.get(r)?.who ?? rowWho[r]);
  if (D.speakers.length) tools.append(whose);
  const act = (called, title, what) => tools.append(button("", called, title, () => what() && leaveEdit(true)));
  act("Keep", "Keep what is written (Enter)", () => keepEdit(true) && false);
  act("Right", "What is written is what is said", () => (change(r, { text: undefined, gone: false, right: true }), true));
  act("Not speech", "What is heard here is not speech", () => (change(r, { gone: true, restore: false }), true));
  act("Split", "Begin a line at the cursor (Ctrl + Enter)", () => splitAt(r, field));
  if (rowBefore(r) >= 0) act("Join", "One line with the speaker's line before", () => (change(r, { join: true }), true));
  act("Restore", "As the machine has it: take back all corrections of this line", () => {
    edits.delete(r);
    if (isEdited(r)) change(r, { restore: true });
    return true;
  });
  field.addEventListener("keydown", (key) => {
    if (key.isComposing) return;
    if (key.key === "Enter") {
      key.preventDefault();
      if (!key.ctrlKey && !key.metaKey) keepEdit(true);
      else if (splitAt(r, field)) leaveEdit(true);
    } else if (key.key === " " && (key.ctrlKey || key.metaKey)) {
      key.preventDefault();
      toggle();
    }
  });
  tools.addEventListener("keydown", (key) => key.key === "Enter" && key.stopPropagation());
  said.replaceChildren(field, tools);
  said.tabIndex = -1;
  said.addEventListener("keydown", (key) => {
    if (key.key !== "Escape") return;
    key.preventDefault();
    leaveEdit(true);
  });
  editing = { r, field, whose, played: !sound.paused };
  looped = { from: rowStart[r], to: Math.max(rowEnd[r], rowStart[r] + 300) };
  seek(rowStart[r], true);
  warn();
  field.focus();
  field.style.height = `${field.scrollHeight + 2}px`;
}

/** Whether a person corrected one of the row's words before, by the tables. */
function isEdited(r) {
  for (let w = rowFirst[r]; w < rowFirst[r + 1]; w++) if (wordEdited[w]) return true;
  return false;
}

/** The word at the cursor, where a line is to begin; of an unchanged text only, for a new one has no times yet. */
function splitAt(r, field) {
  if (field.value !== textOf(r)) return false;
  let at = 0;
  for (let w = rowFirst[r]; w < rowFirst[r + 1]; w++) {
    if (w > rowFirst[r] && !wordTight[w]) at++;
    at += text[w].length;
    if (at > field.selectionStart) {
      if (w === rowFirst[r]) return false;
      change(r, { split: w });
      return true;
    }
  }
  return false;
}

/** Keep what is written; nothing written is not speech. */
function keepEdit(stay) {
  if (!editing) return true;
  const { r, field, whose } = editing;
  const said = field.value.normalize("NFC").replace(/\s+/g, " ").trim();
  const who = D.speakers.length ? Number(whose.value) : rowWho[r];
  const given = whose.value === "" ? rowWho[r] : who;
  const right = !!saver && said === textOf(r); // heard, and left as it is
  if (said) change(r, { text: said, who: given, gone: false, right: right || undefined });
  else change(r, { gone: true });
  leaveEdit(stay);
  return true;
}

function leaveEdit(stay) {
  if (!editing) return;
  const { r, played } = editing;
  editing = looped = null;
  if (!played) sound.pause();
  relay(r);
  if (stay) saidOf(r)?.focus({ preventScroll: true });
  list();
}

/** Whether the line that is being edited says something else than before. */
const unkept = () => editing && editing.field.value !== (edits.get(editing.r)?.text ?? textOf(editing.r));

holder.addEventListener("dblclick", (click) => {
  const line = click.target.closest?.(".said")?.closest(".line");
  if (line && !click.target.closest(".editing, .editor")) {
    getSelection().removeAllRanges();
    editLine(Number(line.dataset.row));
  }
});
holder.addEventListener("keydown", (key) => {
  if (key.key === "Enter" && key.target.matches?.(".said") && !key.ctrlKey && !key.metaKey && !key.altKey) {
    key.preventDefault();
    editLine(Number(key.target.closest(".line").dataset.row));
  }
});
