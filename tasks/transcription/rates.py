"""How fast words are said, in syllables, whatever the script.

Pure. An engine's "words" are words in English, and characters or parts of them in Japanese or Thai; so rates are
counted in estimated syllables: of text in an alphabet a word is at least one, and one for every three letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

MAX_SYLLABLES_PER_S = 14.0
"""Nobody keeps this rate up: conversation has 4–8 syllables a second, auctioneers reach 10–12."""
MIN_RUN = 8.0
"""Estimated syllables from which a rate means anything: the times of single words are rough."""
MIN_SYLLABLES_PER_S = 1.5
"""Of speech without its pauses: whoever speaks has more, however slowly."""
MIN_SPARSE_S = 4.0
"""Seconds of speech from which few syllables mean anything: shorter speech may be a cough or a laugh."""
LEAST_RUN_S = 0.3
"""Seconds by which a run of words may have been timed too short."""
_SYLLABLES_PER_LETTER = {"HANGUL": 1.0, "HIRAGANA": 1.0, "KATAKANA": 1.0, "CJK": 1.0, "ETHIOPIC": 1.0}
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


class TimedText(Protocol):
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def text(self) -> str: ...


def count_syllables(text: str) -> float:
    """Estimate the syllables of an engine's word or piece of one.

    >>> [round(count_syllables(text), 1) for text in ("I", "budget", "天", "한국말", "ที่")]
    [1.0, 2.0, 1.0, 3.0, 0.3]
    """
    total = 0.0
    spaced = False
    for char in text:
        if char.isalnum():
            script = unicodedata.name(char, "").partition(" ")[0]
            total += _SYLLABLES_PER_LETTER.get(script, 1 / 3)
            spaced |= script not in _UNSPACED
    return max(1.0, total) if spaced else total


def is_sayable(words: Sequence[TimedText]) -> bool:
    """Check that no run of words, in order of time, is faster than a mouth.

    Of windows that grow from every word: two steps of a two-pointer walk per word.
    """
    sums = [0.0, *accumulate(count_syllables(w.text) for w in words)]
    last = 0
    for first in range(len(words)):
        while last < len(words) and sums[last] - sums[first] < MIN_RUN:
            last += 1
        run = sums[last] - sums[first]
        if run < MIN_RUN:
            return True
        seconds = words[last - 1].end_s - words[first].start_s
        if run > MAX_SYLLABLES_PER_S * (seconds + LEAST_RUN_S):
            return False
    return True


def is_sparse(words: Sequence[TimedText], speech_s: float) -> bool:
    """Check for fewer words than the speech that they are a text of can have: some of it was left out.

    For words without times of their own; those with times show where nothing was heard.
    """
    syllables = sum(count_syllables(w.text) for w in words)
    return speech_s >= MIN_SPARSE_S and syllables < MIN_SYLLABLES_PER_S * speech_s
