// The timeline under the reader's hand: zoomed, moved, clicked on.

function view(a, b) {
  const span = Math.min(DURATION, Math.max(Math.min(CLOSEST, DURATION), b - a));
  from = Math.min(Math.max(0, a), DURATION - span);
  to = from + span;
  draw(VIEW);
}

/** Closer by a factor, keeping a time where it is. */
function zoom(factor, around) {
  const centre = around ?? (now() > from && now() < to ? now() : (from + to) / 2);
  view(centre - (centre - from) / factor, centre + (to - centre) / factor);
}

const timeAt = (x) => from + (Math.max(0, x - gutter()) / (detail.clientWidth - gutter())) * (to - from);

let held = null;
detail.addEventListener("pointerdown", (press) => {
  held = { x: press.offsetX, from, to, moved: false };
  detail.setPointerCapture(press.pointerId);
});
detail.addEventListener("pointermove", (move) => {
  hover = timeAt(move.offsetX);
  if (held && Math.abs(move.offsetX - held.x) > 4) held.moved = true;
  if (held?.moved) {
    const by = ((held.x - move.offsetX) / (detail.clientWidth - gutter())) * (held.to - held.from);
    view(held.from + by, held.to + by);
  }
  draw();
});
detail.addEventListener("pointerup", (up) => {
  if (held && !held.moved) go(timeAt(up.offsetX));
  held = null;
});
detail.addEventListener("pointercancel", () => (held = null));
detail.addEventListener("pointerleave", () => ((hover = null), draw()));
detail.addEventListener("dblclick", (click) => zoom(4, timeAt(click.offsetX)));
detail.addEventListener(
  "wheel",
  (wheel) => {
    if (wheel.ctrlKey || wheel.metaKey) zoom(Math.exp(-wheel.deltaY / 250), timeAt(wheel.offsetX));
    else if (wheel.shiftKey || Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY)) {
      const by = ((wheel.deltaX || wheel.deltaY) / detail.clientWidth) * (to - from);
      view(from + by, to + by);
    } else return;
    wheel.preventDefault();
  },
  { passive: false },
);

function centre(press) {
  const middle = (press.offsetX / overview.clientWidth) * DURATION;
  if (to - from < DURATION) view(middle - (to - from) / 2, middle + (to - from) / 2);
  else view(middle - DURATION / 16, middle + DURATION / 16);
}
overview.addEventListener("pointerdown", (press) => (overview.setPointerCapture(press.pointerId), centre(press)));
overview.addEventListener("pointermove", (move) => move.buttons && to - from < DURATION && centre(move));
$("in").addEventListener("click", () => zoom(2));
$("out").addEventListener("click", () => zoom(0.5));
$("whole").addEventListener("click", () => view(0, DURATION));
addEventListener("resize", () => draw(LOOK));
