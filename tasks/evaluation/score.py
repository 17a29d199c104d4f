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
from tasks.evaluation.normalizers import get_normalizer, get_plain_form, get_unit
from tasks.evaluation.references import Reference
from tasks.evaluation.reliability import Judged, Reliability, judge_speakers, judge_words, measure_reliability
from tasks.evaluation.text_scores import TextScore, score_texts
from tasks.evaluation.words import WordScore, score_words, select_within
from tasks.evaluation.worst import WorstStretch, find_worst_stretch
from tasks.intervals import Span, intersect, subtract
from tasks.records import Word
from tasks.word_forms import to_scoring_form

TOLERANCE_S = 1.0
"""How far regions may reach beyond the recording's end before that is said: lengths are rounded."""


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
    language: str | None = None
    """Code of the language that decides how texts are normalised; None where it is not known."""
    language_given: bool = False
    """Whether it was named; else it is the transcript's."""
    normalized: TextScore | None = None
    """Words, or characters, after Whisper's text normaliser for the language."""
    characters: TextScore | None = None
    """Characters as written; only for languages without blanks between words."""
    remarks: tuple[str, ...] = ()
    """What was not scored, and what was left out of the reference, a line each."""


def score_recording(reference: Reference, hypothesis: SystemOutput, language: str | None = None) -> Score:
    """Score turns if the reference names speakers, and words if it has any: without MeetEval, as one stream.

    `language`: of the reference, a code of Whisper's; None: the transcript's. What has no reference speech or no
    reference words in the scored regions gets no score, and a remark.
    """
    given = reference.regions is not None
    regions = default_regions(reference.turns, hypothesis.turns) if reference.regions is None else reference.regions
    regions = tuple(subtract(regions, reference.ignored))
    regions, remarks = _clip_to_recording(regions, hypothesis) if given else (regions, [])
    scored_turns = bool(intersect([t.span for t in reference.turns], regions))
    if regions and reference.turns and not scored_turns:
        remarks.append("no speech of the reference in the scored regions: no DER")
    # Without regions every word counts: the last ones may lie beyond the last turn.
    limits = regions if given or reference.ignored else None
    scored_words = any(to_scoring_form(u.text) for u in select_within(reference.utterances, limits))
    if regions and reference.utterances and not scored_words:
        remarks.append("no words of the reference in the scored regions: no WER")
    spoken = language or hypothesis.language
    sides = (reference.utterances, hypothesis.utterances) if scored_words else ((), ())
    return Score(
        hypothesis.recording_id,
        reference.name,
        regions,
        given,
        score_diarization(reference.turns, hypothesis.turns, regions) if scored_turns else None,
        find_worst_stretch(reference.turns, hypothesis.turns, regions) if scored_turns else None,
        tuple(match_speakers(reference.turns, hypothesis.turns, regions)),
        score_words(*sides, limits) if scored_words else None,
        measure_reliability(_judge_words(reference, hypothesis, regions)),
        measure_reliability(
            judge_speakers(reference.turns, hypothesis.turns, _select_within(hypothesis.words, regions), regions)
        ),
        _explain_missing_rate(reference, hypothesis) if scored_words else None,
        spoken,
        language is not None,
        score_texts(*sides, get_normalizer(spoken), limits),
        score_texts(*sides, get_plain_form("character"), limits) if get_unit(spoken) == "character" else None,
        (*reference.remarks, *remarks),
    )


def _clip_to_recording(regions: tuple[Span, ...], hypothesis: SystemOutput) -> tuple[tuple[Span, ...], list[str]]:
    """Clip regions to the recording where its length is known; the second value says so."""
    end_s = hypothesis.duration_s
    if end_s is None or not regions or regions[-1].end_s <= end_s + TOLERANCE_S:
        return regions, []
    clipped = tuple(intersect(regions, [Span(0.0, end_s)]))
    if not clipped:
        return (), [f"the scored regions lie beyond the recording's end at {end_s:.1f} s: nothing is scored"]
    return clipped, [
        f"the scored regions reach {regions[-1].end_s:.1f} s: scored to the recording's end at {end_s:.1f} s"
    ]


def _explain_missing_rate(reference: Reference, hypothesis: SystemOutput) -> str | None:
    most = _count_most_speakers(reference, hypothesis)
    if not word_scores.is_meeteval_installed():
        return f"cpWER needs MeetEval: {word_scores.INSTALL}"
    if most > word_scores.MAX_SPEAKERS:
        return f"no cpWER: MeetEval compares at most {word_scores.MAX_SPEAKERS} speakers, and here are {most}."
    return None


def _judge_words(reference: Reference, hypothesis: SystemOutput, regions: Sequence[Span]) -> list[Judged]:
    if not reference.utterances or not word_scores.is_meeteval_installed():
        return []
    said = select_within(reference.utterances, regions)
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
