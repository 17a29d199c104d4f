"""The text of the progress bar's line, fitted to the terminal: name, share and time left come first."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from flows.cli.terminal import escape
from flows.reporting.progress import Snapshot
from tasks.intervals import format_duration

BAR_WIDTH = 24
MIN_WIDTH_WITH_BAR = 72
"""Columns of a terminal from which the bar itself is drawn beside its text."""
NAME_CELLS = 12
"""Cells that a recording's name keeps, or its length, before less important details are shown."""
MIN_NAME_CELLS = 5
"""Cells that it keeps on the narrowest terminals before the time left is not shown."""
SPINNER_CELLS = 2
SEPARATOR = " · "


def measure_progress(now: Snapshot) -> tuple[float, float | None]:
    """Return (completed, total) for the bar; (0, None) for a stage without a measure."""
    if now.stage == "chunks" and now.steps:
        return now.steps_done, now.steps
    if now.stage == "speech map" and now.duration_s:
        return min(now.mapped_s, now.duration_s), now.duration_s
    return 0, None


def list_details(now: Snapshot) -> list[tuple[int, str]]:
    """List the texts beside the bar in their order on the line, each with its rank: 0 is the most important."""
    completed, total = measure_progress(now)
    share = [(0, f"{completed / total:.0%}")] if total else []
    if now.stage != "chunks":
        return [*share, (1, escape(now.stage))]
    details = [*share, (3, f"chunk {min(now.chunks_done + 1, now.chunks)} of {now.chunks}")]
    if now.last_step:
        details.append((5, f"{escape(now.last_step)} done"))
    if now.speed:
        details.append((4, f"{now.speed:.1f} × real time"))
    if now.remaining_s is not None:
        details.append((1, f"{format_duration(now.remaining_s)} left"))
    return details


def fit_line(name: str, details: list[tuple[int, str]], width: int, position: str = "") -> tuple[str, str]:
    """Fit a recording's name and the details beside it to so many cells, one blank between them; return both.

    Details leave in the order of their rank, then the name is shortened in its middle. `position`: which recording of
    how many it is, such as "2 of 7"; it stands before the name.

    >>> details = [(0, "37%"), (3, "chunk 3 of 9"), (1, "2 min 05 s left")]
    >>> fit_line("a-long-recording-of-monday.wav", details, 38, "2 of 7")
    ('2/7 a-long-….wav', '37% · 2 min 05 s left')
    """
    kept = list(details)
    while len(kept) > 1 and min(cell_len(name), NAME_CELLS) + cell_len(position) + 3 + _measure(kept) > width:
        last = max(rank for rank, _ in kept)
        if last <= 1:
            break
        kept = [each for each in kept if each[0] != last]
    if kept and min(cell_len(name), MIN_NAME_CELLS) + 1 + _measure(kept) > width:
        kept = [each for each in kept if each[0] == 0]
    info = SEPARATOR.join(text for _, text in kept)
    room = width - (cell_len(info) + 1 if info else 0)
    if position and (before := _fit_position(position, room - min(cell_len(name), NAME_CELLS))):
        return before + shorten_middle(name, room - cell_len(before)), info
    return shorten_middle(name, room), info


def _fit_position(position: str, room: int) -> str:
    """The position with blanks after it, shortened to so many cells; empty where there is no room for it."""
    shortened = (f"{position}  ", position.replace(" of ", "/") + " ")
    return next((text for text in shortened if len(text) <= room), "")


def shorten_middle(text: str, cells: int) -> str:
    """Shorten a text in its middle to so many cells: the end of a file's name tells as much as its beginning.

    >>> shorten_middle("meeting-2026-11-20.wav", 12), shorten_middle("short.wav", 12), shorten_middle("short.wav", 0)
    ('meeting….wav', 'short.wav', '')
    """
    if cell_len(text) <= cells:
        return text
    if cells < 2:
        return "…"[:cells]
    tail = (cells - 1) * 9 // 20
    start = set_cell_size(text, cells - 1 - tail)
    end = set_cell_size(text[::-1], tail)[::-1]
    return f"{start}…{end}"


def _measure(details: list[tuple[int, str]]) -> int:
    return cell_len(SEPARATOR.join(text for _, text in details))
