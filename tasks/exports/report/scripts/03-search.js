// Search as one types, without regard to case and accents; a hit may run over words of one line.

let hay = null; // all words, lines apart
let hayAt = null; // where each word begins in it
let hits = []; // [first word, last word]
let hitOf = null; // of each word: 0, or 1 where it is in a hit
let current = -1;

const fold = (said) => said.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function prepareSearch() {
  if (hay !== null) return;
  const parts = [];
  hayAt = new Int32Array(WORDS);
  for (let w = 0, at = 0; w < WORDS; w++) {
    const apart = w + 1 < WORDS && wordRow[w + 1] !== wordRow[w] ? "\n" : wordTight[w + 1] ? "" : " ";
    const said = fold(text[w]) + apart;
    hayAt[w] = at;
    at += said.length;
    parts.push(said);
  }
  hay = parts.join("");
}

function search(wanted) {
  prepareSearch();
  const needle = fold(wanted).replace(/\s+/g, " ").trim();
  hits = [];
  hitOf = needle ? new Uint8Array(WORDS) : null;
  for (let at = needle ? hay.indexOf(needle) : -1; at >= 0; at = hay.indexOf(needle, at + needle.length)) {
    const first = lastUpTo(hayAt, at);
    let last = first;
    while (last + 1 < WORDS && hayAt[last + 1] < at + needle.length) last++;
    hits.push([first, last]);
    hitOf.fill(1, first, last + 1);
  }
  current = -1;
  if (hits.length) {
    const here = rowFirst[rowInSight()];
    current = hits.findIndex(([first]) => first >= here);
    if (current < 0) current = 0;
    show(wordRow[hits[current][0]]);
  }
  told(needle);
}

function step(by) {
  if (!hits.length) return;
  current = (current + by + hits.length) % hits.length;
  show(wordRow[hits[current][0]]);
  told(true);
}

function told(asked) {
  $("hits").textContent = !asked
    ? ""
    : hits.length
      ? `${(current + 1).toLocaleString("en")} of ${hits.length.toLocaleString("en")}`
      : "nothing";
  $("before").disabled = $("after").disabled = !hits.length;
  for (const word of holder.querySelectorAll(".w")) mark(word, Number(word.dataset.word));
  draw(VIEW);
}

/** A word's look: in a hit, in the current one. */
function mark(word, w) {
  word.classList.toggle("hit", hitOf !== null && hitOf[w] === 1);
  const [first, last] = current < 0 ? [-1, -1] : hits[current];
  word.classList.toggle("current", w >= first && w <= last);
}

$("find").addEventListener("focus", prepareSearch);
$("find").addEventListener("input", () => search($("find").value));
$("find").addEventListener("keydown", (key) => {
  if (key.key === "Enter") {
    key.preventDefault();
    step(key.shiftKey ? -1 : 1);
  } else if (key.key === "Escape") {
    $("find").value = "";
    search("");
    $("find").blur();
  }
});
$("before").addEventListener("click", () => step(-1));
$("after").addEventListener("click", () => step(1));
