"""report.html from the demo's size to a whole day: seconds to write it, its size, and how long a real Chromium takes
from opening the file to the first view, to find a word, to draw the timeline, to a screen of text after a jump, and
to keep an edited line.

--quick: the demo's size and four hours. Needs Chromium and its driver.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tasks.exports import render
from tests.benchmarks import frame
from tests.helpers.browser import open_chromium
from tests.helpers.synthetic_day import make_synthetic_day
from tests.helpers.waiting import wait_until

SIZES = {"the demo's 36 min": (5_500, 0.6), "4 h": (33_000, 4.0), "24 h": (200_000, 24.0)}
TIMES = 5
LIMIT_MS = 2_000.0
"""To the first view, on a machine of today with nothing else to do."""
EDIT_LIMIT_MS = 100.0
"""To edit a line, and to keep what is written."""
EDITS = 60
"""Lines of a screen that are edited one after another."""

FIRST_VIEW = "return performance.getEntriesByName('first view')[0]?.startTime"
SEARCH = """
const begun = performance.now(), find = document.getElementById("find");
find.value = arguments[0];
find.dispatchEvent(new Event("input"));
return performance.now() - begun;
"""
FRAMES = """
const done = arguments[arguments.length - 1], times = [];
let last = performance.now();
const step = (now) => {
  times.push(now - last);
  last = now;
  document.getElementById(times.length % 8 < 4 ? "in" : "out").click();
  scrollBy(0, 400);
  if (times.length < 60) requestAnimationFrame(step);
  else done(times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]);
};
requestAnimationFrame(step);
"""
JUMP = """
const begun = performance.now();
document.querySelector("#seek").value = arguments[0];
document.querySelector("#seek").dispatchEvent(new Event("input"));
document.body.offsetHeight;
return performance.now() - begun;
"""

EDIT = """
const how = {key: "Enter", bubbles: true, cancelable: true};
const press = (where) => where.dispatchEvent(new KeyboardEvent("keydown", how));
return Array.from({length: arguments[0]}, (_, k) => {
  const begun = performance.now(), lines = document.querySelectorAll(".line .said");
  press(lines[k % lines.length]);
  document.body.offsetHeight;
  const field = document.querySelector("textarea.editing");
  field.value = `Line ${k}.`;
  press(field);
  document.body.offsetHeight;
  return performance.now() - begun;
}).slice(-30);
"""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = frame.options(__doc__).parse_args(arguments)
    names = list(SIZES)[:2] if given.quick else list(SIZES)
    with tempfile.TemporaryDirectory(prefix="daylong-report-") as folder:
        figures = {name: measured(*SIZES[name], Path(folder)) for name in names}
    columns = ["words", "written_s", "megabytes", "first_view_ms", "search_ms", "jump_ms", "frame_p95_ms", "edit_ms"]
    frame.show(
        f"report.html (medians of {TIMES}; a frame: timeline zoomed and page scrolled, 95th percentile)",
        ["", *columns],
        [[name, *(one[c] for c in columns)] for name, one in figures.items()],
    )
    frame.write(given.json, figures)
    return figures


def measured(num_words: int, hours: float, folder: Path) -> dict[str, float]:
    told = make_synthetic_day(num_words, hours=hours)
    begun = time.perf_counter()
    page = render(told, ["report"])["report.html"].encode()
    written_s = time.perf_counter() - begun
    path = folder / f"{num_words}.html"
    path.write_bytes(page)
    with open_chromium() as browser:
        views = []
        for _ in range(TIMES):
            browser.get(path.as_uri())
            views.append(wait_until(lambda: browser.execute_script(FIRST_VIEW), 60, 0.02))
        searches = [browser.execute_script(SEARCH, f"number{k}") for k in range(TIMES)]
        browser.execute_script(SEARCH, "")
        jumps = [browser.execute_script(JUMP, place) for place in (900, 100, 500, 990, 300)]
        frame_ms = browser.execute_async_script(FRAMES)
        edits = browser.execute_script(EDIT, EDITS)
    return {
        "words": len(told.words),
        "written_s": written_s,
        "megabytes": len(page) / 1e6,
        "first_view_ms": median(views),
        "search_ms": median(searches),
        "jump_ms": median(jumps),
        "frame_p95_ms": frame_ms,
        "edit_ms": median(edits),
    }


if __name__ == "__main__":
    main()
