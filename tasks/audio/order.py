"""Order the files of one recording, by start times or names, and compute the silence between them.

Start times with a resolution of a minute cannot show shorter gaps: a gap that may be none is taken for none, or
silence would interrupt a sentence. Numbers in names that only count the files are distinguished from times.
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

from tasks.audio.copy_stamps import remove_copy_stamps
from tasks.audio.start_time import format_in_zone, load_zone, read_name
from tasks.errors import PermanentError
from tasks.paths import format_path
from tasks.records import Recording
from tasks.settings.name_pattern import compile_pattern, find_counter, find_time

log = logging.getLogger("daylong.audio")

CLOCKS = frozenset({"given", "sidecar", "name", "metadata"})
"""Sources of `recorded_at` that are used to place a file. A modification time too often isn't the recorder's."""
JOIN_S = 2.0
"""Largest gap that is taken for none, for clocks that show whole seconds; coarser resolutions add theirs."""
LONGEST_GAP_S = 24 * 3600.0


def arrange_files(files: Sequence[Recording], pattern: str | None) -> tuple[list[Recording], list[float]]:
    """Return (the files in order, the seconds of silence before each).

    `pattern`: the format of times in names, tried before the built-in ones. Raises PermanentError for a gap of more
    than `LONGEST_GAP_S` between two files.

    When clocks are put back, one hour is repeated: a file that cannot have begun in the first began in the second.
    """
    named = sorted(files, key=lambda f: (natural_key(f.path), f.path))
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
    waiting = sorted(named, key=_parse_start)
    timed = [waiting.pop(0)]
    clocks: list[tuple[float, float]] = []
    while waiting:
        before, after = timed[-1], waiting.pop(0)
        gap_s = (_parse_start(after) - _parse_start(before)).total_seconds() - before.duration_s
        open_s = max(_find_resolution_s(before, pattern), _find_resolution_s(after, pattern))
        if gap_s < -JOIN_S - open_s and after.told_again_at:
            bisect.insort(waiting, _move_to_repeated_hour(after), key=_parse_start)  # others may begin before that
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


def natural_key(path: str) -> list[tuple[int, int, str]]:
    """Sort key that orders the numbers in names by value.

    >>> sorted(["day/rec10.wav", "day/rec2.wav", "day/Rec1.wav"], key=natural_key)
    ['day/Rec1.wav', 'day/rec2.wav', 'day/rec10.wav']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.casefold())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def _compute_silences(clocks: Sequence[tuple[float, float]]) -> list[float]:
    """Compute the silences between files from pairs of (gap by the clocks, their resolution), all in seconds.

    Gaps may each be below the resolution but not in their sum: then the widest gets the whole sum.

    >>> _compute_silences([(55.0, 60.0), (750.0, 60.0), (1.0, 0.0), (7.4, 0.0)])
    [0.0, 750.0, 0.0, 7.4]
    >>> _compute_silences([(20.0, 60.0), (50.0, 60.0), (40.0, 60.0)])
    [0.0, 70.0, 0.0]
    """
    gaps: list[float] = []
    first = 0  # index of the first gap since the last silence
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
    """Return the start of the day (ISO 8601) if the numbers in the names, taken for times, only count the files.

    They count where some are invalid times (0060), where they lie nearer together than the files are long, and where
    they increase by one from 0 or 1, or by one though files of these lengths cannot follow each other so: a counter
    is likelier than pauses that all end in the next minute.
    """
    sources = {f.recorded_at_source for f in named}
    local, stems = load_zone(named[0].timezone), [remove_copy_stamps(Path(f.path).stem) for f in named]
    if "name" not in sources or sources & {"given", "sidecar"}:
        return None  # none was taken for a time, or a better source exists
    found = find_counter(stems)
    if found is None or (pattern and any(find_time(s, compile_pattern(pattern), local) for s in stems)):
        return None
    leeway_s = found.open_s + JOIN_S
    # the pauses before all files but the first, if those are times
    pauses = [b - a - f.duration_s for (a, b), f in zip(itertools.pairwise(found.times_s), named, strict=False)]
    off = list(itertools.accumulate(pauses, initial=0.0))
    counts = sources != {"name"} or max(pauses) < -leeway_s
    if found.numbers[1] - found.numbers[0] == 1:
        lost_s = max(JOIN_S, 0.1 * found.open_s)  # a camera that starts a file each minute loses a moment
        counts |= found.numbers[0] <= 1 or max(off) - min(off) > leeway_s + lost_s * len(pauses)
    return format_in_zone(datetime.combine(found.day, time()), local) if counts else None


def _find_resolution_s(file: Recording, pattern: str | None) -> float:
    """The resolution of a file's start time, seconds."""
    if file.recorded_at_source == "name":
        found = read_name(Path(file.path).stem, load_zone(file.timezone), pattern)
        return found.open_s if found else 0.0
    # Sidecars are written by people, who often give full minutes.
    return 60.0 if file.recorded_at_source == "sidecar" and not _parse_start(file).second else 0.0


def _move_to_repeated_hour(file: Recording) -> Recording:
    return dataclasses.replace(file, recorded_at=file.told_again_at, told_again_at=None)


def _parse_start(file: Recording) -> datetime:
    return datetime.fromisoformat(file.recorded_at or "")
