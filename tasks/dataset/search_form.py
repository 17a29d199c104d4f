"""`word_raw`: the form of a word that one searches."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

APOSTROPHES = str.maketrans("’ʼ＇‘", "''''")
HYPHENS = str.maketrans("‐‑－", "---")
JOINERS = "\u200c\u200d"  # spelling, not punctuation, in Persian and the languages of India


def word_raw(text: str) -> str:
    """Lower case, without punctuation; inner apostrophes, hyphens and separators of digits stay.

    >>> word_raw("“Don’t!”"), word_raw("rock-n-roll,"), word_raw("3.5%"), word_raw("ÉTÉ…"), word_raw("♪")
    ("don't", 'rock-n-roll', '3.5', 'été', '')
    """
    text = unicodedata.normalize("NFC", text).translate(APOSTROPHES).translate(HYPHENS).lower()
    if text.isalnum():
        return text
    kept = [
        c
        for i, c in enumerate(text)
        if _in_word(c)
        or (c in "'-" + JOINERS and _beside(text, i, _in_word))
        or (c in ".,:" and _beside(text, i, str.isdigit))
    ]
    # Once more: what stood between a letter and its accent may be gone.
    return unicodedata.normalize("NFC", "".join(kept))


def _in_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def _beside(text: str, i: int, test: Callable[[str], bool]) -> bool:
    """Whether the characters on both sides of `text[i]` pass `test`."""
    return 0 < i < len(text) - 1 and test(text[i - 1]) and test(text[i + 1])
