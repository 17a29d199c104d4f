"""Score a transcript against a reference: diarization, words, and the reliability of confidences."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.evaluation import words as word_scores
from tasks.evaluation.diarization import (
    DiarizationScore,
    SpeakerMatch,
    default_regions,
    match_speakers,
    score_diarization,
)
from tasks.evaluation.hypotheses import SystemOutput
from tasks.evaluation.references import Reference
from tasks.evaluation.reliability import Judged, Reliability, judge_speakers, judge_words, measure_reliability
from tasks.evaluation.words import WordScore, score_words
from tasks.evaluation.worst import WorstStretch, find_worst_stretch
from tasks.intervals import Span, subtract
from tasks.records import Word


@dataclass(frozen=True, slots=True)
class Score:
    """One recording against its reference."""

    recording_id: str
    reference: str
    regions: tuple[Span, ...]
    regions_given: bool
    """Whether a UEM named the regions; else they reach from 0 to the last end of either side."""
    diarization: DiarizationScore | None
    """None where the reference names no speakers."""
    worst: WorstStretch | None
    speakers: tuple[SpeakerMatch, ...]
    words: WordScore | None
    sure_words: Reliability | None
    """Reliability of the words' confidences; None without enough of them."""
    sure_speakers: Reliability | None
    """Reliability of the confidences of the words' speakers."""
    words_missing: str | None = None
    """Why there is no cpWER though the reference has words."""


def score_recording(reference: Reference, hypothesis: SystemOutput) -> Score:
    """Score turns if the reference names speakers, and words if it has any: without MeetEval, as one stream."""
    given = reference.regions is not None
    regions = default_regions(reference.turns, hypothesis.turns) if reference.regions is None else reference.regions
    regions = tuple(subtract(regions, reference.ignored))
    words, missing = None, None
    if reference.utterances:
        most = _count_most_speakers(reference, hypothesis)
        if not word_scores.is_meeteval_installed():
            missing = f"cpWER needs MeetEval: {word_scores.INSTALL}"
        elif most > word_scores.MAX_SPEAKERS:
            missing = f"no cpWER: MeetEval compares at most {word_scores.MAX_SPEAKERS} speakers, and here are {most}."
        # Without regions every word counts: the last ones may lie beyond the last turn.
        limits = regions if given or reference.ignored else None
        words = score_words(reference.utterances, hypothesis.utterances, limits)
    return Score(
        hypothesis.recording_id,
        reference.name,
        regions,
        given,
        score_diarization(reference.turns, hypothesis.turns, regions) if reference.turns else None,
        find_worst_stretch(reference.turns, hypothesis.turns, regions) if reference.turns else None,
        tuple(match_speakers(reference.turns, hypothesis.turns, regions)),
        words,
        measure_reliability(_judge_words(reference, hypothesis, regions)),
        measure_reliability(
            judge_speakers(reference.turns, hypothesis.turns, _select_within(hypothesis.words, regions), regions)
        ),
        missing,
    )


def _judge_words(reference: Reference, hypothesis: SystemOutput, regions: Sequence[Span]) -> list[Judged]:
    if not reference.utterances or not word_scores.is_meeteval_installed():
        return []
    said = [u for u in reference.utterances if any(u.span.middle_s in r for r in regions)]
    return judge_words(said, _select_within(hypothesis.words, regions))


def _select_within(words: Sequence[Word], regions: Sequence[Span]) -> list[Word]:
    starts = [r.start_s for r in regions]
    return [w for w in words if (i := bisect_right(starts, w.middle_s)) and w.middle_s in regions[i - 1]]


def _count_most_speakers(reference: Reference, hypothesis: SystemOutput) -> int:
    return max(len({u.speaker for u in side}) for side in (reference.utterances, hypothesis.utterances))


def to_json(result: Score) -> dict[str, Any]:
    """Convert a score to plain JSON values: rates are fractions, times seconds."""
    out = dataclasses.asdict(result)
    for speaker, match in zip(out["speakers"], result.speakers, strict=True):
        speaker["share"] = match.share
    return out
