// Of a page that `daylong review` serves: what is corrected is saved as one goes along, one after the other; what is
// corrected anew takes the place of what was sent before.

const sent = new Map(); // of a row: {edit, numbers}
let queue = Promise.resolve();
let settling = false; // while the list is shown anew after an answer: what failed is sent again with the next correction

async function post(where, body) {
  const answer = await fetch(where, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

function enqueue(work) {
  saver.pending++;
  queue = queue
    .then(work)
    .then(() => (saver.failure = ""))
    .catch((error) => (saver.failure = `Not saved: ${error.message}`))
    .then(() => {
      saver.pending--;
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
      const body = JSON.stringify({ instead_of, edits: entries.map((one) => one.row) });
      const said = await post("corrections", body).catch((error) => {
        now.edit = null; // sent again with the next correction
        throw error;
      });
      now.numbers = said.numbers;
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

saver = { sendEdits, sendNames, pending: 0, failure: "" };
