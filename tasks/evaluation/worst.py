"""Find the stretch of a transcript with the most diarization error, for a person to listen to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.evaluation.comparison import Comparison, clip_to_regions, compare, group_by_speaker, iterate_pieces
from tasks.intervals import Span, intersect, merge_spans
from tasks.records import Turn

LENGTH_S, STEP_S = 600.0, 60.0
"""Length of a stretch and the step between starts of stretches, in seconds."""


@dataclass(frozen=True, slots=True)
class WorstStretch:
    """The stretch with the most seconds wrong, and what is wrong there; a speaker's seconds count for each."""

    start_s: float
    end_s: float
    missed_s: float
    false_alarm_s: float
    confusion_s: float
    reference_s: float
    speaker: str | None = None
    """The reference speaker with the most confused speech, under the hypothesis speaker `taken_for`; or None."""
    taken_for: str | None = None
    whose: str | None = None
    """The reference speaker that `taken_for` is mapped to over the whole recording, or None."""
    taken_s: float = 0.0

    @property
    def wrong_s(self) -> float:
        return self.missed_s + self.false_alarm_s + self.confusion_s


def find_worst_stretch(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], regions: Iterable[Span]
) -> WorstStretch | None:
    """Find the LENGTH_S of the scored regions with the most error, under the best mapping for all of them.

    None where the regions are shorter than two such stretches, or nothing is wrong.
    """
    scored = merge_spans(regions)
    truth, found = group_by_speaker(reference), group_by_speaker(hypothesis)
    if not scored or scored[-1].end_s - scored[0].start_s < 2 * LENGTH_S:
        return None
    mapping = compare(truth, found, scored).mapping
    wrong = [
        (piece, count)
        for piece, truths, founds in iterate_pieces(clip_to_regions(truth, scored), clip_to_regions(found, scored))
        if (count := max(len(truths), len(founds)) - sum(mapping.get(t) in founds for t in truths))
    ]
    span = _find_most_wrong(wrong, scored[0].start_s, scored[-1].end_s)
    if span is None:
        return None
    inside = intersect(scored, [span])
    there = compare(truth, found, inside)
    right = sum(there.common_s.get(pair, 0.0) for pair in mapping.items())
    shared = sum(there.reference_s.values()) - there.missed_s
    return WorstStretch(
        span.start_s,
        span.end_s,
        there.missed_s,
        there.false_alarm_s,
        max(0.0, shared - right),
        sum(there.reference_s.values()),
        *_find_confused_speaker(there, mapping),
    )


def _find_most_wrong(wrong: Sequence[tuple[Span, int]], start_s: float, end_s: float) -> Span | None:
    """Find the stretch with the most wrong speaker time, by running sums."""
    import numpy as np

    if not wrong:
        return None
    edges = np.array([t for piece, _ in wrong for t in (piece.start_s, piece.end_s)])
    sums = np.cumsum([s for piece, count in wrong for s in (0.0, count * piece.duration_s)])
    begins = np.arange(start_s - start_s % STEP_S, max(end_s - LENGTH_S, start_s) + STEP_S, STEP_S)
    amounts = np.interp(begins + LENGTH_S, edges, sums, 0.0) - np.interp(begins, edges, sums, 0.0)
    begin = float(begins[int(np.argmax(amounts))])
    return Span(max(begin, 0.0), min(begin + LENGTH_S, end_s))


def _find_confused_speaker(
    there: Comparison, mapping: dict[str, str]
) -> tuple[str | None, str | None, str | None, float]:
    confused = {pair: s for pair, s in there.common_s.items() if mapping.get(pair[0]) != pair[1]}
    if not confused:
        return None, None, None, 0.0
    (speaker, name), seconds = max(confused.items(), key=lambda item: (item[1], item[0]))
    return speaker, name, next((t for t, f in mapping.items() if f == name), None), seconds
