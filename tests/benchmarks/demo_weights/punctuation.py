"""The punctuation model: marks given back to dialogue that was not among its training's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from data.recipes.fresh_sentences import fresh_sentences
from data.recipes.lexicon import dialogue, split_sentences
from data.recipes.roundtable_script import normalised
from data.recipes.train_punctuation import fresh_turns, labelled
from tests.benchmarks.demo_weights.figure import Figure

LEARNT = 60_000
"""Sentences, and turns, from the beginning of what its recipe draws from: more than it came to."""
SHORT = 5
"""Words. So short sentences are the same everywhere."""


def figures(models: Path, _voices: Path | None, quick: bool) -> Iterator[Figure]:
    from tasks.punctuation.model import load

    model = load(str(models / "punctuation"))
    turns = unseen_turns(100 if quick else 1000)
    for name, texts in (("turn by turn", turns), ("running text", [" ".join(turns)])):
        counts: Counter[tuple[str, str]] = Counter()
        for text in texts:
            words = labelled(text)
            found = model.restore([w.lower() for w, _ in words])
            counts.update(zip((label for _, label in words), found, strict=True))
        for mark, called, least in ((".", "full stops", 0.85), ("?", "question marks", 0.85), (",", "commas", None)):
            yield Figure(f"F1 of {called}, {name}", f_score(counts, mark), "", least=least)


def unseen_turns(count: int) -> list[str]:
    """Turns of dialogues with a sentence of more than `SHORT` words, none of those in the training's beginning."""
    learnt = {normalised(s) for s in islice(fresh_sentences(11), LEARNT)}
    for turn in islice(fresh_turns(11), LEARNT):
        learnt.update(normalised(s) for s in split_sentences(turn))
    out: list[str] = []
    seed = 500
    while len(out) < count:
        for _, text in dialogue(seed, 400):
            long = [n for s in split_sentences(text) if len((n := normalised(s)).split()) > SHORT]
            if long and not learnt.intersection(long):
                out.append(text)
        seed += 1
    return out[:count]


def f_score(counts: Counter[tuple[str, str]], mark: str) -> float:
    wanted = sum(n for (expected, _), n in counts.items() if expected == mark)
    found = sum(n for (_, got), n in counts.items() if got == mark)
    return 2 * counts[mark, mark] / max(1, wanted + found)
