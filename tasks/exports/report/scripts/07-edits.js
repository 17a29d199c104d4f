// What is said, as the reader corrects it: of a line the text, the speaker, whether it is speech, where lines begin.
// Corrections are told by times in the sound, never by lines or labels: those of another run are others.

const MOST_TURNS = 5;
const MOST_LETTERS = 5000;

// Of a row: {text, who, gone, right, split, join, restore, at}; what is undefined is as the tables have it.
const edits = new Map();

let saver = null; // {sendEdits, sendNames, pending, failure} where the page is served and saves by itself

const turnStart = unfolded(D.turns.at);
const turnEnd = ends(turnStart, D.turns.long);
const turnWho = D.turns.who;

const seconds = (ms) => ms / 1000;

/** A row's text: as the tables have it. */
function textOf(r) {
  let said = "";
  for (let w = rowFirst[r]; w < rowFirst[r + 1]; w++) said += (w > rowFirst[r] && !wordTight[w] ? " " : "") + text[w];
  return said;
}

/** Who speaks, told by the speaker's longest turns. */
const voices = new Map();
function voiceOf(who) {
  if (who < 0) return null;
  if (!voices.has(who)) voices.set(who, findVoice(who));
  return voices.get(who);
}

function findVoice(who) {
  const own = [];
  for (let k = 0; k < turnStart.length; k++) if (turnWho[k] === who) own.push([turnStart[k], turnEnd[k]]);
  own.sort((one, other) => other[1] - other[0] - (one[1] - one[0]) || one[0] - other[0]);
  const spans = own.filter(([from, to]) => to > from).slice(0, MOST_TURNS);
  return { label: D.speakers[who].label, spans: spans.map((span) => span.map(seconds)) };
}

/** Change a row's correction; one that says nothing is dropped. */
function change(r, what) {
  const next = { ...edits.get(r), ...what, at: `${new Date().toISOString().slice(0, 19)}+00:00` };
  if (next.text !== undefined && next.text === textOf(r)) next.text = undefined;
  if (next.who === rowWho[r]) next.who = undefined;
  if (next.text !== undefined || next.gone || next.restore) next.right = undefined;
  const { at, ...says } = next;
  if (Object.values(says).some((value) => value !== undefined && value !== false)) edits.set(r, next);
  else edits.delete(r);
}

/** Whether a row goes on where the row before it of the same speaker ends: then both may be one line. */
function rowBefore(r) {
  for (let k = r - 1; k >= 0; k--) if (rowWho[k] === rowWho[r]) return k;
  return -1;
}

/** A border between two times as a span that is not empty. */
function border(left, right) {
  const middle = (left + right) / 2;
  return { start_s: seconds(Math.max(0, Math.min(left, middle - 1))), end_s: seconds(Math.max(right, middle + 1)) };
}

/** The rows of the file about a line. */
function rowsOf(r, { text: said, who, gone, right, split, join, restore, at }) {
  const span = { start_s: seconds(rowStart[r]), end_s: seconds(Math.max(rowEnd[r], rowStart[r] + 1)) };
  const of = { was: textOf(r), was_speaker: voiceOf(rowWho[r]), at };
  const rows = [];
  if (restore) rows.push({ action: "restore", ...span });
  if (gone || right || said !== undefined || who !== undefined) {
    const now = gone ? "" : (said ?? (right ? textOf(r) : null));
    rows.push({ action: "words", ...span, ...of, now, speaker: who === undefined ? null : voiceOf(who) });
  }
  if (split) {
    const was = `${text[split - 1]} ${text[split]}`;
    rows.push({ action: "split", ...border(wordEnd[split - 1], wordStart[split]), ...of, was });
  }
  if (join) {
    const before = rowBefore(r);
    const was = `${text[rowFirst[before + 1] - 1]} ${text[rowFirst[r]]}`;
    rows.push({ action: "join", ...border(rowEnd[before], rowStart[r]), ...of, was });
  }
  return rows;
}

// Made once of each correction, which is replaced as a whole: a day may have hundreds, looked at with every keystroke.
const made = new WeakMap();

/** The entries of a row's correction: {r, row, json}. */
function entriesOf(r, edit) {
  if (!made.has(edit)) made.set(edit, rowsOf(r, edit).map((row) => ({ r, row, json: JSON.stringify(row) })));
  return made.get(edit);
}

/** All that the reader corrected in the text, each with its row of the file. */
function editEntries() {
  const all = [];
  for (const [r, edit] of edits) {
    for (const one of entriesOf(r, edit)) {
      one.saved = filed.has(one.json);
      all.push(one);
    }
  }
  return all;
}

/** Whether an edited row is in no file yet. */
const unsavedEdit = (r) => edits.has(r) && entriesOf(r, edits.get(r)).some((one) => !filed.has(one.json));

/** A correction of the text as a sentence. */
function editSentence({ r, row }) {
  const where = clock(rowStart[r]);
  if (row.action === "restore") return `${where}: as the machine has it`;
  if (row.action === "split") return `${where}: a line begins at “${row.was.split(" ")[1]}”`;
  if (row.action === "join") return `${where}: one line with the one before`;
  if (row.now === "") return `${where}: “${row.was}” is not speech`;
  if (row.now === row.was && !row.speaker) return `${where}: “${row.was}” is right`;
  const whose = row.speaker ? `, spoken by ${row.speaker.label}` : "";
  return `${where}: “${row.now ?? row.was}”${row.now === null ? "" : `, not “${row.was}”`}${whose}`;
}
