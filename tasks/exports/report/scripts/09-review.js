// What to listen to: the lines in the order of the errors that are expected for a second of listening (see review.py),
// what they are expected to buy, and saving as one goes along where `daylong review` serves the page.

const REVIEW = D.review;
const MOST_LISTED = 200;
let expected = REVIEW.errors; // of each row, in hundredths
const done = new Set(REVIEW.done);
let order = [];
let rest = []; // what is still to be listened to within the minutes

const costOf = (r) => rowEnd[r] - rowStart[r] + REVIEW.around;

function sortRows() {
  order = Array.from(expected.keys()).filter((r) => expected[r] >= REVIEW.least);
  const worth = (r) => expected[r] / costOf(r);
  order.sort((one, other) => worth(other) - worth(one) || one - other);
}

/** Whether somebody has said what is right in a row. */
function isDone(r) {
  const edit = edits.get(r);
  if (edit?.restore) return false;
  return done.has(r) || !!edit && (edit.right || edit.gone || edit.text !== undefined);
}

const percent = (part, whole) => (whole ? (100 * part) / whole : 0);

function length(ms) {
  const s = Math.round(ms / 1000);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

/** The list, and the sentence that says what it buys, as spans.py says it. */
function listReview() {
  if (!expected.length) return;
  $("review").hidden = false;
  let left = Number($("budget").value) * 60000;
  let total = REVIEW.elsewhere;
  for (let r = 0; r < expected.length; r++) if (!isDone(r)) total += expected[r];
  rest = [];
  let gain = 0;
  let spent = 0;
  for (const r of order) {
    const cost = costOf(r);
    if (isDone(r) || cost > left - spent) continue;
    rest.push(r);
    spent += cost;
    gain += expected[r];
  }
  const [before, after] = [total, total - gain].map((errors) => percent(errors / 100, REVIEW.words).toFixed(1));
  const hold = rest.length === 1 ? "this 1 span" : `these ${rest.length} spans`;
  $("buys").textContent = rest.length
    ? `${hold}, ${length(spent)}, hold${rest.length === 1 ? "s" : ""} about ${percent(gain, total).toFixed(0)} % of the wrong words: WER from ${before} to about ${after} %`
    : `nothing that is worth listening to: WER about ${before} %`;
  if ($("listening").open) showList();
}

function showList() {
  $("listened").replaceChildren(
    ...rest.slice(0, MOST_LISTED).map((r) => {
      const item = element("li");
      const time = button("time", clock(rowStart[r]), "Edit this line", () => reach(r));
      const said = element("span", "", textOf(r));
      said.dir = "auto";
      item.append(time, " ", said);
      return item;
    }),
  );
  if (rest.length > MOST_LISTED) $("listened").append(element("li", "quiet", `and ${rest.length - MOST_LISTED} more`));
}

function reach(r) {
  show(r);
  editLine(r);
}

function editNext() {
  if (rest.length) reach(rest[0]);
}

// Saved as one goes along, one after the other; what is corrected anew takes the place of what was sent before.

const sent = new Map(); // of a row: {edit, numbers}
let queue = Promise.resolve();
let pending = 0;
let failure = "";
let settling = false; // while the list is shown anew after an answer: what failed is sent again with the next correction

async function post(where, body) {
  const answer = await fetch(where, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

function enqueue(work) {
  pending++;
  queue = queue
    .then(work)
    .then(() => (failure = ""))
    .catch((error) => (failure = `Not saved: ${error.message}`))
    .then(() => {
      pending--;
      settling = true;
      list();
      settling = false;
    });
}

function sendEdits() {
  if (settling) return;
  for (const r of new Set([...edits.keys(), ...sent.keys()])) {
    const edit = edits.get(r);
    if (sent.get(r)?.edit === edit) continue;
    const before = sent.get(r) ?? { numbers: [] };
    const now = { edit, numbers: before.numbers };
    sent.set(r, now);
    enqueue(async () => {
      const entries = edit ? entriesOf(r, edit) : [];
      const instead_of = before.numbers;
      now.edit = null; // until it is there
      const said = await post("corrections", JSON.stringify({ instead_of, edits: entries.map((one) => one.row) }));
      Object.assign(now, { edit, numbers: said.numbers });
      for (const one of entries) filed.add(one.json);
      if (said.errors) {
        expected = said.errors;
        REVIEW.elsewhere = said.elsewhere;
        REVIEW.words = said.words;
        sortRows();
      }
      lineElement(r)?.querySelector(".said small")?.classList.replace("unsaved", "saved");
    });
  }
}

function sendNames() {
  const rows = corrections().map((one) => JSON.stringify(one.row));
  enqueue(async () => {
    await post("names", fileText(false));
    for (const row of rows) filed.add(row);
    D.speakers.forEach((_, who) => anew(who, false));
  });
}

sortRows();
$("budget").value = String(REVIEW.minutes);
$("budget").addEventListener("input", listReview);
$("nextline").addEventListener("click", editNext);
$("listening").addEventListener("toggle", () => $("listening").open && showList());
