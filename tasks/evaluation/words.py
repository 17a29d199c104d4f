"""Score words as written, case and punctuation aside: WER, cpWER and tcpWER, by MeetEval (the extra `scoring`);
without it, WER alone. `text_scores` scores them after normalisation.

cpWER: Watanabe et al., "CHiME-6 Challenge" (2020): the words of each speaker in one row, the best one-to-one
mapping of speakers, the word error rate over it. tcpWER: von Neumann et al., "MeetEval" (2023): the same, and a
word counts only within a collar of where it was said.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import UsageError
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.word_errors import count_word_errors
from tasks.intervals import Span
from tasks.word_forms import to_scoring_form

COLLAR_S = 5
"""tcpWER's collar in seconds: the largest distance in time at which words may match."""

MAX_WORDS = 100_000
"""Most words in one stream, on either side; time grows with their square (about a minute at this number)."""

MAX_SPEAKERS = 20
"""Most speakers on either side that MeetEval accepts."""

INSTALL = "pip install 'meeteval>=0.4'"
"""Command that installs MeetEval; building it needs a C++ compiler."""


@dataclass(frozen=True, slots=True)
class WordScore:
    """Rates are fractions of the reference's words; the counts are cpWER's, else WER's."""

    wer: float | None
    """All speakers' words as one stream, in the order in which they begin; None where these are too many."""
    cpwer: float | None
    """None where the reference names no speakers, or there are too many."""
    tcpwer: float | None
    num_words: int
    insertions: int
    deletions: int
    substitutions: int


def is_meeteval_installed() -> bool:
    """Whether MeetEval is installed."""
    return importlib.util.find_spec("meeteval") is not None


def score_words(
    reference: Sequence[Utterance], hypothesis: Sequence[Utterance], regions: Iterable[Span] | None = None
) -> WordScore | None:
    """Compare texts after `to_scoring_form`. An utterance may hold one word or many.

    `regions`: only utterances whose middle lies in one are scored; None: all are. An empty speaker stands for one
    that isn't known. None where there are too many words and speakers for any of the rates. Raises UsageError where
    the reference has no words.
    """
    held = None if regions is None else list(regions)
    truth, found = _rows(reference, held), _rows(hypothesis, held)
    if not truth:
        raise UsageError("the reference has no words in the scored regions: nothing to compare.")
    if not is_meeteval_installed():
        return _score_one_stream(truth, found)
    from meeteval.io.seglst import SegLST
    from meeteval.wer.wer.cp import cp_word_error_rate
    from meeteval.wer.wer.siso import siso_word_error_rate
    from meeteval.wer.wer.time_constrained import time_constrained_minimum_permutation_word_error_rate

    logging.getLogger("preprocess").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Both say that a speaker's own segments overlap, which is so in any reference cut by hand.
        warnings.simplefilter("ignore")
        speakers = max(len({row["speaker"] for row in side}) for side in (truth, found))
        of_speakers = speakers <= MAX_SPEAKERS and all(row["speaker"] for row in truth)
        if not found:
            count = sum(len(row["words"].split()) for row in truth)
            none = 1.0 if of_speakers else None
            return WordScore(1.0, none, none, count, 0, count, 0)
        texts = [" ".join(row["words"] for row in side) for side in (truth, found)]
        plain = siso_word_error_rate(*texts) if max(t.count(" ") for t in texts) < MAX_WORDS else None
        cp = cp_word_error_rate(SegLST(truth), SegLST(found)) if of_speakers else None
        timed = (
            time_constrained_minimum_permutation_word_error_rate(SegLST(truth), SegLST(found), collar=COLLAR_S)
            if of_speakers
            else None
        )
    counts = cp or plain
    if counts is None:
        return None
    return WordScore(
        wer=float(plain.error_rate) if plain else None,
        cpwer=float(cp.error_rate) if cp else None,
        tcpwer=float(timed.error_rate) if timed else None,
        num_words=int(counts.length),
        insertions=int(counts.insertions),
        deletions=int(counts.deletions),
        substitutions=int(counts.substitutions),
    )


def _score_one_stream(truth: list[dict[str, Any]], found: list[dict[str, Any]]) -> WordScore | None:
    said, recognised = (" ".join(row["words"] for row in side).split() for side in (truth, found))
    if max(len(said), len(recognised)) > MAX_WORDS:
        return None
    errors = count_word_errors(said, recognised)
    return WordScore(errors.total / len(said), None, None, len(said), *errors)


def select_within(utterances: Iterable[Utterance], regions: Sequence[Span] | None) -> list[Utterance]:
    """Select the utterances whose middle lies in one of the regions (None: all), in the order in which they begin."""
    held = [u for u in utterances if regions is None or any(u.span.middle_s in region for region in regions)]
    return sorted(held, key=lambda u: (u.start_s, u.end_s))


def _rows(utterances: Iterable[Utterance], regions: list[Span] | None) -> list[dict[str, Any]]:
    return [
        {
            "session_id": "recording",
            "speaker": said.speaker,
            "start_time": said.start_s,
            "end_time": max(said.end_s, said.start_s + 0.001),
            "words": words,
        }
        for said in select_within(utterances, regions)
        if (words := to_scoring_form(said.text))
    ]
