"""Sentences of the small English that the bundled sample does not contain: what may be trained on."""

from __future__ import annotations

from collections.abc import Iterator

from data.recipes.lexicon import sentences
from data.recipes.roundtable_script import held_out, normalised


def fresh_sentences(seed: int) -> Iterator[str]:
    """Endless sentences with punctuation. Seeds below 1000 share none but by chance."""
    kept = held_out()
    while True:
        yield from (text for text in sentences(seed, 5000) if normalised(text) not in kept)
        seed += 1000
