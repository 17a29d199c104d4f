// Who the speakers are: as the recording's tables have it, and as the reader corrects it.

const LONGEST = 60;
const SLUG = D.recording_id.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+/, ""); // it is one; here it has to be
const FILE = `${SLUG || "recording"}.corrections.json`;

// Of each speaker: a name given, null where one was taken away; "is" or "is_not" to the voice that it may be.
const corrected = D.speakers.map(() => ({ name: undefined, answer: undefined }));
let filed = new Set(); // the corrections in the file that was saved last

/** A person's name before the reader gave one: the tables', or that of the voice which the reader confirmed. */
function nameBefore(who) {
  const { name, maybe_name } = D.speakers[who];
  return (corrected[who].answer === "is" && maybe_name) || name;
}

/** null where nobody knows. */
function nameOf(who) {
  const { name } = corrected[who];
  return name === undefined ? nameBefore(who) : name;
}

function voiceCalled(who) {
  const { maybe, maybe_name } = D.speakers[who];
  return maybe_name || (maybe && `the voice ${maybe}`);
}

/** Who a speaker may be, as a question; empty where nobody asks, or it has been answered. As people.py says it. */
function perhaps(who) {
  const called = corrected[who].answer ? null : voiceCalled(who);
  return called ? `perhaps ${called}?` : "";
}

/** Whether a speaker goes by a question, for want of a name. */
const asked = (who) => nameOf(who) === null && !!D.speakers[who].maybe_name && !!perhaps(who);

/** What stands for a speaker where there is room for one thing. */
function speakerName(who) {
  if (who < 0) return "";
  const { label, unknown } = D.speakers[who];
  return unknown ? "Unknown" : (nameOf(who) ?? (asked(who) ? perhaps(who) : label));
}

/** A name as it is kept: one line, one blank between words, letters in their composed form. */
const tidied = (written) => written.normalize("NFC").replace(/\s+/g, " ").trim();

const TURNING = /\p{Bidi_Control}/u;
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}]/u; // but for the joiners of emoji and of Persian
const SEEN = /[\p{L}\p{N}\p{P}\p{S}]/u;
const LABEL = /^(speaker_.*|speaker[ -]?\d+|unknown)$/iu;

/** What is wrong with a tidied name; empty where nothing is. What passes here, `daylong speakers apply` takes. */
function wrong(name) {
  const long = [...name].length;
  if (TURNING.test(name)) return "A hidden sign in it turns the direction of writing. Type the name anew.";
  if (HIDDEN.test(name)) return "A hidden sign is in it. Type the name anew.";
  if (name && !SEEN.test(name)) return "Nothing of it can be seen. Write a name.";
  if (LABEL.test(name)) return `${name} is a label, not a name.`;
  return long > LONGEST ? `At most ${LONGEST} characters; these are ${long}.` : "";
}

/** Whether two names are one, in capitals or not: there are no two people of one name. */
const same = (one, other) => !!one && !!other && one.toLowerCase() === other.toLowerCase();

/** Give a speaker a tidied name; empty: take it away. The name of who it may be answers that question. */
function call(who, name) {
  const { maybe, maybe_name } = D.speakers[who];
  if (maybe && same(name, maybe_name)) {
    corrected[who] = { name: undefined, answer: "is" };
    return;
  }
  corrected[who].name = (name || null) === nameBefore(who) ? undefined : name || null;
}

function answer(who, given) {
  corrected[who].answer = given;
  if (corrected[who].name !== undefined) call(who, corrected[who].name);
}

/** All that the reader corrected: the rows of the file, each with whose it is. */
function corrections() {
  return D.speakers.flatMap(({ label, voice, name, maybe }, who) => {
    const of = { speaker: label, voice_id: voice };
    const rows = [];
    if (corrected[who].answer) rows.push({ ...of, [corrected[who].answer]: maybe });
    if (corrected[who].name !== undefined) rows.push({ ...of, was: name, name: corrected[who].name });
    return rows.map((row) => ({ who, row, saved: filed.has(JSON.stringify(row)) }));
  });
}

function unsaved(who) {
  const { name, answer } = corrected[who];
  return (name !== undefined || !!answer) && corrections().some((one) => one.who === who && !one.saved);
}

/** All corrections: of names and of what is said. */
const allEntries = () => [...corrections(), ...editEntries()];

/** Whether something would be lost with the page. */
const dirty = () => {
  const all = allEntries();
  if (saver) return saver.pending > 0 || all.some((one) => !one.saved);
  return all.length > 0 && (all.length !== filed.size || all.some((one) => !one.saved));
};

/** The file, as `daylong corrections apply` reads it, or `daylong speakers apply` where it holds names alone. */
function fileText(withEdits = true) {
  const { recording_id, source_name, sha256 } = D;
  const speakers = corrections().map((one) => one.row);
  const edited = edits.size && withEdits ? { sha256, edits: editEntries().map((one) => one.row) } : {};
  const file = { daylong: "corrections", version: 1, recording_id, run_id: null, source_name, speakers, ...edited };
  return `${JSON.stringify(file, null, 2)}\n`;
}
