"""Draw who spoke when as SVG: a row for each speaker, a mark for each turn. Small even for a day."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from tasks.exports.timeline import compute_ticks
from tasks.intervals import format_clock
from tasks.records import Turn

WIDTH, LEFT, ROW, TOP = 960, 140, 22, 26
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
MAX_SPEAKERS = 40


def draw_timeline(turns: Iterable[Turn], speakers: Sequence[str], duration_s: float) -> str:
    """Draw the turns of `speakers`, `WIDTH` pixels wide; those beyond `MAX_SPEAKERS` are counted in the last line."""
    shown = speakers[:MAX_SPEAKERS]
    columns: dict[str, set[int]] = {name: set() for name in shown}
    scale = (WIDTH - LEFT - 10) / duration_s if duration_s else 0.0
    for turn in turns:
        if turn.speaker in columns:
            columns[turn.speaker].update(range(int(turn.start_s * scale), int(turn.end_s * scale) + 1))
    more = len(speakers) - len(shown)
    height = TOP + ROW * (len(shown) + (more > 0)) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#fff"/>',
    ]
    for at in compute_ticks(duration_s):
        x = LEFT + at * scale
        label = format_clock(at) if duration_s >= 3600 else format_clock(at)[3:]
        anchor = "end" if x > WIDTH - 40 else "middle"
        parts.append(f'<path d="M{x:.1f} {TOP - 6}V{height - 6}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="15" text-anchor="{anchor}" fill="#6b7280">{label}</text>')
    for row, name in enumerate(shown):
        y = TOP + ROW * row + ROW // 2
        marks = "".join(f"M{LEFT + a} {y}h{b - a}" for a, b in group_columns(columns[name]))
        parts.append(f'<text x="10" y="{y + 4}" fill="#111827">{html.escape(name[:18])}</text>')
        parts.append(f'<path d="{marks}" stroke="{COLOURS[row % len(COLOURS)]}" stroke-width="{ROW - 8}"/>')
    if more > 0:
        parts.append(f'<text x="10" y="{height - 10}" fill="#6b7280">and {more} more</text>')
    return "".join([*parts, "</svg>"])


def group_columns(columns: Iterable[int]) -> list[tuple[int, int]]:
    """Group consecutive integers into ranges (first, last + 1).

    >>> group_columns({1, 2, 3, 7})
    [(1, 4), (7, 8)]
    """
    out: list[tuple[int, int]] = []
    for column in sorted(columns):
        if out and out[-1][1] == column:
            out[-1] = (out[-1][0], column + 1)
        else:
            out.append((column, column + 1))
    return out
