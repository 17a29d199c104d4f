// The transcript: blocks of lines, of which only those near the window are in the page, so that a day scrolls as
// easily as a minute. Before printing, all are.

const BLOCK = 30;
const NEAR = "1200px 0px";
const UNSURE_SPEAKER = 60;
const holder = $("transcript");

// What stands in the transcript, in order: a row as its number, a seam or a failed chunk as -1 minus the chunk's.
const items = [];
{
  const notes = D.chunks.filter((c, k) => k > 0 || c.status === "failed");
  let next = 0;
  for (let r = 0; r <= ROWS; r++) {
    while (next < notes.length && (r === ROWS || notes[next].from <= rowStart[r])) {
      items.push(-1 - D.chunks.indexOf(notes[next++]));
    }
    if (r < ROWS) items.push(r);
  }
}
const blockOfRow = new Int32Array(ROWS);
items.forEach((item, place) => {
  if (item >= 0) blockOfRow[item] = Math.floor(place / BLOCK);
});

const blocks = [];
let printing = false;

function lay() {
  for (let from = 0; from < items.length; from += BLOCK) {
    const box = element("div", "block");
    box.dataset.block = String(blocks.length);
    blocks.push({ box, from, to: Math.min(from + BLOCK, items.length), filled: false, height: 0 });
  }
  guess();
  holder.replaceChildren(...blocks.map((b) => b.box));
  if (!items.length) holder.append(element("p", "quiet", "Nothing was said."));
  blocks.forEach((b) => watcher.observe(b.box));
}

/** Heights of blocks that have not been seen, by the length of their text. */
function guess() {
  const narrow = holder.clientWidth < 640;
  const letters = Math.max(20, (Math.min(holder.clientWidth, 1000) - (narrow ? 0 : 240)) / 8);
  for (const b of blocks) {
    if (b.filled) continue;
    let height = 0;
    for (let k = b.from; k < b.to; k++) {
      const r = items[k];
      if (r < 0) {
        height += 44;
        continue;
      }
      let said = 0;
      for (let w = rowFirst[r]; w < rowFirst[r + 1]; w++) said += text[w].length + 1 - wordTight[w];
      height += Math.ceil(said / letters) * 27 + (narrow ? 36 : 10);
    }
    b.height = height;
    b.box.style.height = `${height}px`;
  }
}

const watcher = new IntersectionObserver(
  (seen) => {
    if (printing) return;
    for (const one of seen) {
      const b = blocks[one.target.dataset.block];
      if (one.isIntersecting) fill(b);
      else empty(b);
    }
  },
  { rootMargin: NEAR },
);

function fill(b) {
  if (b.filled) return;
  const made = document.createDocumentFragment();
  for (let k = b.from; k < b.to; k++) made.append(items[k] < 0 ? noteOf(D.chunks[-1 - items[k]]) : lineOf(items[k]));
  b.box.style.height = "";
  b.box.replaceChildren(made);
  b.filled = true;
}

function empty(b) {
  if (!b.filled || b.box.contains(document.activeElement) || b.box.querySelector(".editing")) return;
  b.height = b.box.offsetHeight;
  b.box.style.height = `${b.height}px`;
  b.box.replaceChildren();
  b.filled = false;
}

function lineOf(r) {
  const line = element("div", "line");
  line.dataset.row = String(r);
  const time = element("button", "time", clock(rowStart[r]));
  time.type = "button";
  time.dataset.at = String(rowStart[r]);
  if (startOfDay) time.title = `${timeOfDay(rowStart[r])} by the clock`;
  const who = element("span", "who");
  const whose = rowWho[r];
  if (whose >= 0) {
    const again = r > 0 && rowWho[r - 1] === whose;
    line.classList.toggle("again", again);
    who.append(element("i", markOf(whose)), dressed(element("span"), whose));
    const sure = D.rows.sure[r];
    if (!D.speakers[whose].unknown && sure >= 0 && sure < UNSURE_SPEAKER) {
      const asks = element("b", "asks", "?");
      asks.title = `Speaker uncertain: ${sure} %`;
      who.append(asks);
      line.classList.remove("again");
    }
    line.classList.toggle("stranger", D.speakers[whose].unknown);
  }
  const said = element("p", "said");
  said.dir = "auto";
  let plain = "";
  for (let w = rowFirst[r]; w < rowFirst[r + 1]; w++) {
    if (w > rowFirst[r] && !wordTight[w]) plain += " ";
    const low = wordSure[w] >= 0 && wordSure[w] < D.low;
    if (printing && !low && !wordEdited[w]) {
      plain += text[w];
      continue;
    }
    said.append(plain, wordOf(w, low));
    plain = "";
  }
  said.append(plain);
  line.append(time, who, said);
  if (!printing) dressLine(line, r);
  return line;
}

function wordOf(w, low) {
  const word = element("span", "w", text[w]);
  word.dataset.word = String(w);
  if (low) {
    word.classList.add("low");
    word.title = `${clock(wordStart[w])} · confidence ${wordSure[w]} %`;
  }
  if (wordEdited[w]) {
    word.classList.add("edited");
    word.title = `${clock(wordStart[w])} · corrected by hand`;
  }
  if (w === spoken) word.classList.add("now");
  if (hitOf) mark(word, w);
  return word;
}

/** What is to be known at a seam, and of a chunk that failed. */
function noteOf(chunk) {
  const failed = chunk.status === "failed";
  const note = element("div", failed ? "note failed" : "note");
  const time = element("button", "time", clock(chunk.from));
  time.type = "button";
  time.dataset.at = String(chunk.from);
  const told = element("p");
  if (failed) {
    told.append(element("strong", "", `✕ Not transcribed until ${clock(chunk.to)}. `), chunk.error || "");
  } else {
    const facts = [`seam, chunk ${chunk.index + 1}`, `${chunk.kept} kept`, `${chunk.dropped} dropped`];
    if (chunk.redecoded) facts.push(`${(chunk.redecoded / 1000).toFixed(1)} s decoded again`);
    if (chunk.loops) facts.push(`${chunk.loops} loop${chunk.loops === 1 ? "" : "s"} taken out`);
    if (chunk.silence) facts.push(`${chunk.silence} word${chunk.silence === 1 ? "" : "s"} in silence taken out`);
    told.textContent = facts.join(" · ");
  }
  note.append(time, told);
  return note;
}

function lineElement(r) {
  return holder.querySelector(`.line[data-row="${r}"]`);
}

function wordElement(w) {
  return w < 0 ? null : holder.querySelector(`.w[data-word="${w}"]`);
}

/** Bring a row to the middle of the window. */
function show(r, smooth = false) {
  const place = blockOfRow[r];
  for (let k = Math.max(0, place - 1); k <= Math.min(blocks.length - 1, place + 1); k++) fill(blocks[k]);
  const there = lineElement(r);
  there.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "instant" });
  if (!smooth) requestAnimationFrame(() => lineElement(r)?.scrollIntoView({ block: "center", behavior: "instant" }));
}

/** The row at or before a time. */
const rowAt = (ms) => Math.max(0, lastUpTo(rowStart, ms));

/** The first row in sight. */
function rowInSight() {
  const under = document.querySelector(".finder").getBoundingClientRect().bottom;
  for (const line of holder.querySelectorAll(".line")) {
    if (line.getBoundingClientRect().bottom > under) return Number(line.dataset.row);
  }
  return 0;
}

function print(on) {
  if (on === printing) return;
  printing = on;
  for (const b of blocks) {
    b.filled = false;
    if (on) fill(b);
    else empty(Object.assign(b, { filled: true }));
  }
  if (!on) blocks.forEach((b) => (watcher.unobserve(b.box), watcher.observe(b.box)));
}
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));
matchMedia("print").addEventListener("change", (medium) => print(medium.matches));

let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) guess();
  width = innerWidth;
});
