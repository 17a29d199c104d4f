"""Kinds of characters in decoded text: signs that are spoken, marks that open, letters that stand without blanks."""

from __future__ import annotations

import unicodedata

from tasks.joining import is_unspaced, is_wide_mark

SPOKEN_SIGNS = "&@#%‰§"
"""Signs that are spoken and that Unicode counts as punctuation."""
NOTES = "♩♪♫♬"
"""Signs for music without words, which Unicode counts as symbols."""
PREFIX_SIGNS = "#@"
"""Signs that stand before what they belong to, as those of currencies do."""
VOWEL_LETTERS = "ำຳ"
"""Vowels of Thai and Lao that Unicode counts as letters, and that stand with the letter before them."""
OPENED_BY = {"“": "„", "‘": "‚"}
"""Quotes that close after these, and open in other languages."""


def is_tight(char: str) -> bool:
    """Check for a character that stands without blanks: of a script without blanks between words, or a wide mark."""
    return bool(char) and (is_unspaced(char) or is_wide_mark(char))


def is_opening(char: str) -> bool:
    return bool(char) and (char in "¿¡" or unicodedata.category(char) in ("Ps", "Pi"))


def is_sign(char: str) -> bool:
    """Check for a sign that is spoken: %, +, €, …"""
    return char in SPOKEN_SIGNS or (unicodedata.category(char)[0] == "S" and char not in NOTES)


def is_prefix(char: str) -> bool:
    return char in PREFIX_SIGNS or unicodedata.category(char) == "Sc"
