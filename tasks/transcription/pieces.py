"""Assemble words from the pieces of text that a recogniser returns.

Whisper's pieces begin with a blank where the text has one; " 3", ".5" and "%" are one word. A piece without a blank
belongs to the word before it, but for letters of scripts without blanks between words (Chinese, Japanese, Thai, Lao,
Burmese, Khmer). Of these every letter, with its marks, is a word: a recogniser's pieces there are whatever its
vocabulary holds, other pieces for the same text in another sentence, while letters can be counted, compared with a
reference (as character error rates are) and aligned between chunks. Words of other scripts within such text stay
whole.

A mark that stands alone joins a word, with its blank: an opening one the word after it, others the word before it.
Signs that are spoken (`&`, `%`, `€`) may stand alone. No character is dropped but white space, controls, and marks
without any word.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.joining import UNSPACED_LETTER, is_unspaced, is_wide_mark
from tasks.sentences import ends_sentence
from tasks.text import is_control

if TYPE_CHECKING:
    from regex import Pattern

SPOKEN_SIGNS = "&@#%‰§"
"""Signs that are spoken and that Unicode counts as punctuation."""
PREFIX_SIGNS = "#@"
"""Signs that stand before what they belong to, as those of currencies do."""
VOWEL_LETTERS = "ำຳ"
"""Vowels of Thai and Lao that Unicode counts as letters, and that stand with the letter before them."""
OPENED_BY = {"“": "„", "‘": "‚"}
"""Quotes that close after these, and open in other languages."""


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
        return sum(c.isalnum() or _is_sign(c) for c in self.text)

    @property
    def is_word(self) -> bool:
        return any(c.isalnum() for c in self.text)


@dataclass(slots=True)
class AssembledWord:
    """A word of one or more pieces."""

    pieces: list[Piece]
    space_before: bool

    @property
    def text(self) -> str:
        return "".join(" " * (p.space and i > 0) + p.text for i, p in enumerate(self.pieces))

    @property
    def times(self) -> tuple[float | None, float | None]:
        """Start of the first piece, end of the last; marks, which are not spoken, do not count."""
        timed = [p for p in self.pieces if p.start_s is not None] or self.pieces
        timed = [p for p in timed if p.weight] or timed
        return timed[0].start_s, timed[-1].end_s

    @property
    def confidence(self) -> float | None:
        """Mean of the pieces, by their spoken characters; None where none has a confidence."""
        known = [(p.confidence, p.weight) for p in self.pieces if p.confidence is not None]
        total = sum(weight for _, weight in known)
        if not total:
            return known[0][0] if known else None
        return sum(confidence * weight for confidence, weight in known) / total


def assemble_words(raw: Sequence[Mapping[str, Any]]) -> list[AssembledWord]:
    """Assemble the words of one stretch of decoded text from `raw`, {"word", "start", "end", "probability"}.

    Where no piece has a blank and none is of a script without blanks, every piece is taken for a word.
    """
    pieces = list(_read_pieces(raw))
    if not any(p.space or any(map(is_unspaced, p.text)) for p in pieces):
        pieces = [_with_space(p, p.is_word) for p in pieces]
    return _Assembly(pieces).assemble()


def begin_segment(text: str) -> str:
    """Put a blank before the first piece of a segment that begins a word without one, which is not every model's way.

    >>> begin_segment("Yes"), begin_segment(".5"), begin_segment("今")
    (' Yes', '.5', '今')
    """
    first = text[:1]
    begins = first.isalnum() or _is_opening(first) or unicodedata.category(first or " ") == "Pd"
    return " " + text if begins and any(c.isalnum() for c in text) and not _is_tight(first) else text


@dataclass(slots=True)
class _Assembly:
    pieces: Sequence[Piece]
    words: list[AssembledWord] = field(default_factory=list)
    waiting: AssembledWord | None = None
    """Marks that belong to the word after them."""

    def assemble(self) -> list[AssembledWord]:
        for i, piece in enumerate(self.pieces):
            self._add(piece, self.pieces[i + 1] if i + 1 < len(self.pieces) else None)
        if self.waiting and self.words:
            first, *rest = self.waiting.pieces
            self.words[-1].pieces += [_with_space(first, self.waiting.space_before), *rest]
        return self.words

    def _add(self, piece: Piece, after: Piece | None) -> None:
        if piece.is_word or (piece.weight and (piece.space or not self.words)):
            if piece.space or not self._continues(piece):
                self._begin_word(piece)
            else:
                self.words[-1].pieces.append(piece)
        elif self._belongs_to_next(piece, after):
            if self.waiting:
                self.waiting.pieces.append(piece)
            else:
                # An opening mark that adjoins the word before it, but not the one after it, is set apart.
                turned = bool(self.words) and after is not None and after.space
                self.waiting = AssembledWord([piece], piece.space or turned)
        else:
            self._append_mark(piece)

    def _begin_word(self, piece: Piece) -> None:
        word = AssembledWord([*self.waiting.pieces, piece] if self.waiting else [piece], piece.space)
        if self.waiting:
            word.space_before = self.waiting.space_before
        # A stretch begins a word, whatever its text begins with.
        word.space_before |= not self.words and not any(map(_is_tight, word.text))
        self.words.append(word)
        self.waiting = None

    def _append_mark(self, piece: Piece) -> None:
        if self.waiting:
            self.waiting.pieces.append(piece)
        else:
            self.words[-1].pieces.append(piece)

    def _continues(self, piece: Piece) -> bool:
        """Whether a piece without a blank belongs to the word before it."""
        if self.waiting or not self.words:
            return False
        first = piece.text[0]
        if unicodedata.category(first)[0] == "M" or first in VOWEL_LETTERS:
            return True
        before = self.words[-1].text
        letters = [c for c in before if c.isalnum()]
        parted = is_wide_mark(before[-1]) or (letters and is_unspaced(letters[-1]))
        return not is_unspaced(first) and not parted

    def _belongs_to_next(self, piece: Piece, after: Piece | None) -> bool:
        """Whether a mark goes to the word after it."""
        if not self.words:
            return True
        adjoins = after is not None and not after.space
        if piece.space:
            if adjoins and after is not None and (after.is_word or after.weight > 0):
                return True
            dash = unicodedata.category(piece.text[0]) == "Pd" and ends_sentence(self.words[-1].text)
            return (dash or self._opens(piece)) and after is not None
        if self.waiting:
            return True
        before = self.words[-1].text
        tight = is_unspaced(before[-1]) or is_wide_mark(before[-1])
        if piece.weight:
            return tight and adjoins and _is_prefix(piece.text[-1])
        tight = tight or is_wide_mark(piece.text[-1]) or (after is not None and _is_tight(after.text[0]))
        return after is not None and self._opens(piece, tight) and (tight or not adjoins)

    def _opens(self, piece: Piece, tight: bool = False) -> bool:
        """Whether a mark opens: by its kind, but for a quote that closes an open one; straight quotes by turns."""
        mark = piece.text[-1]
        if mark in "\"'":
            return tight and sum(w.text.count(mark) for w in self.words) % 2 == 0
        if mark in OPENED_BY:
            said = "".join(w.text for w in self.words)
            return said.rfind(OPENED_BY[mark]) <= said.rfind(mark)
        return _is_opening(mark)


def _read_pieces(raw: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """Read pieces, without white space and controls; text of scripts without blanks is divided into letters."""
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


def _with_space(piece: Piece, space: bool) -> Piece:
    return Piece(piece.text, space, piece.start_s, piece.end_s, piece.confidence)


def _is_tight(char: str) -> bool:
    """Check for a character that stands without blanks: of a script without blanks between words, or a wide mark."""
    return bool(char) and (is_unspaced(char) or is_wide_mark(char))


def _is_opening(char: str) -> bool:
    return bool(char) and (char in "¿¡" or unicodedata.category(char) in ("Ps", "Pi"))


def _is_sign(char: str) -> bool:
    """Check for a sign that is spoken: %, +, €, …"""
    return char in SPOKEN_SIGNS or unicodedata.category(char)[0] == "S"


def _is_prefix(char: str) -> bool:
    return char in PREFIX_SIGNS or unicodedata.category(char) == "Sc"
