"""Labels of a punctuation model put into words, and when to leave words alone.

Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tasks.records import Word

MARKS = ".,?-:"
ENDS = ".?!…。！？"
LANGUAGES = frozenset({"de", "en", "fr", "it"})
"""What oliverguhr/fullstop-punctuation-multilang-large knows."""
LANGUAGES_OF = {
    "oliverguhr/fullstop-punctuation-multilang-large": LANGUAGES,
    "oliverguhr/fullstop-punctuation-multilingual-base": LANGUAGES | {"nl"},
    "oliverguhr/fullstop-dutch-punctuation-prediction": frozenset({"nl"}),
    "demo:punctuation": frozenset({"en"}),
}
PUNCTUATED = 0.03
"""Share of words with a full stop, question or exclamation mark from which a text counts as punctuated: even
sentences of thirty words have it."""


def wants_punctuation(
    words: Sequence[Word], language: str | None, mode: str, languages: frozenset[str] = LANGUAGES
) -> bool:
    """Should these words be punctuated? `mode` as in the settings: always, never or auto.

    auto leaves text alone that has punctuation already, and languages outside `languages`.
    """
    if mode == "never" or not words:
        return False
    if mode == "always":
        return True
    return language in languages and not is_punctuated([w.text for w in words])


def languages_of(model: str) -> frozenset[str]:
    """Languages that the model of this name knows; those of the standard model where nothing else is
    known."""
    return LANGUAGES_OF.get(model, LANGUAGES)


def is_punctuated(words: Sequence[str]) -> bool:
    """Does the text have sentence ends already?

    >>> is_punctuated("so this is what Whisper writes. It ends its sentences.".split())
    True
    """
    ends = sum(w.rstrip("\"'”’»)]").endswith(tuple(ENDS)) for w in words)
    return bool(words) and ends / len(words) >= PUNCTUATED


def punctuated(words: Sequence[Word], labels: Sequence[str], language: str | None = None) -> tuple[Word, ...]:
    """The words with their labels' marks, each sentence with a capital, and English I.

    The last word gets no full stop of its own: a chunk may end in the middle of a sentence. Times, number
    and order of the words stay as they are. `labels` as the engine's `restore` gives them.
    """
    if len(words) != len(labels):
        raise ValueError(f"{len(words)} words, but {len(labels)} labels")
    out = []
    starts = True
    for word, label in zip(words, labels, strict=True):
        text = word.text
        if label in MARKS and label and text[-1:] not in MARKS + ENDS + ";":
            # A dash as the package writes it would glue itself to the word: set off, it is one.
            text += " –" if label == "-" else label
        text = _english_i(text) if language == "en" else text
        if starts:
            text = capitalised(text)
        out.append(dataclasses.replace(word, text=text))
        bare = text.rstrip("\"'”’»)]")
        starts = bare.endswith(tuple(ENDS)) or (starts and not any(c.isalnum() for c in text))
    return tuple(out)


def capitalised(text: str) -> str:
    """The first letter in upper case, if the text begins with one (after quotes and brackets).

    >>> capitalised("'hello"), capitalised("3rd"), capitalised("iPhone")
    ("'Hello", '3rd', 'iPhone')
    """
    for i, c in enumerate(text):
        if c.isalpha():
            if any(other.isupper() for other in text):
                return text  # written with care already: iPhone, eBay
            return text[:i] + c.upper() + text[i + 1 :]
        if c.isdigit():
            return text
    return text


def _english_i(text: str) -> str:
    head, tail = text[:1], text[1:2]
    return "I" + text[1:] if head == "i" and not tail.isalnum() else text
