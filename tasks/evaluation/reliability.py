"""Measure how well confidences predict errors: calibration, and the share of errors among the least confident words.

Then checking the least sure words by hand finds most mistakes. Told as in C. Guo et al., "On Calibration of Modern
Neural Networks" (ICML 2017): words in bins of rising confidence, the share that is right in each, and the expected
calibration error.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.evaluation.comparison import compare, group_by_speaker
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.words import COLLAR_S
from tasks.intervals import Span
from tasks.records import UNKNOWN, Turn, Word
from tasks.word_forms import to_scoring_form

PIECE_S = 300.0
"""Seconds of words aligned at a time: memory grows with the square of their number."""
SHARES = (0.02, 0.05, 0.1)
"""Shares of the words, the least confident first, that a person might check by hand."""

Judged = tuple[float, bool]
"""A confidence, 0–1, and whether the word or speaker it belongs to is right."""


@dataclass(frozen=True, slots=True)
class Bin:
    """`confidence`: mean of its words; `right`: share of them, 0–1."""

    confidence: float
    right: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """`wrong`: how many of `count` are. `bins`: as many words in each, the least sure first."""

    count: int
    wrong: int
    bins: tuple[Bin, ...]
    calibration_error: float
    """Mean distance of a bin's confidence from the share that is right in it, 0–1."""
    caught: dict[str, float]
    """By share of the words, the least sure first: the share of all wrong ones among them, 0–1."""


def measure_reliability(judged: Sequence[Judged], bins: int = 10) -> Reliability | None:
    """Measure calibration over all judged words; None with fewer words than bins."""
    import numpy as np

    if len(judged) < bins:
        return None
    sure, right = (np.array(column) for column in zip(*sorted(judged), strict=True))
    parts = [Bin(float(s.mean()), float(r.mean()), len(s)) for s, r in zip(
        np.array_split(sure, bins), np.array_split(right, bins), strict=True)]  # fmt: skip
    wrong = int((~right).sum())
    return Reliability(
        count=len(judged),
        wrong=wrong,
        bins=tuple(parts),
        calibration_error=sum(abs(b.confidence - b.right) * b.count for b in parts) / len(judged),
        caught={
            f"{share:.0%}": float((~right[: round(share * len(right))]).sum()) / wrong if wrong else 0.0
            for share in SHARES
        },
    )


def judge_words(reference: Iterable[Utterance], words: Iterable[Word]) -> list[Judged]:
    """Judge each word: its confidence, and whether the reference has it within COLLAR_S, from any speaker."""
    judged, _ = align_to_reference(reference, words)
    return [(word.confidence, right) for word, right in judged if word.confidence is not None]


def align_to_reference(
    reference: Iterable[Utterance], words: Iterable[Word]
) -> tuple[list[tuple[Word, bool]], list[float]]:
    """Align words with a reference: each word, and whether the reference has it within COLLAR_S, from any speaker;
    and when the reference's words are said that there is no word for, by even times in their utterance."""
    from meeteval.io.seglst import SegLST
    from meeteval.wer.wer.time_constrained import align

    said: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in reference:
        spoken = to_scoring_form(one.text).split()
        length_s = (one.end_s - one.start_s) / max(1, len(spoken))
        for i, word in enumerate(spoken):
            start_s = one.start_s + i * length_s
            # What is said beside a piece may have been heard in it.
            for piece in {_piece(start_s - COLLAR_S), _piece(start_s), _piece(start_s + COLLAR_S)}:
                said[piece].append(_row(word, start_s, start_s + length_s) | {"own": piece == _piece(start_s)})
    heard: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for found in words:
        if text := to_scoring_form(found.text).replace(" ", ""):
            heard[_piece(found.start_s)].append(_row(text, found.start_s, found.end_s) | {"of": found})
    judged: list[tuple[Word, bool]] = []
    missing: list[float] = []
    for piece in sorted(said.keys() | heard.keys()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pairs: list[tuple[Any, Any]] = (
                align(SegLST(said[piece]), SegLST(heard[piece]), collar=COLLAR_S, style="seglst")
                if said[piece] and heard[piece]
                else [*((None, row) for row in heard[piece]), *((row, None) for row in said[piece])]
            )
        judged += [(b["of"], a is not None and a["words"] == b["words"]) for a, b in pairs if b is not None]
        missing += [a["start_time"] for a, b in pairs if b is None and a["own"]]
    return judged, missing


def judge_speakers(
    reference: Sequence[Turn], found: Sequence[Turn], words: Iterable[Word], regions: Sequence[Span]
) -> list[Judged]:
    """Each word's confidence of its speaker, and whether that is who speaks there in the reference, by the best
    mapping of names. Only words where one person speaks."""
    truth = group_by_speaker(reference)
    mapping = compare(truth, group_by_speaker(found), regions).mapping
    changes = sorted((t, step, who) for who, own in truth.items() for s in own for t, step in (
        (s.start_s, 1), (s.end_s, -1)))  # fmt: skip
    judged: list[Judged] = []
    speaking: set[str] = set()
    at = 0
    for word in sorted(words, key=lambda w: w.middle_s):
        while at < len(changes) and changes[at][0] <= word.middle_s:
            (speaking.add if changes[at][1] > 0 else speaking.discard)(changes[at][2])
            at += 1
        if len(speaking) == 1 and word.speaker not in (None, UNKNOWN) and word.speaker_confidence is not None:
            judged.append((word.speaker_confidence, mapping.get(next(iter(speaking))) == word.speaker))
    return judged


def _piece(start_s: float) -> int:
    return int(start_s // PIECE_S)


def _row(word: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {
        "session_id": "recording",
        "speaker": "all",
        "start_time": start_s,
        "end_time": max(end_s, start_s + 1e-3),
        "words": word,
    }
