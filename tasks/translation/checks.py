"""What is wrong with a translation, as far as that can be told without knowing the language. Pure.

Models merge lines, shift them by one, leave some in the source's language, refuse, explain, number, or change
figures.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from tasks.joining import is_unspaced

LONGEST_TIMES, LONGEST_CHARS = 5, 80
"""A translation that is longer than so many times its source, and so many characters, explains instead."""
LARGEST_SPELT = 12
"""Numbers up to this one may be written in letters."""
MERGED, EMPTIED = 1.6, 0.45
"""Of two neighbours one has so many times the length that lines of the answer have, the other so little of it."""

_NUMBER = re.compile(r"\d+(?:[.,:'’\u00a0\u202f ]?\d+)*")
_REFUSAL = re.compile(
    r"\b(?:as an ai\b|i(?:'|’)?m sorry,? (?:but )?i (?:can|am)|i (?:can(?:'|’)?t|cannot|am (?:not able|unable) to) "
    r"(?:assist|help with|translate|fulfil|comply|provide)|unable to translate|cannot be translated)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\s*(?:SPEAKER_\d+|UNKNOWN)\s*[:：]", re.IGNORECASE)
_NUMBERING = re.compile(r"\s*[\[(#]?(\d+)\s*[\])}.:|-]\s")
SCRIPTS = {
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk"), ("CYRILLIC",)),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "sd"), ("ARABIC",)),
    **dict.fromkeys(("zh", "yue"), ("CJK",)),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL", "CJK"),
    "he": ("HEBREW",),
    "yi": ("HEBREW",),
    "el": ("GREEK",),
    "th": ("THAI",),
    "lo": ("LAO",),
    "my": ("MYANMAR",),
    "km": ("KHMER",),
    "hi": ("DEVANAGARI",),
    "mr": ("DEVANAGARI",),
    "ne": ("DEVANAGARI",),
    "bn": ("BENGALI",),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "kn": ("KANNADA",),
    "ml": ("MALAYALAM",),
    "gu": ("GUJARATI",),
    "ka": ("GEORGIAN",),
    "hy": ("ARMENIAN",),
    "am": ("ETHIOPIC",),
}
"""Language -> how Unicode's names of its letters begin; those that are not here have Latin letters, or several."""


def find_fault(source: str, text: str, language: str, number: int = 0, kept: Sequence[str] = ()) -> str | None:
    """Find what is wrong with the translation of a sentence; None where nothing is.

    `number`: the sentence's in the request. `kept`: terms of the source that have to stay.

    >>> find_fault("We have 25 tickets.", "Wir haben 52 Karten.", "de")
    'a number is changed: 25'
    >>> find_fault("We have three.", "Wir haben 3.", "de") is None
    True
    """
    if not text.strip():
        return "it is empty"
    if "```" in text and "```" not in source:
        return "it has markdown fences"
    if _LABEL.match(text) and not _LABEL.match(source):
        return "it has a speaker's label"
    if (m := _NUMBERING.match(text)) and int(m[1]) == number and not _NUMBERING.match(source):
        return "it has its number before it"
    if _REFUSAL.search(text) and not _REFUSAL.search(source):
        return "it is a refusal"
    if len(text) > LONGEST_CHARS + LONGEST_TIMES * len(source):
        return "it is far longer than the sentence"
    if (changed := find_changed_number(source, text)) is not None:
        return f"a number is changed: {changed}"
    if is_untranslated(source, text, language):
        return "it is not translated"
    lost = next((term for term in kept if term.casefold() not in text.casefold()), None)
    return f"it lacks {lost}, which has to stay" if lost else None


def find_changed_number(source: str, text: str) -> str | None:
    """Find a number of the source that the text has not, or has another one instead of; None without.

    Separators may differ (1,000 and 1.000), small numbers may be spelt, and what the source spells may be in digits:
    October is the 10th month in Chinese and Japanese.

    >>> find_changed_number("1,000 at 10:30", "1.000 um 10.30 Uhr") is None, find_changed_number("at 3", "um drei")
    (True, None)
    >>> find_changed_number("at 3", "um 4"), find_changed_number("in 1984", "damals")
    ('3', '1984')
    >>> find_changed_number("on the 9th of October", "10月9日に")
    """
    said, found = _list_numbers(source), _list_numbers(text)
    if not said or said == found or _list_digits(source) == _list_digits(text):
        return None
    missing, new = said - found, found - said
    return next((n for n in missing if new or int(n) > LARGEST_SPELT), None)


def _list_numbers(text: str) -> Counter[str]:
    plain = _to_ascii_digits(text)
    return Counter(re.sub(r"\D", "", number).lstrip("0") or "0" for number in _NUMBER.findall(plain))


def _list_digits(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+", _to_ascii_digits(text)))


def _to_ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)


def is_untranslated(source: str, text: str, language: str) -> bool:
    """Whether a text is still its source, or in letters that the language has not. Names and single words may be the
    same in both.

    >>> [is_untranslated(s, s.upper(), "de") for s in ("Good morning, all.", "Anna Berg?", "Okay.")]
    [True, False, False]
    >>> is_untranslated("Good morning, all.", "Good day to you.", "ja")
    True
    """
    if _to_letters(source) == _to_letters(text):
        words = source.split()
        unspaced = sum(map(is_unspaced, source))
        return unspaced >= 4 or (len(words) > 1 and any(word[:1].islower() for word in words))
    scripts = SCRIPTS.get(language)
    if scripts is None or sum(c.isalpha() for c in text) < 8 or not any(w[:1].islower() for w in source.split()):
        return False
    return not any(unicodedata.name(c, "").startswith(scripts) for c in text if c.isalpha())


def _to_letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def find_shift(sources: Sequence[str], texts: Sequence[str], around: Sequence[str] = ()) -> str | None:
    """Find a sign that lines of an answer are merged or shifted, though each has a text; None without.

    `around`: the neighbouring sentences that went with the request.

    >>> find_shift(["Yes, I do think so.", "And what about you?"], ["Ja, schon. Und du?", "Ja, schon. Und du?"])
    'lines 1 and 2 have the same text'
    """
    for i, ((one, other), (text, following)) in enumerate(zip(pairwise(sources), pairwise(texts), strict=True), 1):
        same = _to_letters(text) == _to_letters(following) and len(_to_letters(text)) > 8
        if same and _to_letters(one) != _to_letters(other):
            return f"lines {i} and {i + 1} have the same text"
    own = {_to_letters(source) for source in (*sources, *around) if len(source.split()) > 1}
    for i, (source, text) in enumerate(zip(sources, texts, strict=True), 1):
        if _to_letters(text) in own - {_to_letters(source)}:
            return f"line {i} is another one, not translated"
    if not sources:
        return None
    ratios = [(len(text) + 4) / (len(source) + 4) for source, text in zip(sources, texts, strict=True)]
    usual = median(ratios)
    for i, (left, right) in enumerate(pairwise(ratios), 1):
        longer, shorter = max(left, right), min(left, right)
        if longer > shorter * MERGED / EMPTIED and longer > MERGED * usual * (len(ratios) > 3):
            return f"lines {i} and {i + 1} look merged"
    return None


def find_batch_fault(
    sources: Sequence[str],
    texts: Mapping[int, str],
    language: str,
    kept: Sequence[Sequence[str]],
    around: Sequence[str] = (),
) -> str | None:
    """Find what is wrong with an answer to a request of several sentences, numbered from 1; None where nothing is.

    `kept`: of each sentence, the terms that have to stay. `around`: the neighbouring sentences.
    """
    wanted = set(range(1, len(sources) + 1))
    if texts.keys() != wanted:
        lacks, more = sorted(wanted - texts.keys()), sorted(texts.keys() - wanted)
        return f"it lacks line {lacks[0]}" if lacks else f"it has a line {more[0]} that was not asked for"
    for number, source in enumerate(sources, 1):
        if fault := find_fault(source, texts[number], language, number, kept[number - 1]):
            return f"line {number}: {fault}"
    return find_shift(sources, [texts[number] for number in sorted(wanted)], around)
