"""Divide speech into cues: of all divisions the one that costs least, by dynamic programming over word boundaries.

As Knuth and Plass (1981) choose the breaks of a paragraph, all ends of cues are chosen together: the cost of a cue
depends on its atoms and on where the next one begins (`costs`), so the best division of the rest is found once for
each place. A broken rule costs more than everything else, unless no cue of these words could keep the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.atoms import Atom
from tasks.exports.subtitles.costs import Speech, rate_cues, read_atoms, time_cues
from tasks.exports.subtitles.layout import lay_out
from tasks.exports.subtitles.profile import SubtitleProfile
from tasks.exports.subtitles.rules import measure_reading_ms

BLOCK = 20_000
"""Atoms that are rated at a time, up to the next hard end."""


def make_cues(atoms: Sequence[Atom], profile: SubtitleProfile, end_ms: int, others: Sequence[int] = ()) -> list[Cue]:
    """Divide atoms into cues, sorted by time; none overlaps the next.

    `end_ms`: the recording's end. `others`: when others begin to speak who are shown in cues of their own.
    """
    if not atoms:
        return []
    s = read_atoms(atoms, profile, end_ms, others)
    return assemble(atoms, s, find_ends(s, profile), profile)


def assemble(atoms: Sequence[Atom], s: Speech, ends: Sequence[int], profile: SubtitleProfile) -> list[Cue]:
    """Lay out and time the cues that end before the atoms `ends`."""
    firsts = [0, *ends[:-1]]
    cues = [lay_out(atoms[i:j], s.rate[i:j].tolist(), profile) for i, j in zip(firsts, ends, strict=True)]
    need = [_measure_need(cue, atoms[i], profile) for cue, i in zip(cues, firsts, strict=True)]
    first, after = np.array(firsts), np.array(ends)
    times = time_cues(s, first, after, np.maximum.reduceat(s.end, first), np.array(need), profile)
    out: list[Cue] = []
    for cue, begin, end in zip(cues, s.begin[first].tolist(), times.end.tolist(), strict=True):
        begin = max(begin, out[-1].end_ms if out else 0)
        out.append(Cue(begin, max(end, begin + 1), cue.speaker, cue.lines, cue.speakers))
    if profile.lag_ms:
        least = [max(n, int(s.min_ms[i])) for n, i in zip(need, firsts, strict=True)]
        delay_cues(out, least, profile, int(s.begin[-1]))
    return out


def delay_cues(cues: list[Cue], least: Sequence[int], profile: SubtitleProfile, end_ms: int) -> None:
    """Let cues begin up to `lag_ms` later where the one before can then be read, and where nothing else is broken.

    `least`: the milliseconds that each cue wants.
    """
    for i in range(len(cues) - 1):
        cue, following = cues[i], cues[i + 1]
        lacks = least[i] - (cue.end_ms - cue.start_ms)
        if not 0 < lacks <= profile.lag_ms or least[i] > profile.max_ms or _leaves_gap(cue, following, profile):
            continue
        start = following.start_ms + lacks
        is_last = i + 2 == len(cues)
        limit = end_ms if is_last else cues[i + 2].start_ms - profile.gap_ms
        end = min(max(following.end_ms, start + least[i + 1]), limit)
        if not is_last and 0 < limit - end < profile.close_ms - profile.gap_ms:
            end = limit
        if least[i + 1] <= end - start <= profile.max_ms and end >= following.end_ms:
            cues[i] = replace(cue, end_ms=cue.end_ms + lacks)
            cues[i + 1] = replace(following, start_ms=start, end_ms=end)


def _leaves_gap(cue: Cue, following: Cue, profile: SubtitleProfile) -> bool:
    """Whether there is more, or less, than the shortest gap between two cues."""
    return following.start_ms - cue.end_ms != profile.gap_ms


def _measure_need(cue: Cue, first: Atom, profile: SubtitleProfile) -> int:
    return measure_reading_ms(cue, profile, profile.limits_of(first.language))


def find_ends(s: Speech, profile: SubtitleProfile) -> list[int]:
    """Find the ends of the cues: indices of the atoms after them."""
    n = len(s.start)
    ends: list[int] = []
    for a, b in _cut_into_blocks(s):
        cost = rate_cues(s, a, b, profile)
        rows, most = cost.shape
        best = np.full(rows + most, np.inf)
        best[rows] = 0.0
        counts = np.zeros(rows, np.int64)
        for i in range(rows - 1, -1, -1):
            whole = cost[i] + best[i + 1 : i + 1 + most]
            k = int(whole.argmin())
            counts[i] = k + 1
            best[i] = whole[k]
        at = 0
        while at < rows:
            at += int(counts[at])
            ends.append(a + at)
    assert ends[-1] == n
    return ends


def _cut_into_blocks(s: Speech) -> Iterator[tuple[int, int]]:
    """Cut at hard ends into blocks of at least BLOCK atoms."""
    n, a = len(s.start), 0
    hard = np.flatnonzero(s.hard)
    while a < n:
        b = int(hard[np.searchsorted(hard, min(a + BLOCK, n))])
        yield a, b
        a = b
