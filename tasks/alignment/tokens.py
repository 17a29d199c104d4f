"""Words as the tokens of a CTC model, and a path through these as times of words. Pure NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ids` of a text's tokens in order, and the index of each one's word; None for those between words."""

    ids: tuple[int, ...]
    words: tuple[int | None, ...]

    def with_blanks(self, blank: int) -> list[int]:
        """The ids with a blank before, between and behind them: token k is at 2 k + 1."""
        return [blank, *(i for token in self.ids for i in (token, blank))]

    @property
    def least_frames(self) -> int:
        """Frames that a path through all needs: one a token, and one between equal ones."""
        return len(self.ids) + sum(a == b for a, b in pairwise(self.ids))


def tokenize_words(words: Sequence[str], encode: Callable[[str], list[int]], delimiter: int | None) -> Tokens:
    """The tokens of words, by `encode`; with the token `delimiter` between words, if there is one."""
    ids: list[int] = []
    owners: list[int | None] = []
    for i, word in enumerate(words):
        own = encode(word)
        if own and ids and delimiter is not None:
            ids.append(delimiter)
            owners.append(None)
        ids += own
        owners += [i] * len(own)
    return Tokens(tuple(ids), tuple(owners))


def find_word_times(
    path: Sequence[int], tokens: Tokens, log_probs: Array, start_s: float, frame_s: float, count: int
) -> list[tuple[float, float, float | None] | None]:
    """(start, end, confidence) of `count` words, None for those without tokens, from the place of each frame.

    `path[t]`: place of frame t in `tokens.with_blanks`. Frames last `frame_s` from `start_s`. A word lasts from its
    first token to the end of its last one.
    """
    frames: dict[int, list[tuple[int, float]]] = {}
    for t, place in enumerate(path):
        if place % 2:
            token = place // 2
            word = tokens.words[token]
            if word is not None:
                frames.setdefault(word, []).append((t, float(log_probs[t, tokens.ids[token]])))
    out: list[tuple[float, float, float | None] | None] = [None] * count
    for word, found in frames.items():
        first, last = found[0][0], found[-1][0]
        sure = math.exp(sum(score for _, score in found) / len(found))
        out[word] = (start_s + first * frame_s, start_s + (last + 1) * frame_s, sure)
    return out
