"""Compare the speech of reference and hypothesis speakers in one sweep over time.

The figures equal pyannote.metrics' (a test compares them), whose time grows with the square of the turns; this one's
grows with their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.intervals import Span, intersect, merge_spans
from tasks.records import Turn

Spans = Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds, overlapping speech counted once for each of its speakers. Definitions: NIST RT-09 (DER), DIHARD II
    (JER), pyannote.metrics (purity, coverage)."""

    missed_s: float
    false_alarm_s: float
    confusion_s: float
    reference_s: dict[str, float]
    hypothesis_s: dict[str, float]
    common_s: dict[tuple[str, str], float]
    """Seconds in which a reference speaker and a found one both speak."""
    mapping: dict[str, str]
    """Reference speaker to found speaker, one to one, with the most seconds in common."""

    def der(self) -> float:
        """The diarization error rate."""
        return self.rate(self.missed_s + self.false_alarm_s + self.confusion_s)

    def rate(self, seconds: float) -> float:
        """As a fraction of the reference's speech; without any, 1 for whatever there is."""
        total = sum(self.reference_s.values())
        return seconds / total if total else float(seconds > 0)

    def jaccard_error(self) -> float:
        """The mean over reference speakers of 1 − shared / either's time; 1 for an unmapped one."""
        errors = []
        for speaker, seconds in self.reference_s.items():
            name = self.mapping.get(speaker)
            if name is None:
                errors.append(1.0)
                continue
            common = self.common_s[speaker, name]
            errors.append(1 - common / (seconds + self.hypothesis_s[name] - common))
        return sum(errors) / len(errors) if errors else float(bool(self.hypothesis_s))

    def purity(self) -> float:
        """Of the found speakers' time, the fraction that belongs to each one's main reference speaker."""
        return _sum_main_shares(self.hypothesis_s, ((found, s) for (_, found), s in self.common_s.items()))

    def coverage(self) -> float:
        """Of the reference speakers' time, the fraction that is under each one's main found speaker."""
        return _sum_main_shares(self.reference_s, ((truth, s) for (truth, _), s in self.common_s.items()))


def group_by_speaker(turns: Iterable[Turn]) -> dict[str, list[Span]]:
    """Group turns into sorted spans by speaker; overlapping or touching turns of one speaker are joined."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for turn in turns:
        spans[turn.speaker].append(turn.span)
    return {speaker: held for speaker, own in spans.items() if (held := merge_spans(own))}


def clip_to_regions(spans: Spans, regions: Sequence[Span]) -> dict[str, list[Span]]:
    """Clip each speaker's spans to the regions; speakers without speech there are left out."""
    return {speaker: held for speaker, own in spans.items() if (held := intersect(own, regions))}


def find_overlaps(spans: Spans) -> list[Span]:
    """Find the spans in which two or more speakers speak."""
    edges = sorted((t, d) for own in spans.values() for s in own for t, d in ((s.start_s, 1), (s.end_s, -1)))
    found, speaking = [], 0
    for (time, step), (after, _) in pairwise(edges):
        speaking += step
        if speaking > 1 and after > time:
            found.append(Span(time, after))
    return merge_spans(found)


def iterate_pieces(reference: Spans, hypothesis: Spans) -> Iterator[tuple[Span, set[str], set[str]]]:
    """Yield the pieces of speech time between changes of speakers, with the active reference and hypothesis speakers.

    The two sets are reused: they are valid until the next piece."""
    events = sorted(
        (time, rises, side, speaker)
        for side, spans in enumerate((reference, hypothesis))
        for speaker, own in spans.items()
        for span in own
        for time, rises in ((span.start_s, True), (span.end_s, False))
    )
    active: tuple[set[str], set[str]] = (set(), set())
    last = 0.0
    for time, rises, side, speaker in events:
        if time > last and (active[0] or active[1]):
            yield Span(last, time), *active
        last = time
        (active[side].add if rises else active[side].discard)(speaker)


def compare(reference: Spans, hypothesis: Spans, regions: Sequence[Span]) -> Comparison:
    """Compare the hypothesis with the reference within the regions."""
    sides = (clip_to_regions(reference, regions), clip_to_regions(hypothesis, regions))
    common: dict[tuple[str, str], float] = defaultdict(float)
    missed = false_alarm = shared = 0.0
    for piece, truths, founds in iterate_pieces(*sides):
        seconds, more = piece.duration_s, len(truths) - len(founds)
        missed += max(0, more) * seconds
        false_alarm += max(0, -more) * seconds
        shared += min(len(truths), len(founds)) * seconds
        for truth in truths:
            for found in founds:
                common[truth, found] += seconds
    mapping = _map_speakers(sides[0], sides[1], common)
    return Comparison(
        missed_s=missed,
        false_alarm_s=false_alarm,
        confusion_s=max(0.0, shared - sum(common[pair] for pair in mapping.items())),
        reference_s={speaker: sum(s.duration_s for s in own) for speaker, own in sides[0].items()},
        hypothesis_s={speaker: sum(s.duration_s for s in own) for speaker, own in sides[1].items()},
        common_s=dict(common),
        mapping=mapping,
    )


def _map_speakers(
    truths: Iterable[str], founds: Iterable[str], common: Mapping[tuple[str, str], float]
) -> dict[str, str]:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows, columns = sorted(truths), sorted(founds)
    seconds = np.array([[common.get((r, c), 0.0) for c in columns] for r in rows]).reshape(len(rows), len(columns))
    pairs = zip(*linear_sum_assignment(seconds, maximize=True), strict=True)
    return {rows[i]: columns[j] for i, j in pairs if seconds[i, j] > 0}


def _sum_main_shares(totals: Mapping[str, float], common: Iterable[tuple[str, float]]) -> float:
    most: dict[str, float] = defaultdict(float)
    for speaker, seconds in common:
        most[speaker] = max(most[speaker], seconds)
    total = sum(totals.values())
    return sum(most.values()) / total if total else 1.0
