"""What every possible cue costs, as arrays over all places where it may begin.

A cue is a range of atoms. For each number of atoms, all places where such a cue may begin are rated at once with
numpy, so that a day's 200,000 words take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.exports.subtitles.atoms import Atom
from tasks.exports.subtitles.profile import Limits, SubtitleProfile
from tasks.exports.subtitles.syntax import SENTENCE, rate_break
from tasks.exports.subtitles.width import count_columns, count_words

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MAX_ATOMS = 64
"""More are never in one cue."""
BROKEN = 1e5
"""Cost of a broken rule other than reading speed: as few are broken as may be."""
TOO_FAST, FAST_SPEECH = 30.0, 8.0
"""Cost of a cue that is too fast to read: where some cue of the same words, cut at tolerable places, is not, and
where the speech itself is too fast."""
TOLERABLE = 6.0
"""Cost of a cue's two ends up to which it counts as an alternative: two places within clauses."""
EXCESS = 10.0
"""Cost of a cue that has half the time that it needs."""
CUE = 1.0
BREAK = 3.0
"""Cost of a cue's end in the middle of a clause; see `rate_break`."""
ORPHAN = 1.5
"""Cost of an end that leaves a word alone: the first of a sentence, or the last."""
STUB, STUB_FILL = 5.0, 0.35
"""Cost of a nearly empty cue that neither begins nor ends with a sentence, and what share of the room is enough."""
TWO_SPEAKERS, HALF_SAID = 0.6, 4.0
"""Cost of a cue of two speakers, and more for each who is cut off in the middle of a sentence."""
EARLY_MS = 2_000
"""So early is the second speaker's line shown at a cost of 1."""
BREATH_MS = 300
"""From this pause on, a place between words is better to break than its words tell."""
LATE_MS = 300
"""So late after its first word does a cue begin at a cost of 1, where another is still shown."""
CUT_OFF = 300.0
"""Cost of words that are still said when their cue has reached its longest duration."""


@dataclass(frozen=True)
class Speech:
    """The atoms as arrays. Index n stands for the end of the recording."""

    start: Ints
    end: Ints
    latest: Ints
    """Latest end of the atoms before."""
    begin: Ints
    """n + 1: when a cue that begins with the atom begins."""
    columns: Ints
    blank: Ints
    words: Floats
    room: Ints
    cps: Floats
    wpm: Floats
    min_ms: Ints
    label: Ints
    label_words: Floats
    speaker: Ints
    hard: Bools
    """Whether a cue has to end before the atom; so for n."""
    rate: Floats
    """`rate_break` before the atom; 1 for n and where another speaks."""
    others: Ints
    """When others begin to speak that are shown beside, sorted."""


def read_atoms(atoms: Sequence[Atom], profile: SubtitleProfile, end_ms: int, others: Sequence[int] = ()) -> Speech:
    """Put atoms into arrays. `end_ms`: the recording's end."""
    n = len(atoms)
    start = np.fromiter((a.start_ms for a in atoms), np.int64, n)
    end = np.maximum(np.fromiter((a.end_ms for a in atoms), np.int64, n), start)
    known: dict[str | None, Limits] = {a.language: profile.limits_of(a.language) for a in atoms}
    limits = [known[a.language] for a in atoms]
    numbers: dict[str | None, int] = {}
    speaker = np.fromiter((numbers.setdefault(a.speaker, len(numbers)) for a in atoms), np.int64, n)
    gap = np.fromiter((a.is_gap for a in atoms), np.bool_, n)
    labels = {a.speaker: f"{a.speaker}: " if profile.speakers == "label" and a.speaker else "" for a in atoms}
    widths = {name: (count_columns(label), count_words(label)) for name, label in labels.items()}

    onset = np.maximum.accumulate(start)  # begins with an atom no earlier than those before
    until = np.maximum.accumulate(end)
    before = np.concatenate([[0], until[:-1]])
    free = np.clip(onset - before - np.where(np.arange(n) > 0, profile.gap_ms, 0), 0, profile.lead_ms)
    pauses = start - before
    hard = np.concatenate([pauses > profile.pause_ms, [True]])
    hard[:n] |= gap
    hard[1:n] |= gap[:-1]
    hard[0] = True
    rate = np.ones(n + 1)
    for i in range(1, n):
        if speaker[i] == speaker[i - 1]:
            rate[i] = rate_break(atoms[i - 1].text, atoms[i].text, atoms[i].language, atoms[i].begins_phrase)
    return Speech(
        start=start,
        end=end,
        latest=before,
        begin=np.concatenate([onset - free, [max(end_ms, int(until[-1]))]]),
        columns=np.fromiter((count_columns(a.text) for a in atoms), np.int64, n),
        blank=np.fromiter((a.text.startswith(" ") for a in atoms), np.int64, n),
        words=np.fromiter((count_words(a.text) for a in atoms), np.float64, n),
        room=np.fromiter((one.columns for one in limits), np.int64, n),
        cps=np.fromiter((one.reading_cps or np.inf for one in limits), np.float64, n),
        wpm=np.fromiter((one.reading_wpm or np.inf for one in limits), np.float64, n),
        min_ms=np.fromiter((one.min_ms for one in limits), np.int64, n),
        label=np.fromiter((widths[a.speaker][0] for a in atoms), np.int64, n),
        label_words=np.fromiter((widths[a.speaker][1] for a in atoms), np.float64, n),
        speaker=speaker,
        hard=hard,
        rate=rate,
        others=np.array(sorted(others), np.int64),
    )


@dataclass(frozen=True)
class Times:
    """When cues end, and which rules of time they break."""

    end: Ints
    fast: Ints
    """1 for a cue that is too fast to read."""
    broken: Ints
    """Other rules of time that it breaks."""
    excess: Floats
    """How much too short a cue is to be read: 0.5 for one that has two thirds of the time it needs."""


def time_cues(s: Speech, first: Ints, after: Ints, said: Ints, need: Ints, profile: SubtitleProfile) -> Times:
    """Time cues of the atoms `first` to before `after`, whose words end at `said` and want `need` ms to be read."""
    begin, following = s.begin[first], s.begin[after]
    is_last = after == len(s.start)
    limit = np.maximum(following - np.where(is_last, 0, profile.gap_ms), begin + 1)
    shortest = s.min_ms[first]
    wanted = begin + np.maximum(need, shortest)
    if len(s.others):
        place = np.searchsorted(s.others, said)
        padded = np.append(s.others, np.iinfo(np.int64).max)
        wanted = np.minimum(wanted, np.maximum(padded[place] - profile.gap_ms, said))
    end = np.minimum(np.minimum(np.maximum(said, wanted), limit), begin + profile.max_ms)
    end = np.maximum(end, begin + 1)
    left = following - end
    closes = ~is_last & (left > profile.gap_ms) & (left < profile.close_ms)
    end = np.where(closes, np.minimum(limit, begin + profile.max_ms), end)
    left = following - end
    lasts = end - begin
    needed = np.maximum(np.minimum(need, profile.max_ms), shortest)
    broken = (lasts < shortest).astype(np.int64)
    fast = (lasts < need).astype(np.int64)
    broken += ~is_last & (left < profile.gap_ms)
    broken += ~is_last & (left >= profile.open_ms) & (left < profile.close_ms)
    return Times(end, fast, broken, np.maximum(needed / lasts - 1, 0))


def rate_cues(s: Speech, a: int, b: int, profile: SubtitleProfile) -> Floats:
    """Rate all cues of the atoms a to before b, where a and b are hard ends.

    The cost by (first atom, number of atoms - 1); infinite where no such cue may be.
    """
    rows = b - a
    most = _find_most(s, a, b, profile)
    cost = np.full((rows, most), np.inf)
    broken = np.zeros((rows, most), np.int64)
    fast = np.zeros((rows, most), np.int64)
    ends = np.zeros((rows, most))
    sums = {name: np.concatenate([[0], np.cumsum(getattr(s, name)[a:b])]) for name in ("columns", "words")}
    cuts = np.cumsum(s.hard[a:b])
    speakers = np.cumsum(np.concatenate([[False], s.speaker[a + 1 : b] != s.speaker[a : b - 1]]))
    pauses = np.maximum(s.start[a:b] - s.latest[a:b], 0)
    silence = np.cumsum(np.maximum(pauses - 2 * BREATH_MS, 0) / 500)
    place = _rate_places(s, a, b)
    natural = s.hard[a : b + 1] | (s.rate[a : b + 1] >= SENTENCE)
    late = (np.maximum.accumulate(s.start)[a:b] - s.start[a:b]) / LATE_MS
    dash = count_columns(profile.dash) if profile.speakers == "dash" else 0
    pair = profile.lines > 1 and profile.speakers != "none" and profile.overlaps == "together"
    one = _Layout(s, a, rows, s.label, dual=False)
    two = _Layout(s, a, rows, s.label + dash, dual=True)
    said = np.zeros(rows, np.int64)

    for k in range(1, most + 1):
        m = rows - k + 1
        i = np.arange(m)
        said = np.maximum(said[:m], s.end[a + k - 1 : b])
        one.add(k)
        two.add(k)
        changes = speakers[i + k - 1] - speakers[i]
        alone = changes == 0
        lines, over = np.where(alone, one.lines, two.lines), np.where(alone, one.over, two.over)
        may = (cuts[i + k - 1] == cuts[i]) & (lines <= profile.lines) & (alone | ((changes == 1) & pair))
        may |= k == 1
        if not may.any():
            continue
        extra = np.where(alone, one.prefixes, two.prefixes)
        columns = sums["columns"][i + k] - sums["columns"][i] - s.blank[a : a + m] + extra
        words = sums["words"][i + k] - sums["words"][i] + one.prefix_words
        need = np.ceil(
            np.maximum(1000 * columns / s.cps[a : a + m], 60_000 * words / s.wpm[a : a + m]) - 1e-6
        ).astype(np.int64)
        times = time_cues(s, a + i, a + i + k, said, need, profile)
        fill = columns / (s.room[a : a + m] * profile.lines)
        stub = STUB * np.maximum(0, 1 - fill / STUB_FILL) ** 2 * ~(natural[:m] & natural[k:])
        half = HALF_SAID * ((~natural[:m]).astype(np.int64) + ~natural[k:])
        early = np.maximum(two.turned - s.begin[a : a + m], 0) / EARLY_MS
        apart = np.where(alone, 0, TWO_SPEAKERS + early + half)
        found = CUE + place[k:] + stub + apart + late[:m] + silence[i + k - 1] - silence[i]
        found += np.minimum(EXCESS * times.excess, 6 * EXCESS)
        if k > 1:
            found += CUT_OFF * (said > s.begin[a : a + m] + profile.max_ms)
        cost[:m, k - 1] = np.where(may, found, np.inf)
        broken[:m, k - 1] = times.broken + over
        fast[:m, k - 1] = times.fast
        ends[:m, k - 1] = place[:m] + place[k:] + stub
    may_be = np.isfinite(cost)
    rushed = ~_cover(may_be & (broken == 0) & (fast == 0) & (ends <= TOLERABLE))
    _add_too_fast(cost, fast, rushed)
    return np.asarray(cost + BROKEN * broken)


def _cover(good: Bools) -> Bools:
    """Which atoms are in at least one of the cues (first atom, number of atoms - 1)."""
    rows, most = good.shape
    covers = np.zeros(rows + 1, np.int64)
    for k in range(1, most + 1):
        covers[: rows - k + 1] += good[: rows - k + 1, k - 1]
        covers[k:] -= good[: rows - k + 1, k - 1]
    return np.asarray(np.cumsum(covers[:rows]) > 0)


def _add_too_fast(cost: Floats, fast: Ints, rushed: Bools) -> None:
    """Add the cost of cues that are too fast to read: less for those of rushed words alone."""
    rows, most = cost.shape
    calm = np.concatenate([[0], np.cumsum(~rushed)])
    for k in range(1, most + 1):
        m = rows - k + 1
        cost[:m, k - 1] += fast[:m, k - 1] * np.where(calm[k:] > calm[:m], TOO_FAST, FAST_SPEECH)


def _find_most(s: Speech, a: int, b: int, profile: SubtitleProfile) -> int:
    """The most atoms that the room of one cue may hold."""
    # A word that is wider than a line takes one.
    columns = np.minimum(s.columns[a:b], s.room[a:b])
    sums = np.cumsum(columns)
    reach = sums + s.room[a:b] * profile.lines + profile.lines - columns
    most = int((np.searchsorted(sums, reach, side="right") - np.arange(b - a)).max())
    return max(1, min(most, MAX_ATOMS, b - a))


def _rate_places(s: Speech, a: int, b: int) -> Floats:
    """The cost of ending a cue before each atom, and before b."""
    rate = s.rate[a : b + 1].copy()
    pause = np.concatenate([s.start[a:b] - s.latest[a:b], [0]])
    breath = np.where(pause >= BREATH_MS, np.minimum(0.9, 0.4 + pause / 2000), -np.inf)
    cost = BREAK * (1 - np.maximum(rate, breath))
    full = rate >= SENTENCE
    cost[1:] += ORPHAN * (full[:-1] & ~full[1:])
    cost[:-1] += ORPHAN * (full[1:] & ~full[:-1])
    return np.where(s.hard[a : b + 1], 0.0, cost)


class _Layout:
    """The fewest lines of cues that grow by an atom: greedy filling, which is the least for given widths."""

    def __init__(self, s: Speech, a: int, rows: int, prefix: Ints, *, dual: bool) -> None:
        self.s, self.a, self.rows, self.prefix, self.dual = s, a, rows, prefix, dual
        self.lines = np.zeros(rows, np.int64)
        self.width = np.zeros(rows, np.int64)
        self.over: Any = np.zeros(rows, np.bool_)
        self.prefixes = np.zeros(rows, np.int64)
        self.prefix_words = np.zeros(rows)
        self.turned = np.zeros(rows, np.int64)

    def add(self, k: int) -> None:
        """Add the k-th atom to each cue that has one."""
        s, a, m = self.s, self.a, self.rows - k + 1
        at = slice(a + k - 1, a + self.rows)
        for name in ("lines", "width", "over", "prefixes", "prefix_words", "turned"):
            setattr(self, name, getattr(self, name)[:m].copy())
        room, bare = s.room[a : a + m], s.columns[at] - s.blank[at]
        if k == 1:
            self.lines += 1
            self.width = bare + self.prefix[at]
            self.prefixes = self.prefix[at].copy()
            self.prefix_words = s.label_words[at].copy()
        else:
            turns = s.speaker[at] != s.speaker[a + k - 2 : a + self.rows - 1] if self.dual else np.zeros(m, np.bool_)
            breaks = turns | (self.width + s.columns[at] > room)
            self.lines += breaks
            self.width = np.where(breaks, bare + turns * self.prefix[at], self.width + s.columns[at])
            # The line break before a turn is read as a blank, as every other.
            self.prefixes += turns * (self.prefix[at] + 1 - s.blank[at])
            if self.dual:
                self.prefix_words += turns * s.label_words[at]
            self.turned = np.where(turns, s.start[at], self.turned)
        self.over |= self.width > room
