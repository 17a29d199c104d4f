"""How well a punctuation model restores what was there, through deepmultilingualpunctuation's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deepmultilingualpunctuation import PunctuationModel
from transformers import pipeline


class LocalPunctuationModel(PunctuationModel):
    """Its constructor passes an argument that transformers 5 no longer has; all else is kept."""

    def __init__(self, folder: Path) -> None:
        self.pipe = pipeline("token-classification", model=str(folder), aggregation_strategy="none", device=-1)


def f_scores(folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """F1 of each mark, 0–1, over punctuated texts that are given to the model without their marks."""
    model = LocalPunctuationModel(folder)
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts:
        wanted = [word[-1] if word[-1] in ".,?" else "0" for word in text.split()]
        found = [label for _, label, _ in model.predict(model.preprocess(text))]
        counts.update(zip(wanted, found, strict=True))
    scores = {}
    for mark in ".,?":
        right = counts[mark, mark]
        of_wanted = sum(n for (wanted, _), n in counts.items() if wanted == mark)
        of_found = sum(n for (_, found), n in counts.items() if found == mark)
        scores[mark] = round(2 * right / max(1, of_wanted + of_found), 3)
    return scores
