// Who spoke when: above the whole recording with a window in it, below what the window shows, a lane a speaker.

const overview = $("overview");
const detail = $("detail");
const DURATION = Math.max(1, D.duration);
const CLOSEST = 5000;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const TOP = 26;
const CHUNKS = 18;
let from = 0;
let to = DURATION;
let hover = null;
let ink = {};
let fills = [];

const lanes = D.speakers.map(() => ({ start: [], end: [] }));
{
  const starts = unfolded(D.turns.at);
  for (let k = 0; k < starts.length; k++) {
    const lane = lanes[D.turns.who[k]];
    lane.start.push(starts[k]);
    lane.end.push(starts[k] + D.turns.long[k]);
  }
}
const LANE = lanes.length > 16 ? 15 : lanes.length > 8 ? 20 : 26;

/** Colours and patterns, as the page's light or dark has them. */
function mix() {
  for (const name of ["ink", "quiet", "rule", "paper", "accent", "alert", "wash", "hit"]) ink[name] = coloured(name);
  fills = D.speakers.map((speaker, k) => {
    if (speaker.unknown) return pattern(ink.quiet, ink.paper, 1);
    const colour = coloured(`c${k % COLOURS}`);
    const kind = Math.floor(k / COLOURS) % 4;
    return kind ? pattern(colour, ink.paper, kind) : colour;
  });
}

/** One of report.css's colours as it is now: a property holds both of light and dark, an element's colour is one. */
function coloured(name) {
  detail.style.color = `var(--${name})`;
  return getComputedStyle(detail).color;
}

function pattern(colour, paper, kind) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = pen.fillStyle = paper;
  pen.lineWidth = 1.6;
  pen.beginPath();
  if (kind === 1) for (const x of [-4, 4, 12]) (pen.moveTo(x - 6, 10), pen.lineTo(x + 6, -2));
  if (kind === 2) (pen.arc(4, 4, 2, 0, 7), pen.fill());
  if (kind === 3) (pen.moveTo(4, 0), pen.lineTo(4, 8));
  if (kind !== 2) pen.stroke();
  return pen.createPattern(tile, "repeat");
}

/** A canvas of this size, sharp on every screen and empty; its pen. */
function prepared(canvas, wide, height) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, wide, height);
  return pen;
}

/** The turns of a lane between two times; what lies within a pixel is drawn as one. */
function drawLane(pen, lane, a, b, left, wide, y, height) {
  const scale = wide / (b - a);
  let begun = -1;
  let until = -1;
  const flush = () => begun >= 0 && pen.fillRect(begun, y, Math.max(1, until - begun), height);
  for (let k = 0; k < lane.start.length && lane.start[k] <= b; k++) {
    if (lane.end[k] < a) continue;
    const x = left + (Math.max(lane.start[k], a) - a) * scale;
    const end = left + (Math.min(lane.end[k], b) - a) * scale;
    if (begun >= 0 && x <= until + 0.5) {
      until = Math.max(until, end);
      continue;
    }
    flush();
    begun = x;
    until = end;
  }
  flush();
}

// What changes rarely is drawn once, aside; what moves is drawn over a copy of it.
const asideOverview = document.createElement("canvas");
const asideDetail = document.createElement("canvas");
const MOVED = 0;
const VIEW = 1;
const LOOK = 2;
let due = false;
let stale = LOOK;

/** Draw at the next frame: only what moves, the view anew, or all of it. */
function draw(what = MOVED) {
  stale = Math.max(stale, what);
  if (!due) {
    requestAnimationFrame(() => {
      due = false;
      drawOverview(stale === LOOK);
      drawDetail(stale >= VIEW);
      stale = MOVED;
    });
  }
  due = true;
}

function drawOverview(anew) {
  const wide = overview.clientWidth;
  const height = 14 + 4 * Math.max(1, Math.min(lanes.length, 10));
  if (anew) {
    const pen = prepared(asideOverview, wide, height);
    const each = (height - 14) / Math.max(1, lanes.length);
    lanes.forEach((lane, k) => {
      pen.fillStyle = D.speakers[k].unknown ? ink.quiet : fills[k];
      drawLane(pen, lane, 0, DURATION, 0, wide, 7 + k * each, Math.max(1, each - 0.5));
    });
  }
  const pen = prepared(overview, wide, height);
  copy(pen, asideOverview, wide, height);
  const [a, b] = [(from / DURATION) * wide, (to / DURATION) * wide];
  pen.fillStyle = ink.paper;
  pen.globalAlpha = 0.7;
  pen.fillRect(0, 0, a, height);
  pen.fillRect(b, 0, wide - b, height);
  pen.globalAlpha = 1;
  if (b - a < wide - 1) {
    pen.strokeStyle = ink.ink;
    pen.lineWidth = 1.5;
    pen.strokeRect(a + 0.75, 0.75, Math.max(3, b - a - 1.5), height - 1.5);
  }
  line(pen, (now() / DURATION) * wide, 0, height, ink.accent, 2);
}

function copy(pen, aside, wide, height) {
  if (aside.width && aside.height) pen.drawImage(aside, 0, 0, wide, height);
}

const gutter = () => (innerWidth <= 672 ? 84 : 132); // as report.css has it
const xOf = (ms) => gutter() + ((ms - from) / (to - from)) * (detail.clientWidth - gutter());

function drawDetail(anew) {
  const all = detail.clientWidth;
  const bottom = TOP + Math.max(1, lanes.length) * LANE;
  const height = bottom + CHUNKS + 8;
  if (anew) drawLanes(prepared(asideDetail, all, height), gutter(), all, bottom);
  const pen = prepared(detail, all, height);
  copy(pen, asideDetail, all, height);
  if (hover !== null) line(pen, xOf(hover), TOP, bottom + CHUNKS, ink.quiet, 1);
  const at = xOf(now());
  if (at >= gutter() && at <= all) line(pen, at, TOP - 6, bottom + CHUNKS, ink.accent, 2);
  $("range").textContent =
    hover === null
      ? `${clock(from)} – ${clock(to)}`
      : clock(hover) + (startOfDay ? ` · ${timeOfDay(hover)} by the clock` : "");
}

function drawLanes(pen, left, all, bottom) {
  const font = `${left < 100 ? 11 : 12}px ${getComputedStyle(document.body).fontFamily}`;
  pen.font = font;
  pen.textBaseline = "middle";
  axis(pen, left, all, bottom);
  lanes.forEach((lane, k) => {
    const y = TOP + k * LANE;
    pen.fillStyle = ink.rule;
    pen.fillRect(left, y + LANE - 0.5, all - left, 0.5);
    pen.fillStyle = fills[k];
    drawLane(pen, lane, from, to, left, all - left, y + 4, LANE - 8);
    pen.fillStyle = ink.ink;
    pen.font = asked(k) ? `italic ${font}` : font;
    const dot = unsaved(k) ? " •" : "";
    pen.fillText(short(pen, speakerName(k), left - 12 - pen.measureText(dot).width) + dot, 0, y + LANE / 2);
    pen.font = font;
  });
  drawChunks(pen, left, all, bottom);
  if (!hitOf) return;
  pen.fillStyle = ink.hit;
  let last = -9;
  for (const [first] of hits) {
    const x = xOf(wordStart[first]);
    if (x < left || x > all || Math.abs(x - last) < 1) continue;
    pen.fillRect(x - 1, TOP - 5, 2, 5);
    last = x;
  }
}

function drawChunks(pen, left, all, bottom) {
  for (const chunk of D.chunks) {
    const [a, b] = [Math.max(left, xOf(chunk.from)), Math.min(all, xOf(chunk.to))];
    if (b < left || a > all) continue;
    if (chunk.status === "failed") {
      pen.fillStyle = pattern(ink.alert, ink.paper, 1);
      pen.globalAlpha = 0.6;
      pen.fillRect(a, TOP, Math.max(1, b - a), bottom - TOP + CHUNKS - 4);
      pen.globalAlpha = 1;
    }
    pen.fillStyle = ink.quiet;
    const said = chunk.status === "failed" ? "✕" : String(chunk.index + 1);
    if (b - a > 26) pen.fillText(said, a + 6, bottom + CHUNKS / 2 + 2);
    if (chunk.index > 0 && a > left) line(pen, a, bottom + 3, bottom + CHUNKS, ink.quiet, 1);
  }
  pen.fillStyle = ink.quiet;
  pen.fillText("chunks", 0, bottom + CHUNKS / 2 + 2);
}

function axis(pen, left, all, bottom) {
  const span = (to - from) / 1000;
  const step = (STEPS_S.find((s) => (span / s) * 78 < all - left) || STEPS_S.at(-1)) * 1000;
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const x = xOf(t);
    line(pen, x, TOP - 2, bottom, ink.rule, 1);
    const label = DURATION < 3600e3 ? clock(t).slice(3) : step % 60000 ? clock(t) : clock(t).slice(0, -3);
    const half = pen.measureText(label).width / 2;
    pen.fillStyle = ink.quiet;
    pen.fillText(label, Math.min(Math.max(x - half, left), all - 2 * half), 11);
  }
}

function line(pen, x, top, bottom, colour, thick) {
  pen.fillStyle = colour;
  pen.fillRect(x - thick / 2, top, thick, bottom - top);
}

function short(pen, name, room) {
  if (pen.measureText(name).width <= room) return name;
  const cut = [...name];
  while (cut.length && pen.measureText(`${cut.join("")}…`).width > room) cut.pop();
  return `${cut.join("")}…`;
}
