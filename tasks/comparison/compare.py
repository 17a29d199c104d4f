"""Compare what candidates made of one recording: rates against a reference, agreement, and where they differ.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.comparison.differences import find_places
from tasks.comparison.records import Comparison, EngineRun, Place, Rates
from tasks.evaluation.normalizers import Normalizer, get_normalizer, get_plain_form, get_unit
from tasks.evaluation.references import Reference
from tasks.evaluation.text_scores import score_texts
from tasks.evaluation.utterances import Utterance
from tasks.evaluation.words import select_within
from tasks.intervals import Span, subtract
from tasks.records import Word


def compare_runs(
    recording_id: str,
    source_name: str,
    duration_s: float,
    runs: Sequence[EngineRun],
    reference: Reference | None = None,
    language: str | None = None,
) -> Comparison:
    """Compare candidates. `language`: that decides how texts are normalised, a code of Whisper's; None: the first
    that a candidate found."""
    spoken = language or next((run.language for run in runs if run.language), None)
    normalizer = get_normalizer(spoken)
    sides = [convert_words(run.words) for run in runs]
    said: tuple[Utterance, ...] = ()
    limits = None
    if reference is not None:
        limits = find_limits(reference, duration_s)
        said = tuple(replace(u, speaker="") for u in select_within(reference.utterances, limits))
    places = find_places([run.words for run in runs], normalizer)
    return Comparison(
        recording_id,
        source_name,
        duration_s,
        tuple(runs),
        spoken,
        normalizer.name,
        tuple(measure_rates(said, side, spoken, limits) if said else None for side in sides),
        tuple(tuple(measure_agreement(one, other, normalizer) for other in sides) for one in sides),
        tuple(_add_reference(place, said) if said else place for place in places),
    )


def convert_words(words: Sequence[Word]) -> list[Utterance]:
    """Words as utterances of nobody known: they are scored as one stream."""
    return [Utterance(w.start_s, w.end_s, "", w.text) for w in words]


def find_limits(reference: Reference, duration_s: float) -> list[Span] | None:
    """The regions that a reference wants scored; None for all."""
    if reference.regions is None and not reference.ignored:
        return None
    regions = [Span(0.0, duration_s)] if reference.regions is None else list(reference.regions)
    return subtract(regions, reference.ignored)


def measure_rates(
    said: Sequence[Utterance], found: Sequence[Utterance], language: str | None, limits: Sequence[Span] | None
) -> Rates | None:
    """Measure error rates as one stream; None where the reference has no words."""
    unit = get_unit(language)
    plain, normalized = (
        score_texts(said, found, normalizer, limits)
        for normalizer in (get_plain_form(unit), get_normalizer(language))
    )
    if plain is None and normalized is None:
        return None
    return Rates(unit, plain.rate if plain else None, normalized.rate if normalized else None)


def measure_agreement(one: Sequence[Utterance], other: Sequence[Utterance], normalizer: Normalizer) -> float | None:
    """Measure how far two transcriptions agree, 0–1, whichever comes first; None where they are too long.

    >>> said = [Utterance(i, i + 1, "", word) for i, word in enumerate("one two three four".split())]
    >>> normalizer = get_normalizer("de")
    >>> measure_agreement(said, said[:3], normalizer), measure_agreement(said[:3], said, normalizer)
    (0.75, 0.75)
    """
    if not one or not other:
        return float(not one and not other)
    score = score_texts(one, other, normalizer)
    if score is None or score.rate is None:
        return None
    errors = score.insertions + score.deletions + score.substitutions
    return max(0.0, 1 - errors / max(score.num_units, score.num_units - score.deletions + score.insertions))


def _add_reference(place: Place, said: Sequence[Utterance]) -> Place:
    """The place with the reference's utterances that overlap it: whole ones, as only they have times."""
    return replace(place, reference=" ".join(u.text for u in said if u.span & place.span))
