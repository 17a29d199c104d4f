// The recording's sound, where it is found or chosen, and the word that is being spoken.

const sound = $("audio");
let part = -1; // which of the recording's files is loaded
let place = 0; // where the reader is, while nothing is loaded
let spoken = -1;
let waiting = null; // where to go once a file is loaded
let touched = 0; // when the reader last scrolled
let followed = 0; // where it was at the last look
let wished = false; // to play as soon as that is possible
let looped = null; // {from, to}: the sound goes round in it

/** The time in the recording. */
function now() {
  if (waiting !== null || part < 0 || !sound.src) return place;
  return D.parts[part].start + sound.currentTime * 1000;
}

function partAt(ms) {
  const later = D.parts.findIndex((p) => ms < p.end);
  return later < 0 ? D.parts.length - 1 : later;
}

/** Load the file that holds a time, and go there. */
function load(ms) {
  const wanted = partAt(ms);
  const one = D.parts[wanted];
  if (!one || !one.src) return false;
  if (wanted === part && sound.readyState > 0 && !sound.error) {
    sound.currentTime = Math.max(0, (ms - one.start) / 1000);
    waiting = null;
    return true;
  }
  waiting = ms;
  if (wanted !== part || sound.error) {
    part = wanted;
    sound.src = address(one);
    sound.playbackRate = sound.defaultPlaybackRate = Number($("rate").value);
  }
  return true;
}

/** Where a file is. What the report carries itself is unpacked when it is first needed. */
function address(one) {
  if (one.src.startsWith("data:")) {
    const bytes = Uint8Array.from(atob(one.src.slice(one.src.indexOf(",") + 1)), (c) => c.charCodeAt(0));
    one.src = one.url = URL.createObjectURL(new Blob([bytes], { type: "audio/ogg" }));
  }
  return one.src;
}

/** Go to a time: the sound, the timeline, the word. */
function seek(ms, playing = false) {
  place = Math.min(Math.max(0, ms), DURATION);
  wished = playing || !sound.paused;
  const there = load(place);
  if (!there) missing();
  else if (wished && waiting === null) start();
  follow(place);
}

/** Go to a time and bring its line into sight. */
function go(ms) {
  seek(ms);
  if (ROWS) show(rowAt(ms));
}

function start() {
  sound.play().catch(() => {}); // where there is none, its error event tells
}

function toggle() {
  if (!sound.paused) sound.pause();
  else seek(now(), true);
}

function missing() {
  wished = false;
  const named = D.parts.length === 1 ? D.parts[0].name : `${D.parts.length} files`;
  $("state").textContent = `Choose the recording (${named})`;
  $("choose").title = "The sound is not where this report looks for it; choose its file to listen";
  $("choose").classList.add("lacking");
}

sound.addEventListener("loadedmetadata", () => {
  $("state").textContent = D.parts[part].name;
  $("choose").title = "Choose another file";
  $("choose").classList.remove("lacking");
  if (waiting !== null) sound.currentTime = Math.max(0, (waiting - D.parts[part].start) / 1000);
  waiting = null;
  if (wished) start();
});
sound.addEventListener("error", () => {
  if (part >= 0) D.parts[part].src = null;
  place = waiting ?? place;
  waiting = null;
  missing();
});
sound.addEventListener("ended", () => {
  const next = D.parts[part + 1];
  if (next) ((wished = true), (place = next.start), load(next.start));
});
for (const each of ["play", "pause"]) {
  sound.addEventListener(each, () => {
    $("play").textContent = sound.paused ? "▶" : "❚❚";
    document.body.classList.toggle("playing", !sound.paused);
    if (!sound.paused) tick();
  });
}
sound.addEventListener("seeked", () => follow(now()));
sound.addEventListener("timeupdate", () => looped && !sound.paused && tick()); // also in a tab that is not in sight

function tick() {
  place = now();
  if (looped && waiting === null && (place >= looped.to || place < looped.from - 50)) seek(looped.from, true);
  follow(place);
  if (!sound.paused) requestAnimationFrame(tick);
}

/** The word spoken at a time, or the last before it; -1 before the first. */
function wordAt(ms) {
  let found = -1;
  for (let r = lastUpTo(rowStart, ms), tries = 0; r >= 0 && tries < 8; r--, tries++) {
    let w = -1;
    for (let k = rowFirst[r]; k < rowFirst[r + 1] && wordStart[k] <= ms; k++) w = k;
    if (w < 0) continue;
    if (found < 0) found = w;
    if (wordEnd[w] > ms) return w; // an earlier line's word, where one speaks over another
  }
  return found;
}

/** Show where the sound is. */
function follow(ms) {
  $("now").textContent = clock(ms);
  if (document.activeElement !== $("seek") || !sound.paused) $("seek").value = String((ms / DURATION) * 1000);
  const w = wordAt(ms);
  if (w !== spoken) {
    wordElement(spoken)?.classList.remove("now");
    spoken = w;
    wordElement(w)?.classList.add("now");
    if (w >= 0 && !sound.paused && $("follow").checked && Date.now() - touched > 4000) keepInSight(w);
  }
  // The timeline goes along, unless the reader has moved it away from where the sound is.
  const along = sound.paused || (followed >= from && followed <= to);
  if (along && (ms > to || ms < from)) view(ms - (to - from) * 0.1, ms + (to - from) * 0.9);
  followed = ms;
  draw();
}

function keepInSight(w) {
  const box = wordElement(w)?.getBoundingClientRect();
  if (!box) show(wordRow[w]);
  else if (box.top < 110 || box.bottom > innerHeight - 110) show(wordRow[w], true);
}

for (const each of ["wheel", "touchmove"]) addEventListener(each, () => (touched = Date.now()), { passive: true });

$("file").addEventListener("change", () => {
  const files = [...$("file").files];
  D.parts.forEach((one, k) => {
    const named = files.find((f) => f.name === one.name) || (files.length === D.parts.length ? files[k] : null);
    if (!named) return;
    if (one.url) URL.revokeObjectURL(one.url);
    one.src = one.url = URL.createObjectURL(named);
  });
  part = -1;
  seek(place, wished);
});
$("play").addEventListener("click", toggle);
$("rate").addEventListener("change", () => {
  sound.playbackRate = sound.defaultPlaybackRate = Number($("rate").value);
});
$("seek").addEventListener("input", () => go((Number($("seek").value) / 1000) * DURATION));
document.addEventListener("click", (click) => {
  const word = click.target.closest?.(".w");
  const time = click.target.closest?.(".time");
  if (word && getSelection().isCollapsed) seek(wordStart[word.dataset.word], true);
  else if (time) (time.closest("#chunks, #quality") ? go : seek)(Number(time.dataset.at), !time.closest("#chunks, #quality"));
});
