// The corrections beneath the table: undone one by one, saved as a file, not left behind without a question.

/** A correction as a sentence. */
function sentence({ who, row }) {
  const { label } = D.speakers[who];
  if ("is" in row) return `${label} is ${voiceCalled(who)}`;
  if ("is_not" in row) return `${label} is not ${voiceCalled(who)}`;
  const before = nameBefore(who);
  if (row.name === null) return `${label} is not called ${before} any more`;
  return `${label} is ${row.name}${before ? `, not ${before}` : ""}`;
}

/** Who has the same name: with it they are said to be one person. */
function namesake(who) {
  const other = D.speakers.findIndex((one, k) => k !== who && !one.unknown && same(nameOf(k), nameOf(who)));
  return other < 0 ? "" : `so is ${D.speakers[other].label}: one person`;
}

function undo({ who, r, row }) {
  if (!finish(false)) return;
  if (r !== undefined) {
    edits.delete(r);
    relay(r);
    list();
    return;
  }
  if ("name" in row) corrected[who].name = undefined;
  else answer(who, undefined);
  anew(who);
}

const listed = new WeakMap();

/** A correction's item of the list; of one in the text made once, for it says the same as long as it is there. */
function itemOf(one) {
  if (listed.has(one)) return listed.get(one);
  const item = element("li");
  const told = one.who === undefined ? editSentence(one) : sentence(one);
  const said = element("span", "", told);
  said.dir = "auto";
  if (one.who !== undefined) item.append(element("i", markOf(one.who)));
  item.append(said);
  if (one.row.name && namesake(one.who)) item.append(element("small", "", namesake(one.who)));
  item.append(button("", "Undo", `Undo: ${told}`, () => undo(one)));
  if (one.who === undefined) listed.set(one, item);
  return item;
}

/** The corrections beneath the table. */
function list() {
  const all = allEntries();
  const count = `${all.length} correction${all.length === 1 ? "" : "s"}`;
  const undone = !all.length && filed.size > 0;
  $("unsaved").textContent = undone
    ? `All undone. ${FILE} still holds what was saved: delete it.`
    : `${count}, ${dirty() ? "not saved" : "saved"}`;
  $("corrections").hidden = !all.length && !undone;
  if ($("hint")) $("hint").hidden = !$("corrections").hidden;
  $("command").textContent = `daylong ${edits.size ? "corrections" : "speakers"} apply ${FILE}`;
  $("keep").hidden = !dirty();
  $("keep").textContent = `Save ${count}`;
  $("save").hidden = $("then").hidden = !all.length;
  if (saver) {
    const names = corrections().some((one) => !one.saved);
    $("keep").hidden = $("save").hidden = !names;
    $("keep").textContent = $("save").textContent = "Save names";
    $("then").hidden = true;
    $("unsaved").textContent = saver.failure || `${count}, ${dirty() ? "being saved" : "in the results"}`;
  }
  $("legend-unsaved").hidden = corrections().every((one) => one.saved);
  $("changes").replaceChildren(...all.map(itemOf));
  warn();
  saver?.sendEdits();
  listReview();
}

function save() {
  if (!finish(false) || !keepEdit(false)) return;
  const all = allEntries();
  if (!all.length) return; // the name that was being written is the old one
  if (saver) {
    saver.sendNames();
    return;
  }
  filed = new Set(all.map((one) => JSON.stringify(one.row)));
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([fileText()], { type: "application/json" }));
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  new Set(all.map((one) => one.who)).forEach((who) => who !== undefined && anew(who, false));
  [...edits.keys()].forEach(relay);
  list();
}

// Asked before the page is left with what is nowhere else; listened for only then, so that browsers can keep the page.
function warn() {
  if (dirty() || writing || editing) addEventListener("beforeunload", stop);
  else removeEventListener("beforeunload", stop);
}

function stop(leaving) {
  if (!dirty() && !unkept() && tidied(writing?.field.value ?? "") === (writing ? (nameOf(writing.who) ?? "") : "")) return;
  leaving.preventDefault();
  leaving.returnValue = true; // for browsers of before 2023
}

$("command").textContent = `daylong speakers apply ${FILE}`;
$("save").addEventListener("click", save);
$("keep").addEventListener("click", save);
if (people.length) {
  people.forEach((_, who) => introduce(who));
  $("hint").hidden = D.speakers.every((one) => one.unknown);
}
