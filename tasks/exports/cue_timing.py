"""How long cues are shown: in the free time after it a cue stays until it has been read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

MAX_MS = 7_000
MIN_MS = 833
"""Shortest display time, 20 frames of 24 a second, if the speaker's next cue and the recording's end allow it."""
READING_CPS = 17
"""Characters a second that a cue's text is given to be read, if no other cue begins meanwhile."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Whole milliseconds, start_ms < end_ms; `lines` are clean text, without the speaker."""

    start_ms: int
    end_ms: int
    speaker: str | None
    lines: tuple[str, ...]
    speakers: tuple[str | None, ...] = ()
    """Whose each line is, where two speak in one cue; `speaker` is then the first. Else empty."""


def time_cues(found: Sequence[Cue], end_ms: int, gaps: Sequence[int] = ()) -> list[Cue]:
    """Remove overlaps between cues of one speaker and lengthen cues into free time; return cues of 1 to MAX_MS
    milliseconds, sorted by start, end, speaker.

    `end_ms`: the recording's end. `gaps`: where something else that is shown begins."""
    apart = _lengthen(_separate_cues(found), end_ms)
    starts = [cue.start_ms for cue in apart]
    latest = [0, *accumulate((cue.end_ms for cue in apart), max)]
    begins = sorted([*starts, *gaps, end_ms])
    out = []
    for cue in apart:
        # Another cue that is still shown leaves no free time.
        alone = latest[bisect_left(starts, cue.end_ms)] <= cue.end_ms
        after = bisect_left(begins, cue.end_ms)
        free_ms = begins[after] if alone and after < len(begins) else cue.end_ms
        out.append(replace(cue, end_ms=max(cue.end_ms, min(cue.start_ms + measure_reading_ms(cue), free_ms))))
    return sorted(out, key=lambda c: (c.start_ms, c.end_ms, c.speaker or ""))


def measure_reading_ms(cue: Cue) -> int:
    """Milliseconds that a cue needs to be read, its speaker's name with it, and at least MIN_MS.

    >>> measure_reading_ms(Cue(0, 1, "SPEAKER_00", ("Nice to meet you, Dora. First", "we will talk.")))
    3236
    >>> measure_reading_ms(Cue(0, 1, None, ("Yes.",)))
    833
    """
    label = 0 if cue.speaker is None else len(cue.speaker) + 2
    characters = label + len(" ".join(cue.lines))
    return min(max(MIN_MS, -(-1000 * characters // READING_CPS)), MAX_MS)


def _separate_cues(found: Sequence[Cue]) -> list[Cue]:
    """Cues by speaker, without overlaps between those of one."""
    out: list[Cue] = []
    for _, group in groupby(sorted(found, key=_name_speaker), key=_name_speaker):
        mine: list[Cue] = []
        for cue in sorted(group, key=lambda c: (c.start_ms, c.end_ms)):
            start = cue.start_ms
            if mine and mine[-1].end_ms > start:
                start = max(start, mine[-1].start_ms + 1)
                mine[-1] = replace(mine[-1], end_ms=start)
            mine.append(replace(cue, start_ms=start, end_ms=min(max(cue.end_ms, start + 1), start + MAX_MS)))
        out += mine
    return out


def _lengthen(by_speaker: Sequence[Cue], end_ms: int) -> list[Cue]:
    """Lengthen cues to MIN_MS, if their speaker's next cue and the recording's end allow it; sort them by time."""
    out = []
    for _, group in groupby(by_speaker, key=_name_speaker):
        mine = list(group)
        nexts = [cue.start_ms for cue in mine[1:]] + [end_ms]
        out += [
            replace(cue, end_ms=max(cue.end_ms, min(cue.start_ms + MIN_MS, own_ms)))
            for cue, own_ms in zip(mine, nexts, strict=True)
        ]
    return sorted(out, key=lambda c: (c.start_ms, c.end_ms))


def _name_speaker(cue: Cue) -> str:
    return cue.speaker or ""
