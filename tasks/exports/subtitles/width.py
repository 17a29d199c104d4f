"""How wide text is shown, and how many words it has to be read."""

from __future__ import annotations

from functools import lru_cache

from tasks.joining import is_unspaced


@lru_cache(maxsize=65_536)
def count_columns(text: str) -> int:
    """Count the columns of a text: two for a full-width character, none for a combining mark or an isolate.

    >>> count_columns("naïve"), count_columns("日本"), count_columns("e\\u0301"), count_columns("\\u2068שלום\\u2069")
    (5, 4, 1, 4)
    """
    if text.isascii():
        return len(text)
    import wcwidth

    return int(sum(max(0, wcwidth.wcwidth(c)) for c in text))


@lru_cache(maxsize=65_536)
def count_words(text: str) -> float:
    """Count the words of a text; a letter of a script without blanks between words is a half.

    >>> count_words("Good morning, everybody."), count_words("今天 –")
    (3.0, 1.0)
    """
    if text.isascii():
        return float(sum(any(c.isalnum() for c in part) for part in text.split()))
    unspaced = sum(is_unspaced(c) for c in text)
    spaced = "".join(" " if is_unspaced(c) else c for c in text)
    return unspaced / 2 + sum(any(c.isalnum() for c in part) for part in spaced.split())
