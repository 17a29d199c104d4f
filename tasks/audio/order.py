"""The order of the files of one recording, and the silences between them: by their clocks, or their names.

A clock that tells minutes only knows of no gap that is shorter: where there may be none there is none, or silence
would stand in the middle of a sentence. Numbers in names that only count the files are told from times.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import logging
import re
from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path

from tasks.audio.recorded import in_zone, read_name, zone
from tasks.errors import PermanentError
from tasks.paths import format_path
from tasks.records import Recording
from tasks.settings.name_pattern import compiled, counted, times_in

log = logging.getLogger("daylong.audio")

CLOCKS = frozenset({"given", "sidecar", "name", "metadata"})
"""Sources of `recorded_at` that tell where a file lies in the day. A file's last change is too easily another's."""
JOIN_S = 2.0
"""Clocks tell whole seconds: files this near to each other follow each other without a gap. Where they tell less,
that much farther apart."""
LONGEST_GAP_S = 24 * 3600.0


def arrange_files(files: Sequence[Recording], pattern: str | None) -> tuple[list[Recording], list[float]]:
    """(the files in order, the seconds of silence before each).

    `pattern`: how names tell times, before the ways that are known. Raises PermanentError where the clocks leave more
    than `LONGEST_GAP_S` between two files.

    The night that clocks are put back an hour comes twice: a file that can't have begun in the first began in the
    second.
    """
    named = sorted(files, key=lambda f: (by_name(f.path), f.path))
    without = [0.0] * len(named)
    day = _find_counting_day(named, pattern)
    if day is not None:
        log.warning(
            "%s … %s: the numbers after the date count the files, and are no times: they are taken in this order, "
            "without gaps. If they are times, say so with audio.name_pattern.",
            format_path(named[0].source_name), format_path(named[-1].source_name),
        )  # fmt: skip
        return [dataclasses.replace(f, recorded_at=day, recorded_at_source="name") for f in named], without
    if not all(f.recorded_at and f.recorded_at_source in CLOCKS for f in files):
        return named, without
    waiting = sorted(named, key=_clock)
    timed = [waiting.pop(0)]
    clocks: list[tuple[float, float]] = []
    while waiting:
        before, after = timed[-1], waiting.pop(0)
        gap_s = (_clock(after) - _clock(before)).total_seconds() - before.duration_s
        open_s = max(_open_s(before, pattern), _open_s(after, pattern))
        if gap_s < -JOIN_S - open_s and after.told_again_at:
            bisect.insort(waiting, _in_repeated_hour(after), key=_clock)  # others may begin before that
            continue
        if gap_s < -JOIN_S - open_s:
            log.warning(
                "%s begins, by the times told, %.0f s before %s ends: these clocks can't be right. "
                "The files are taken in the order of their names, without gaps.",
                format_path(after.source_name), -gap_s, format_path(before.source_name),
            )  # fmt: skip
            return named, without
        if gap_s > LONGEST_GAP_S:
            raise PermanentError(
                f"{format_path(after.source_name)}: recorded {gap_s / 3600:.0f} hours after "
                f"{format_path(before.source_name)} ends; that is another recording. Process the days apart."
            )
        timed.append(after)
        clocks.append((gap_s, open_s))
    return timed, [0.0, *_compute_silences(clocks)]


def by_name(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts names as people number them.

    >>> sorted(["day/rec10.wav", "day/rec2.wav", "day/Rec1.wav"], key=by_name)
    ['day/Rec1.wav', 'day/rec2.wav', 'day/rec10.wav']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.casefold())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def _compute_silences(clocks: Sequence[tuple[float, float]]) -> list[float]:
    """The silence between files, of what clocks tell: (the gap between two, what they leave open), all in seconds.

    Each of many pauses may be too short for such clocks, and all together are not: then the widest stands for them.

    >>> _compute_silences([(55.0, 60.0), (750.0, 60.0), (1.0, 0.0), (7.4, 0.0)])
    [0.0, 750.0, 0.0, 7.4]
    >>> _compute_silences([(20.0, 60.0), (50.0, 60.0), (40.0, 60.0)])
    [0.0, 70.0, 0.0]
    """
    gaps: list[float] = []
    first = 0  # of those since the last silence
    for gap_s, open_s in clocks:
        gaps.append(0.0)
        since = [gap for gap, _ in clocks[first : len(gaps)]]
        if gap_s > JOIN_S + open_s:
            gaps[-1] = round(gap_s, 3)
        elif sum(since) > JOIN_S * len(since) + open_s:
            gaps[first + since.index(max(since))] = round(sum(since), 3)
        else:
            continue
        first = len(gaps)
    return gaps


def _find_counting_day(named: Sequence[Recording], pattern: str | None) -> str | None:
    """The day's beginning (ISO 8601) where the numbers in the names were taken for times and only count the files.

    They do where some are no times (0060), where they lie nearer together than the files are long, and where they
    count by ones from 0 or 1, or by ones though files of these lengths can't follow each other so: a counter is
    likelier than pauses that all end in the next minute.
    """
    sources = {f.recorded_at_source for f in named}
    local, stems = zone(named[0].timezone), [Path(f.path).stem for f in named]
    if "name" not in sources or sources & {"given", "sidecar"}:
        return None  # none was taken for a time, or somebody has said better
    found = counted(stems)
    if found is None or (pattern and any(times_in(s, compiled(pattern), local) for s in stems)):
        return None
    leeway_s = found.open_s + JOIN_S
    # the pauses before all files but the first, if those are times
    pauses = [b - a - f.duration_s for (a, b), f in zip(itertools.pairwise(found.times_s), named, strict=False)]
    off = list(itertools.accumulate(pauses, initial=0.0))
    counts = sources != {"name"} or max(pauses) < -leeway_s
    if found.numbers[1] - found.numbers[0] == 1:
        lost_s = max(JOIN_S, 0.1 * found.open_s)  # a camera that begins a file each minute needs a moment for it
        counts |= found.numbers[0] <= 1 or max(off) - min(off) > leeway_s + lost_s * len(pauses)
    return in_zone(datetime.combine(found.day, time()), local) if counts else None


def _open_s(file: Recording, pattern: str | None) -> float:
    """The resolution of a file's start time, seconds."""
    if file.recorded_at_source == "name":
        found = read_name(Path(file.path).stem, zone(file.timezone), pattern)
        return found.open_s if found else 0.0
    # People write sidecars, and look at a clock on the wall.
    return 60.0 if file.recorded_at_source == "sidecar" and not _clock(file).second else 0.0


def _in_repeated_hour(file: Recording) -> Recording:
    return dataclasses.replace(file, recorded_at=file.told_again_at, told_again_at=None)


def _clock(file: Recording) -> datetime:
    return datetime.fromisoformat(file.recorded_at or "")
