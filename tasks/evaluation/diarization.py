"""Score diarization: DER and its parts, JER, purity and coverage.

Overlapping speech is scored. A speaker's turns that overlap or touch each other are one turn; so are the
collars' boundaries. The hypothesis' `UNKNOWN` is a speaker like any other to the error rates, as it is to every
scorer that reads the RTTM, but isn't counted among the speakers found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.evaluation import standard
from tasks.evaluation.comparison import Comparison, Spans, clip_to_regions, compare, find_overlaps, group_by_speaker
from tasks.evaluation.standard import MOST_TURNS, Rates
from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.records import UNKNOWN, Turn

COLLAR_S = 0.25
"""Seconds on each side of a reference boundary that the DER with a collar does not score."""

ABSENCE_S = 600.0
"""Seconds of silence of a reference speaker from which the shares before and after it are reported."""


@dataclass(frozen=True, slots=True)
class DiarizationScore:
    """Rates are fractions of the reference's speech (1.0 = as much error as speech); times in seconds."""

    der: float
    missed: float
    false_alarm: float
    confusion: float
    der_collar: float
    """DER without what lies within COLLAR_S of a reference boundary."""
    der_single: float
    """DER where one person at most speaks in the reference, as some papers tell it."""
    der_collar_single: float
    """The same without what lies within COLLAR_S of a reference boundary."""
    jer: float
    purity: float
    coverage: float
    speakers_reference: int
    speakers_found: int
    reference_s: float
    """Reference speech scored, overlapping speech counted once for each speaker."""
    scored_s: float
    """Length of the scored regions."""
    scorer: str
    """What computed the rates."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A long silence of a reference speaker, and the shares under the mapped name before and after it."""

    start_s: float
    end_s: float
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class SpeakerMatch:
    """A reference speaker and the hypothesis speaker of the best one-to-one mapping."""

    reference: str
    found: str | None
    reference_s: float
    common_s: float
    absence: Absence | None = None
    """The speaker's longest absence, if it exceeds ABSENCE_S."""

    @property
    def share(self) -> float:
        """The share of the reference speaker's speech, 0–1, under the mapped hypothesis speaker."""
        return self.common_s / self.reference_s if self.reference_s else 0.0


def default_regions(*sides: Iterable[Turn]) -> tuple[Span, ...]:
    """The scored region without a UEM: from 0 to the last end of any turn."""
    return tuple(merge_spans([Span(0.0, max((t.end_s for side in sides for t in side), default=0.0))]))


def score_diarization(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], regions: Iterable[Span] | None = None
) -> DiarizationScore:
    """Score hypothesis turns against reference turns within the regions (default: `default_regions` of both)."""
    scored = merge_spans(default_regions(reference, hypothesis) if regions is None else regions)
    truth, found = group_by_speaker(reference), group_by_speaker(hypothesis)
    exact = compare(truth, found, scored)
    if truth and found and sum(len(spans) for side in (truth, found) for spans in side.values()) <= MOST_TURNS:
        rates, scorer = standard.compute_standard_rates(truth, found, scored, COLLAR_S), standard.format_scorer_name()
    else:
        rates, scorer = compute_rates(truth, found, scored, exact), "daylong's own sweep"
    return DiarizationScore(
        *rates,
        speakers_reference=len(exact.reference_s),
        speakers_found=len(exact.hypothesis_s.keys() - {UNKNOWN}),
        reference_s=sum(exact.reference_s.values()),
        scored_s=measure_union_s(scored),
        scorer=scorer,
    )


def compute_rates(truth: Spans, found: Spans, scored: Sequence[Span], exact: Comparison) -> Rates:
    """Compute the rates by sweeps over the turns, in time linear in their number; `exact`: the comparison without a
    collar."""
    collars = [Span(t - COLLAR_S, t + COLLAR_S) for s in truth.values() for x in s for t in (x.start_s, x.end_s)]
    several = find_overlaps(truth)
    return Rates(
        der=exact.der(),
        missed=exact.rate(exact.missed_s),
        false_alarm=exact.rate(exact.false_alarm_s),
        confusion=exact.rate(exact.confusion_s),
        der_collar=compare(truth, found, subtract(scored, collars)).der(),
        der_single=compare(truth, found, subtract(scored, several)).der(),
        der_collar_single=compare(truth, found, subtract(scored, [*collars, *several])).der(),
        jer=exact.jaccard_error(),
        purity=exact.purity(),
        coverage=exact.coverage(),
    )


def match_speakers(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], regions: Iterable[Span] | None = None
) -> list[SpeakerMatch]:
    """Match each reference speaker, in order of first appearance, with a hypothesis speaker, one to one."""
    scored = merge_spans(default_regions(reference, hypothesis) if regions is None else regions)
    truth, found = (
        clip_to_regions(group_by_speaker(reference), scored),
        clip_to_regions(group_by_speaker(hypothesis), scored),
    )
    mapping = compare(truth, found, scored).mapping
    return [
        _match_speaker(speaker, spans, mapping.get(speaker), found.get(mapping.get(speaker, ""), []))
        for speaker, spans in sorted(truth.items(), key=lambda item: item[1][0])
    ]


def _match_speaker(speaker: str, spans: list[Span], name: str | None, found: list[Span]) -> SpeakerMatch:
    common = measure_union_s(intersect(spans, found))
    gaps = [Span(a.end_s, b.start_s) for a, b in pairwise(spans)]
    longest = max(gaps, key=lambda gap: gap.duration_s, default=Span(0.0, 0.0))
    absence = None
    if longest.duration_s > ABSENCE_S:
        before = [s for s in spans if s.end_s <= longest.start_s]
        after = [s for s in spans if s.start_s >= longest.end_s]
        shares = [measure_union_s(intersect(part, found)) / measure_union_s(part) for part in (before, after)]
        absence = Absence(longest.start_s, longest.end_s, *shares)
    return SpeakerMatch(speaker, name if common else None, measure_union_s(spans), common, absence)
