"""Normal forms of words and texts, for searching, comparing and scoring.

| | `to_search_form` | `to_comparison_form` | `to_repetition_form` | `to_scoring_form` |
| --- | --- | --- | --- | --- |
| for | column `word_raw` | aligning words at seams | finding repetitions | word error rates |
| takes | a word | a word | a word | a text |
| Unicode | NFC | NFKC | as it is | NFC |
| case | lower | casefold | casefold | lower |
| apostrophe ’ | ', within a word | ', everywhere | removed | ', within a word |
| hyphen, dash | -, within a word | removed | removed | becomes a blank |
| 3.5 | 3.5 | 35 | 35 | 3.5 |
| x.com, AT&T | kept within a word | removed | removed | removed |
| combining marks | kept | removed where NFKC cannot compose them | kept | kept |
| nothing left (%) | empty | the sign itself | the word itself | empty |

The forms are not interchangeable: `word_raw` is published, and the others decide what is kept, dropped or counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_APOSTROPHES = str.maketrans("’ʼ＇‘", "''''")
_HYPHENS = str.maketrans(dict.fromkeys("‐‑‒–—―－﹣−", "-"))
_SEPARATORS = ",:٫٬~×"
"""Signs that stay between digits: without them, two numbers would be a third one."""
_JOINERS = "\u200c\u200d·་׳״"
"""Spelling, not punctuation: in Persian and the languages of India, in Catalan, Tibetan and Hebrew."""
_KEPT_INSIDE = "'-.&@/_" + _JOINERS
_INSIDE_WORD = re.compile(r"(?<=\w)'(?=\w)|(?<=\d)[.,](?=\d)")


def to_search_form(text: str) -> str:
    """Lower-case a word and remove punctuation. What joins letters within it stays: apostrophes, hyphens, `&`, the
    signs of addresses (`.`, `@`, `/`, `_`); so do separators of digits. Dashes are hyphens. Abbreviations lose their
    full stops.

    >>> [to_search_form(word) for word in ("“Don’t!”", "rock-n-roll,", "3.5%", "ÉTÉ…", "♪")]
    ["don't", 'rock-n-roll', '3.5', 'été', '']
    >>> [to_search_form(word) for word in ("AT&T", "www.x.com.", "U.S.", "10–20", "heart—yes")]
    ['at&t', 'www.x.com', 'us', '10-20', 'heart-yes']
    """
    text = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).translate(_HYPHENS).lower()
    if text.isalnum():
        return text
    kept = [
        c
        for i, c in enumerate(text)
        if _is_word_character(c)
        or (c in _KEPT_INSIDE and _is_beside(text, i, _is_word_character))
        or (c in _SEPARATORS and _is_beside(text, i, str.isdigit))
    ]
    # Compose again: a character between a letter and its accent may have been removed.
    said = unicodedata.normalize("NFC", "".join(kept))
    parts = said.split(".")
    return "".join(parts) if all(len(part) == 1 and part.isalpha() for part in parts) else said


def to_comparison_form(text: str) -> str:
    """Case-fold a word and keep letters, digits and apostrophes; a sign that is spoken ("%") stays.

    >>> to_comparison_form("Don’t!") == to_comparison_form("don't"), to_comparison_form("%")
    (True, '%')
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return "".join(c for c in folded if c.isalnum() or c == "'") or folded.strip()


def to_repetition_form(word: str) -> str:
    """Case-fold a word and keep its letters and digits; a word without any is returned unchanged."""
    kept = "".join(c for c in word.casefold() if _is_word_character(c))
    return kept or word


def to_scoring_form(text: str) -> str:
    """Lower-case a text, remove punctuation and symbols; apostrophes within words and separators of digits stay.

    >>> to_scoring_form("Well — it’s  3,5 %, isn't it? Twenty-one 'dogs'!")
    "well it's 3,5 isn't it twenty one dogs"
    """
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    inside = [m.start() for m in _INSIDE_WORD.finditer(text)]
    kept = set(inside)
    out = []
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)
        if place in kept or kind[0] not in "PSC":
            out.append(letter)
        elif kind == "Pd" or letter == "/" or letter.isspace():
            out.append(" ")
    return " ".join("".join(out).split())


def _is_word_character(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def _is_beside(text: str, i: int, test: Callable[[str], bool]) -> bool:
    """Check whether the characters on both sides of `text[i]` pass `test`."""
    return 0 < i < len(text) - 1 and test(text[i - 1]) and test(text[i + 1])
