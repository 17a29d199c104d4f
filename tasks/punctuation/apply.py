"""Apply the labels of a punctuation model to words, and decide whether words need punctuation.

Pure.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from tasks.records import Word
from tasks.sentences import ends_sentence, strip_closing_marks, weigh_break

MARKS = ".,?-:"
LANGUAGES = frozenset({"de", "en", "fr", "it"})
"""ISO 639-1 codes of the languages of oliverguhr/fullstop-punctuation-multilang-large."""
LANGUAGES_OF = {
    "oliverguhr/fullstop-punctuation-multilang-large": LANGUAGES,
    "oliverguhr/fullstop-punctuation-multilingual-base": LANGUAGES | {"nl"},
    "oliverguhr/fullstop-dutch-punctuation-prediction": frozenset({"nl"}),
    "demo:punctuation": frozenset({"en"}),
}
MIN_MARKS = 0.03
"""Share of words with a mark of any kind from which text counts as punctuated, whatever its capitals: an abbreviation
or two do not make it so."""
MANY_WORDS = 100
"""Words without a single mark that a recogniser which punctuates writes only when it has lapsed: Whisper at times
goes on for minutes without marks."""


def wants_punctuation(
    words: Sequence[Word],
    language: str | None,
    mode: str,
    languages: frozenset[str] = LANGUAGES,
    engine_punctuates: bool = False,
) -> bool:
    """Whether to punctuate these words. `mode` as in the settings: always, never or auto.

    auto skips languages outside `languages`, text that has punctuation already, and, where the recogniser is one that
    punctuates, all text but MANY_WORDS and more without a single mark.
    """
    if mode == "never" or not words:
        return False
    if mode == "always":
        return True
    if language not in languages:
        return False
    texts = [w.text for w in words]
    if engine_punctuates:
        return len(texts) >= MANY_WORDS and not any(map(_has_any_mark, texts))
    return not is_punctuated(texts)


def get_languages(model: str) -> frozenset[str]:
    """Return the languages (ISO 639-1) of the model of this name; those of the standard model for unknown names."""
    return LANGUAGES_OF.get(model, LANGUAGES)


def is_punctuated(words: Sequence[str]) -> bool:
    """Whether the text has punctuation already: marks of any kind on MIN_MARKS of its words, or at all where names or
    sentences have capitals, as no recogniser writes them that leaves marks out.

    >>> is_punctuated("so this is what Whisper writes. It ends its sentences.".split())
    True
    >>> is_punctuated(["Well,", *["then"] * 60]), is_punctuated(["dr.", *["then"] * 60])
    (True, False)
    """
    marks = sum(map(_has_any_mark, words))
    return marks > 0 and (marks / len(words) >= MIN_MARKS or any(map(_is_capitalized, words)))


def _has_any_mark(word: str) -> bool:
    """Whether the word is followed by a mark of a sentence or a clause."""
    return weigh_break(word) > 0


def _is_capitalized(word: str) -> bool:
    start = re.search(r"\w\w", word)
    # "I'm" has a capital in anybody's English.
    return start is not None and start[0][0].isupper() and start[0][1].islower()


def apply_labels(words: Sequence[Word], labels: Sequence[str], language: str | None = None) -> tuple[Word, ...]:
    """Append each label's mark to its word, and capitalize sentence starts and the English "I".

    No full stop is added to the last word: a chunk may end in the middle of a sentence. Times, number and order of
    the words are unchanged. `labels`: one per word, as the engine's `restore` returns them. Raises ValueError where
    the numbers differ.
    """
    if len(words) != len(labels):
        raise ValueError(f"{len(words)} words, but {len(labels)} labels")
    out = []
    starts = True
    for word, label in zip(words, labels, strict=True):
        text = word.text
        if label in MARKS and label and not _has_mark(text):
            # A hyphen would join the word to the next one: write a dash after a space.
            text += " –" if label == "-" else label
        text = _capitalize_english_i(text) if language == "en" else text
        if starts:
            text = capitalize_first(text)
        out.append(dataclasses.replace(word, text=text))
        starts = ends_sentence(text) or (starts and not any(c.isalnum() for c in text))
    return tuple(out)


def _has_mark(text: str) -> bool:
    """Whether a sentence, clause or dash ends with the word already."""
    return _has_any_mark(text) or unicodedata.category(strip_closing_marks(text)[-1:] or " ") == "Pd"


def capitalize_first(text: str) -> str:
    """Put the first letter in upper case, if the text begins with one (after quotes and brackets).

    >>> capitalize_first("'hello"), capitalize_first("3rd"), capitalize_first("iPhone")
    ("'Hello", '3rd', 'iPhone')
    """
    for i, c in enumerate(text):
        if c.isalpha():
            if any(other.isupper() for other in text):
                return text  # mixed case is kept: iPhone, eBay
            return text[:i] + c.upper() + text[i + 1 :]
        if c.isdigit():
            return text
    return text


def _capitalize_english_i(text: str) -> str:
    head, tail = text[:1], text[1:2]
    return "I" + text[1:] if head == "i" and not tail.isalnum() else text
