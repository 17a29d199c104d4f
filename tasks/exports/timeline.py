"""timeline.png, timeline.svg: the speakers' turns, for a paper or a slide. Drawn by matplotlib (the extra `plots`).

A row for each speaker by first appearance, UNKNOWN last; overlapping turns are drawn in both rows. Turns shorter than
a point are drawn as wide as one. The timeline of a run's page (flows/reporting/timeline.py) is another picture: plain
SVG, whole pixels, colours for screens and for more speakers; sharing colours or bars would change one of them.
"""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Literal

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.intervals import format_clock, merge_spans
from tasks.records import UNKNOWN, Transcript
from tasks.text import to_one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Form = Literal["png", "svg"]
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""M. Okabe and K. Ito, "Color Universal Design" (2008): distinguishable with colour blindness."""
UNKNOWN_COLOUR = "0.6"
TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400)
MAX_TICKS = 10
WIDTH_IN, ROW_IN, DPI = 9.0, 0.32, 150
MAX_NAME_CHARACTERS = 24
"""Characters of a speaker's name that fit."""


def write(transcript: Transcript, form: Form) -> bytes:
    """Draw the picture; equal transcripts give equal bytes. Raises UsageError where matplotlib isn't installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"timeline.{form} needs matplotlib: pip install 'daylong[plots]'")
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "daylong", "svg.fonttype": "none", "text.parse_math": False}):
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        draw(transcript).savefig(file, format=form, dpi=DPI, metadata=metadata)
    return file.getvalue()


def draw(transcript: Transcript) -> Figure:
    """Draw the figure, which callers may change before saving it."""
    from matplotlib.figure import Figure

    transcript = canonical(transcript)
    speakers = transcript.speakers
    duration_s = transcript.recording.duration_s
    figure = Figure(figsize=(WIDTH_IN, 0.9 + ROW_IN * max(1, len(speakers))), layout="constrained")
    axes = figure.add_subplot()
    min_width_s = duration_s / (WIDTH_IN * DPI)
    for row, speaker in enumerate(speakers):
        spans = merge_spans([t.span for t in transcript.turns if t.speaker == speaker.label])
        bars = [(s.start_s, max(s.duration_s, min_width_s)) for s in spans]
        colour = UNKNOWN_COLOUR if speaker.label == UNKNOWN else COLOURS[row % len(COLOURS)]
        axes.broken_barh(bars, (row - 0.35, 0.7), facecolors=colour, linewidth=0)
    axes.set_xlim(0, max(duration_s, 1e-3))
    axes.set_ylim(len(speakers) - 0.4, -0.6)
    axes.set_yticks(range(len(speakers)), [to_one_line(s.name or s.label)[:MAX_NAME_CHARACTERS] for s in speakers])
    marks = compute_ticks(duration_s)
    axes.set_xticks(marks, [format_clock(t) for t in marks])
    axes.tick_params(length=0, labelsize=8)
    axes.grid(axis="x", color="0.88", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(to_one_line(transcript.recording.source_name), fontsize=9, loc="left")
    return figure


def compute_ticks(duration_s: float) -> list[float]:
    """Compute round times for the axis, at most `MAX_TICKS`.

    >>> compute_ticks(2160.0)
    [0.0, 300.0, 600.0, 900.0, 1200.0, 1500.0, 1800.0, 2100.0]
    """
    step = next((t for t in TICKS_S if duration_s / t < MAX_TICKS), max(TICKS_S[-1], duration_s / MAX_TICKS))
    return [float(n * step) for n in range(int(duration_s / step) + 1)]
