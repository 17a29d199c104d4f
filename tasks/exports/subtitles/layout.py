"""Lay a cue out in lines: one if it fits, else breaks at the best places, the lower line rather the longer."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.atoms import Atom
from tasks.exports.subtitles.profile import SubtitleProfile
from tasks.exports.subtitles.width import count_columns

UNEVEN = 1.5
"""Cost of two lines of which one has all the text, beside `rate_break`'s 1.6 from the best to the worst place."""
TOP_HEAVY = 0.3
"""Further cost where the upper line is the longer: what is below the text hides less of the picture."""


def lay_out(atoms: Sequence[Atom], rates: Sequence[float], profile: SubtitleProfile) -> Cue:
    """Lay out the atoms of a cue. `rates`: `rate_break` before each. Times are those of the words."""
    room = profile.limits_of(atoms[0].language).columns
    turn = next((i for i in range(1, len(atoms)) if atoms[i].speaker != atoms[0].speaker), None)
    start, end = atoms[0].start_ms, max(atom.end_ms for atom in atoms)
    if turn is None:
        taken = _measure_label(atoms[0].speaker, profile)
        lines = break_lines([a.text for a in atoms], rates, room, profile.lines, taken)
        return Cue(start, end, atoms[0].speaker, lines)
    parts = []
    left = profile.lines - 1
    for some, own in ((atoms[:turn], rates[:turn]), (atoms[turn:], rates[turn:])):
        taken = (
            count_columns(profile.dash) if profile.speakers == "dash" else _measure_label(some[0].speaker, profile)
        )
        lines = break_lines([a.text for a in some], own, room, left, taken)
        left = profile.lines - len(lines)
        parts.append((some[0].speaker, lines))
    return Cue(
        start,
        end,
        atoms[0].speaker,
        tuple(line for _, lines in parts for line in lines),
        tuple(speaker for speaker, lines in parts for _ in lines),
    )


def _measure_label(speaker: str | None, profile: SubtitleProfile) -> int:
    return count_columns(f"{speaker}: ") if profile.speakers == "label" and speaker else 0


def break_lines(
    texts: Sequence[str], rates: Sequence[float], room: int, most: int, taken: int = 0
) -> tuple[str, ...]:
    """Break texts into at most `most` lines of `room` columns, the first without `taken`; as few as may be.

    >>> said = ["He", " was", " a", " knight", " of", " the", " old", " order."]
    >>> break_lines(said, [0, 0, 0, 0, 0.3, 0, 0, 0], 26, 2)
    ('He was a knight', 'of the old order.')
    """
    widths = [count_columns(text) for text in texts]
    blanks = [text.startswith(" ") for text in texts]
    n = len(texts)
    fewest = _count_lines(widths, blanks, room, taken)
    if fewest == 1:
        return ("".join(texts).strip(),)
    if fewest > most:  # a word that is wider than a line, beside others
        fewest = most
    ends = _choose_breaks(widths, blanks, rates, room, taken, fewest)
    return tuple("".join(texts[i:j]).strip() for i, j in zip([0, *ends], [*ends, n], strict=True))


def _count_lines(widths: Sequence[int], blanks: Sequence[bool], room: int, taken: int) -> int:
    lines, width = 1, taken + widths[0] - blanks[0]
    for columns, blank in zip(widths[1:], blanks[1:], strict=True):
        if width + columns <= room:
            width += columns
        else:
            lines, width = lines + 1, columns - blank
    return lines


def _choose_breaks(
    widths: Sequence[int], blanks: Sequence[bool], rates: Sequence[float], room: int, taken: int, lines: int
) -> list[int]:
    """Choose the places of `lines - 1` breaks: the least cost, all chosen together."""
    n = len(widths)
    sums = [0]
    for width in widths:
        sums.append(sums[-1] + width)
    even = max(1.0, (sums[-1] + taken) / lines)

    def rate(i: int, j: int) -> float:
        width = sums[j] - sums[i] - blanks[i] + (taken if i == 0 else 0)
        cost = UNEVEN / 2 * ((width - even) / even) ** 2
        if j < n:
            cost += 1 - rates[j] + (TOP_HEAVY * (width - even) / even if width > even else 0)
        return cost + 1000 * max(0, width - room)

    best: list[tuple[float, list[int]]] = [(rate(i, n), []) for i in range(n)]
    for _ in range(lines - 1):
        best = [
            min(
                ((rate(i, j) + best[j][0], [j, *best[j][1]]) for j in range(i + 1, n)),
                default=(float("inf"), []),
            )
            if i == 0 or lines > 2
            else (float("inf"), [])
            for i in range(n)
        ]
    return best[0][1]
