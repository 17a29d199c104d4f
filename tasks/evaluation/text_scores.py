"""Score texts after normalisation: WER and cpWER, or CER and cpCER where words are not parted by blanks.

The texts of a speaker are joined before they are normalised, since a number may be several words ("twenty percent");
so are all speakers' texts for the rates of one stream.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.evaluation import words
from tasks.evaluation.normalizers import Normalizer, Unit
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.word_errors import WordErrors, count_word_errors
from tasks.evaluation.words import MAX_SPEAKERS, MAX_WORDS, select_within
from tasks.intervals import Span


@dataclass(frozen=True, slots=True)
class TextScore:
    """Rates are fractions of the reference's words or characters; the counts are those of the cp rate, else of the
    other."""

    normalizer: str
    numbers: str
    """How numbers stand in the compared texts: "as digits" or "as written"."""
    unit: Unit
    wer: float | None
    """All speakers' words as one stream; None where characters are compared, or the words are too many."""
    cpwer: float | None
    """None where the reference names no speakers, they or the words are too many, or MeetEval is not installed."""
    cer: float | None
    cpcer: float | None
    num_units: int
    insertions: int
    deletions: int
    substitutions: int

    @property
    def rate(self) -> float | None:
        """The error rate of one stream, in this score's unit."""
        return self.wer if self.unit == "word" else self.cer

    @property
    def cp_rate(self) -> float | None:
        """The error rate over the best mapping of speakers, in this score's unit."""
        return self.cpwer if self.unit == "word" else self.cpcer


def score_texts(
    reference: Sequence[Utterance],
    hypothesis: Sequence[Utterance],
    normalizer: Normalizer,
    regions: Iterable[Span] | None = None,
) -> TextScore | None:
    """Compare texts in a normaliser's form; `regions` as in `score_words`. None where the reference has no text
    left, or both sides are too long."""
    held = None if regions is None else list(regions)
    said, found = (select_within(side, held) for side in (reference, hypothesis))
    one_said, one_found = (normalizer.split(u.text for u in side) for side in (said, found))
    if not one_said:
        return None
    one = _count_errors(one_said, one_found)
    rate = one.total / len(one_said) if one else None
    counts, length = one, len(one_said)
    cp_rate = None
    if all(u.speaker for u in said) and words.is_meeteval_installed():
        rows = [_split_by_speaker(side, normalizer) for side in (said, found)]
        longest = max((len(units) for side in rows for units in side.values()), default=0)
        if rows[0] and max(map(len, rows)) <= MAX_SPEAKERS and longest <= MAX_WORDS:
            cp_rate, counts, length = _match_speakers(*rows)
    if counts is None:
        return None
    of_words = normalizer.unit == "word"
    return TextScore(
        normalizer.name,
        normalizer.numbers,
        normalizer.unit,
        wer=rate if of_words else None,
        cpwer=cp_rate if of_words else None,
        cer=None if of_words else rate,
        cpcer=None if of_words else cp_rate,
        num_units=length,
        insertions=counts.insertions,
        deletions=counts.deletions,
        substitutions=counts.substitutions,
    )


def _split_by_speaker(side: Iterable[Utterance], normalizer: Normalizer) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for one in side:
        texts[one.speaker].append(one.text)
    return {speaker: units for speaker, own in texts.items() if (units := normalizer.split(own))}


def _count_errors(said: Sequence[str], found: Sequence[str]) -> WordErrors | None:
    """Errors of the alignment with the fewest; None where the texts are too long to be aligned."""
    if max(len(said), len(found)) > MAX_WORDS:
        return None
    if not words.is_meeteval_installed():
        return count_word_errors(said, found)
    from meeteval.wer.wer.siso import siso_word_error_rate

    errors = siso_word_error_rate(" ".join(said), " ".join(found))
    return WordErrors(int(errors.insertions), int(errors.deletions), int(errors.substitutions))


def _match_speakers(
    said: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]
) -> tuple[float, WordErrors, int]:
    """The cp error rate, its errors, and the reference's length."""
    from meeteval.wer.wer.cp import cp_word_error_rate

    logging.getLogger("preprocess").setLevel(logging.ERROR)
    # A name that no speaker has: MeetEval wants at least one on each side.
    sides = [{name: " ".join(units) for name, units in side.items()} or {"": ""} for side in (said, found)]
    errors = cp_word_error_rate(*sides)
    counts = WordErrors(int(errors.insertions), int(errors.deletions), int(errors.substitutions))
    return float(errors.error_rate), counts, int(errors.length)
