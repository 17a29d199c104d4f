// What to listen to: the lines in the order of the errors that are expected for a second of listening (see review.py),
// and what they are expected to buy.

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

sortRows();
$("budget").value = String(REVIEW.minutes);
$("budget").addEventListener("input", listReview);
$("nextline").addEventListener("click", editNext);
$("listening").addEventListener("toggle", () => $("listening").open && showList());
