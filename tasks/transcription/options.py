"""The options of a decoding: which the settings ask for, and which an engine takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.engines.spec import Capabilities
from tasks.settings.schema import TranscriptionSettings

Options = dict[str, Any]
"""By name; plain JSON values, because they cross a process boundary."""
PIECE_OPTIONS: Options = {"batch_size": 1, "beam_size": 5, "condition_on_previous_text": False}
"""For decoding a window with repetitions in pieces: no n-gram is blocked, so that repetitions that were spoken can be
found again."""
RETRY_OPTIONS: Options = PIECE_OPTIONS | {"no_repeat_ngram_size": 4}
"""For decoding an unreliable window again: unbatched, with time tokens, no 4-gram of tokens twice."""


def build_decoding_options(settings: TranscriptionSettings, can: Capabilities) -> Options:
    """Build the engine's options for the first decoding."""
    options = {
        "batch_size": settings.batch_size,
        "beam_size": settings.beam_size,
        "initial_prompt": settings.initial_prompt,
        "hotwords": settings.hotwords,
        **_add_terms(settings, can),
        "condition_on_previous_text": settings.condition_on_previous_text,
        **({"into_english": True} if settings.into_english else {}),
    }
    return select_options(options, can)


def _add_terms(settings: TranscriptionSettings, can: Capabilities) -> Options:
    """Add the vocabulary to the option by which the engine takes terms: hotwords, else the prompt."""
    if not settings.vocabulary:
        return {}
    key = "hotwords" if can.hotwords else "initial_prompt"
    return {key: join_terms(getattr(settings, key), settings.vocabulary)}


def join_terms(text: str | None, terms: Sequence[str]) -> str:
    """A text for an engine with the terms behind it.

    >>> join_terms("A talk.", ["Istio", "Helm"]), join_terms(None, ["Istio", "Helm"])
    ('A talk. Istio, Helm', 'Istio, Helm')
    """
    return " ".join(filter(None, [text, ", ".join(terms)]))


def select_options(options: Options, can: Capabilities) -> Options:
    """Select the options that an engine takes.

    >>> select_options({"batch_size": 8, "beam_size": 5, "hotwords": None}, Capabilities(beams=True))
    {'beam_size': 5}
    """
    taken = {
        "batch_size": can.batches,
        "beam_size": can.beams,
        "initial_prompt": can.prompt,
        "hotwords": can.hotwords,
        "condition_on_previous_text": can.context,
        "no_repeat_ngram_size": can.redecodes,
        "into_english": can.translates,
    }
    return {key: value for key, value in options.items() if taken[key]}
