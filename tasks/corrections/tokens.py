"""A corrected text as words, and the form by which two texts are compared."""

from __future__ import annotations

from typing import NamedTuple

from tasks.joining import is_unspaced
from tasks.word_forms import to_comparison_form


class Token(NamedTuple):
    text: str
    space_before: bool


def split_text(text: str) -> list[Token]:
    """Split a text into words: at blanks, and before each letter of a script without blanks between words.

    >>> [t.text for t in split_text("Good  morning, Ana.")]
    ['Good', 'morning,', 'Ana.']
    >>> split_text("用 Python")
    [Token(text='用', space_before=True), Token(text='Python', space_before=True)]
    >>> [t.text for t in split_text("天气好。")]
    ['天', '气', '好。']
    """
    out: list[Token] = []
    for word in text.split():
        begun = len(out)
        part = ""
        for char in word:
            if part and (is_unspaced(char) or (is_unspaced(part[0]) and char.isalnum())):
                out.append(Token(part, len(out) == begun))
                part = ""
            part += char
        out.append(Token(part, len(out) == begun))
    return out


def compare_form(text: str) -> str:
    """The form in which two texts are one: without case, punctuation and blanks.

    >>> compare_form("Good morning, Ana.") == compare_form("good  Morning Ana")
    True
    """
    return "".join(to_comparison_form(word) for word in text.split())
