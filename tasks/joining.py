"""How words join into text.

Most languages write a blank between words; Chinese, Japanese, Thai, Lao, Burmese and Khmer don't. Whether a word has
a blank before it is the recogniser's to say, and every word keeps it as `space_before`: the text of a segment is that
of its words, each with its blank.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from regex import Pattern

UNSPACED_LETTER = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}ー]&&[\p{L}\p{Nl}]]"
)
"""A letter of a script that is written without blanks between words, as a pattern of the library `regex`."""


class Joined(Protocol):
    """A word that joins others."""

    @property
    def text(self) -> str: ...
    @property
    def space_before(self) -> bool: ...


def join_words(words: Iterable[Joined]) -> str:
    """Join words into text: a blank before each that has one, but for the first.

    >>> from tasks.records import Word
    >>> join_words(Word(0, 1, text, chunk=0, channel=0, space_before=blank) for text, blank in
    ...            (("我", False), ("用", False), ("Python", True), ("写", True), ("。", False)))
    '我用 Python 写。'
    """
    parts: list[str] = []
    for word in words:
        if parts and word.space_before:
            parts.append(" ")
        parts.append(word.text)
    return "".join(parts)


def weigh_word(word: Joined) -> float:
    """Estimate how much of a word a row is: one, or a half where it is a letter of a script without blanks.

    Words of Chinese and Japanese have some two letters; the estimate serves rates and counts of speech, not figures.
    """
    return 0.5 if is_unspaced(word.text.lstrip("“‘「『（《¿¡([\"'")[:1] or " ") else 1.0


@functools.cache
def unspaced_pattern() -> Pattern[str]:
    """Match a letter of a script without blanks between words, at the beginning of a text."""
    import regex

    return regex.compile(UNSPACED_LETTER, regex.V1)


def is_unspaced(char: str) -> bool:
    """Check for a letter of a script that is written without blanks between words.

    >>> [is_unspaced(char) for char in "天のーไក한a3。"]
    [True, True, True, True, True, False, False, False, False]
    """
    return not char.isascii() and unspaced_pattern().match(char) is not None


def is_wide_mark(char: str) -> bool:
    """Check for a mark as wide as an ideograph (`。`, `「`), which has its blank within itself."""
    return not char.isalnum() and unicodedata.east_asian_width(char) in "WF"
