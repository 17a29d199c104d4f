"""Normalise texts as the field does before it counts errors: Whisper's English and basic text normalisers.

A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), appendix C; the package
whisper_normalizer carries OpenAI's code. English: numbers and amounts in digits, American spelling, contractions and
titles written out ("it's": "it is", "Mr.": "mister"), fillers (uh, um) and what stands in brackets left out. Other
languages: lower case, punctuation and brackets left out, numbers as they are written. Combining marks are kept, other
than in OpenAI's code, which takes the vowel signs of Hindi, Thai and their like out of the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tasks.word_forms import to_scoring_form

WITHOUT_BLANKS = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue"})
"""Languages, by Whisper's codes, written without blanks between words: their characters are compared."""

Unit = Literal["word", "character"]

_APOSTROPHES = str.maketrans("’ʼ＇‘", "''''")
_LONE_BRACKET = re.compile(r"\((?![^()]{1,200}\))|[<\[](?![^<>\[\]]{0,200}[>\]])")
"""An opening bracket that nothing closes nearby: the normalisers would drop the text up to the next closing one."""
_BEFORE_PERCENT = re.compile(r"(?<=\d)\s+(?=%)")
_AFTER_CURRENCY = re.compile(r"(?<=[$£€])\s+(?=\d)")


@dataclass(frozen=True, slots=True)
class Normalizer:
    """How texts are brought into the form in which they are compared."""

    name: str
    numbers: str
    """How numbers stand in the compared texts: "as digits" or "as written"."""
    unit: Unit
    normalize: Callable[[str], str]

    def split(self, texts: Iterable[str]) -> list[str]:
        """Split consecutive texts into the units that are compared: what is said in "twenty" and "percent", too, is
        `20%`."""
        joined = ("" if self.unit == "character" else " ").join(texts)
        text = self.normalize(joined)
        return split_into_characters(text) if self.unit == "character" else text.split()


def get_unit(language: str | None) -> Unit:
    """The unit in which texts of this language are compared."""
    return "character" if language in WITHOUT_BLANKS else "word"


def get_normalizer(language: str | None) -> Normalizer:
    """The normaliser for a language (Whisper's code); the basic one for any but English.

    >>> english = get_normalizer("en")
    >>> english.split(["Mr. Smith paid 20 %."]) == english.split(["mister smith paid", "twenty percent"])
    True
    >>> get_normalizer("de").split(["Zwanzig (lacht) Prozent: 20 %"])
    ['zwanzig', 'prozent', '20']
    """
    if language == "en":
        return Normalizer("Whisper English", "as digits", "word", _normalize_english)
    return Normalizer("Whisper basic", "as written", get_unit(language), _normalize_basic)


def get_plain_form(unit: Unit) -> Normalizer:
    """The plain form: lower case, without punctuation."""
    return Normalizer("none", "as written", unit, to_scoring_form)


def split_into_characters(text: str) -> list[str]:
    """Split a text into its characters (grapheme clusters, Unicode's annex 29), blanks aside.

    >>> split_into_characters("กิน 3 มื้อ")
    ['กิ', 'น', '3', 'มื้', 'อ']
    """
    import regex

    return regex.findall(r"\X", "".join(text.split()))  # type: ignore[no-any-return]  # the package has no types


def _normalize_english(text: str) -> str:
    joined = _AFTER_CURRENCY.sub("", _BEFORE_PERCENT.sub("", text.translate(_APOSTROPHES)))
    return str(_load_english()(_LONE_BRACKET.sub(" ", joined)))


def _normalize_basic(text: str) -> str:
    return str(_load_basic()(_LONE_BRACKET.sub(" ", text)))


@cache
def _load_english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()  # type: ignore[no-any-return]


@cache
def _load_basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer(preserve_marks=True)  # type: ignore[no-any-return]
