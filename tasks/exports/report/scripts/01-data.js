// The transcript's columns unfolded: see data.py. Times are milliseconds from the recording's start.

const $ = (id) => document.getElementById(id);
const D = JSON.parse($("data").textContent);
const COLOURS = 7;

/** Running sum of distances. */
function unfolded(steps) {
  const out = new Int32Array(steps.length);
  for (let k = 0, at = 0; k < steps.length; k++) out[k] = at += steps[k];
  return out;
}

/** Starts plus lengths. */
function ends(starts, lengths) {
  const out = new Int32Array(starts.length);
  for (let k = 0; k < starts.length; k++) out[k] = starts[k] + lengths[k];
  return out;
}

const rowStart = unfolded(D.rows.at);
const rowEnd = ends(rowStart, D.rows.long);
const rowWho = Int16Array.from(D.rows.who);
const ROWS = rowStart.length;
const WORDS = D.words.at.length;
const text = WORDS ? D.words.text.split("\n") : [];
const rowFirst = new Int32Array(ROWS + 1); // the row's first word; one more than its last is the next row's first
const wordStart = new Int32Array(WORDS);
const wordRow = new Int32Array(WORDS);
for (let r = 0, w = 0; r < ROWS; r++) {
  let at = rowStart[r];
  rowFirst[r] = w;
  for (const last = w + D.rows.words[r]; w < last; w++) {
    wordStart[w] = at += D.words.at[w];
    wordRow[w] = r;
  }
  rowFirst[r + 1] = w;
}
const wordEnd = ends(wordStart, D.words.long);
const wordTight = new Uint8Array(WORDS); // 1 where no blank stands before the word
for (const w of unfolded(D.words.tight)) wordTight[w] = 1;
const wordEdited = new Uint8Array(WORDS); // 1 where a person corrected the word
for (const w of unfolded(D.words.edited)) wordEdited[w] = 1;
const wordSure = Int8Array.from(D.words.sure);

/** The last place in `sorted` whose value is at most `value`; -1 where all are larger. */
function lastUpTo(sorted, value) {
  let low = -1;
  let high = sorted.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}

const two = (n) => String(n).padStart(2, "0");

/** 12:03:04, as long as it takes. */
function clock(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** The time of day at a place in the recording; empty where its start isn't known. */
const startOfDay = /T(\d\d):(\d\d):(\d\d)/.exec(D.recorded_at || "");
function timeOfDay(ms) {
  if (!startOfDay) return "";
  const [, h, m, s] = startOfDay.map(Number);
  return clock(((h * 60 + m) * 60 + s) * 1000 + ms).replace(/^\d+/, (hours) => two(Number(hours) % 24));
}

/** The classes of a speaker's mark, as facts.py gives them. */
function markOf(who) {
  return D.speakers[who].unknown ? "mark unknown" : `mark c${who % COLOURS} p${Math.floor(who / COLOURS) % 4}`;
}

function element(name, className, said) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (said !== undefined) made.textContent = said;
  return made;
}
