// Keys, light and dark, and the beginning.

const themes = matchMedia("(prefers-color-scheme: dark)");

function theme(next) {
  const root = document.documentElement;
  if (next) root.dataset.theme = next;
  mix();
  draw(LOOK);
}

function kept() {
  try {
    return localStorage.getItem("daylong-theme"); // refused to some files on disk
  } catch {
    return null;
  }
}

function switchTheme() {
  const dark = (document.documentElement.dataset.theme || (themes.matches ? "dark" : "light")) === "dark";
  const next = dark ? "light" : "dark";
  try {
    localStorage.setItem("daylong-theme", next);
  } catch {
    // then for this time only
  }
  theme(next);
}
themes.addEventListener("change", () => theme());
$("theme").addEventListener("click", switchTheme);
$("helped").addEventListener("click", () => $("help").showModal());

/** To the line before or after the one that is spoken. */
function lineBy(by) {
  const r = Math.min(ROWS - 1, Math.max(0, (spoken < 0 ? -1 : wordRow[spoken]) + by));
  if (!ROWS) return;
  go(wordStart[rowFirst[r]]);
  saidOf(r)?.focus({ preventScroll: true }); // where Enter edits it
}

const KEYS = {
  " ": toggle,
  ArrowLeft: (key) => seek(now() - (key.shiftKey ? 30000 : 5000)),
  ArrowRight: (key) => seek(now() + (key.shiftKey ? 30000 : 5000)),
  ArrowUp: () => lineBy(-1),
  ArrowDown: () => lineBy(1),
  "/": () => ($("find").focus(), $("find").select()),
  "?": () => $("help").showModal(),
  "+": () => zoom(2),
  "=": () => zoom(2),
  "-": () => zoom(0.5),
  0: () => view(0, DURATION),
  t: switchTheme,
  n: editNext,
  e: () => ROWS && (lineBy(0), editLine(wordRow[Math.max(0, spoken)])),
};
addEventListener("keydown", (key) => {
  const act = KEYS[key.key];
  const busy = key.target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea, dialog[open]");
  const own = key.key === " " && key.target.closest?.("button, summary, label, [type=checkbox]");
  if (!act || busy || own || $("help").open || key.ctrlKey || key.metaKey || key.altKey) return;
  key.preventDefault();
  act(key);
});

$("end").textContent = clock(DURATION);
$("before").disabled = $("after").disabled = true;
theme(kept());
lay();
listReview();
if (!load(0)) missing();
waiting = null;
draw(LOOK);
requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("first view")));
(globalThis.requestIdleCallback || setTimeout)(prepareSearch);
