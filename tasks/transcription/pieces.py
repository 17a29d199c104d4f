"""The pieces of text that a recogniser returns, cleaned and divided where a script has no blanks between words.

Of scripts without blanks between words (Chinese, Japanese, Thai, Lao, Burmese, Khmer) every letter, with its marks,
is a piece of its own: a recogniser's pieces there are whatever its vocabulary holds, other pieces for the same text
in another sentence, while letters can be counted, compared with a reference (as character error rates are) and
aligned between chunks. No character is dropped but white space and controls.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.joining import UNSPACED_LETTER
from tasks.text import is_control
from tasks.transcription.marks import VOWEL_LETTERS, is_opening, is_sign, is_tight

if TYPE_CHECKING:
    from regex import Pattern


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that is a word or a part of one. Times in seconds."""

    text: str
    space: bool
    """Whether a blank precedes it."""
    start_s: float | None
    end_s: float | None
    confidence: float | None

    @property
    def weight(self) -> int:
        """Number of characters that are spoken."""
        return sum(c.isalnum() or is_sign(c) for c in self.text)

    @property
    def is_word(self) -> bool:
        return any(c.isalnum() for c in self.text)


def begin_segment(text: str) -> str:
    """Put a blank before the first piece of a segment that begins a word without one, which is not every model's way.

    >>> begin_segment("Yes"), begin_segment(".5"), begin_segment("今")
    (' Yes', '.5', '今')
    """
    first = text[:1]
    begins = first.isalnum() or is_opening(first) or unicodedata.category(first or " ") == "Pd"
    return " " + text if begins and any(c.isalnum() for c in text) and not is_tight(first) else text


def read_pieces(raw: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """Read pieces from `raw`, {"word", "start", "end", "probability"}, without white space and controls; text of
    scripts without blanks is divided into letters, which share the time by their spoken characters."""
    space = False
    for given in raw:
        said = "".join(c for c in str(given["word"]) if c.isspace() or not is_control(c))
        atoms = [a for a in _atom_pattern().findall(said) if not a.isspace()]
        space = space or said[:1].isspace()
        start, end = (_read_number(given.get(key)) for key in ("start", "end"))
        probability = _read_number(given.get("probability"))
        weights = [Piece(a.strip(), False, None, None, None).weight for a in atoms]
        done, total = 0, sum(weights) or 1
        for atom, weight in zip(atoms, weights, strict=True):
            begin, until = start, end
            if start is not None and end is not None:
                begin, until = (start + (end - start) * share / total for share in (done, done + weight))
            done += weight
            yield Piece(" ".join(atom.split()), space or atom[0].isspace(), begin, until, probability)
            space = False
        space = space or (bool(said) and said[-1].isspace())


@functools.cache
def _atom_pattern() -> Pattern[str]:
    """Match a letter of a script without blanks with its marks, a wide mark, or a run of anything else, each with
    the white space before it."""
    import regex

    letter = UNSPACED_LETTER
    marks = rf"[\p{{M}}\p{{Cf}}{VOWEL_LETTERS}]*"
    # After the signs of Khmer and Burmese that stack it, a consonant stands under the one before.
    letters = rf"{letter}{marks}(?:(?<=[\u17d2\u1039]){letter}{marks})*"
    wide = r"[[\p{P}\p{S}]&&[\p{East_Asian_Width=W}\p{East_Asian_Width=F}]]"
    other = rf"(?!{letter}|{wide})"
    return regex.compile(rf"\s*(?:{letters}|{wide}|(?:{other}\S|\s+{other}(?=\S))+)|\s+", regex.V1)


def _read_number(value: Any) -> float | None:
    # A comparison with itself is false for NaN.
    return float(value) if value is not None and value == value else None
