"""Assemble words from the pieces of text that a recogniser returns.

Whisper's pieces begin with a blank where the text has one; " 3", ".5" and "%" are one word. A piece without a blank
belongs to the word before it, but for letters of scripts without blanks between words, each of which is a word. Words
of other scripts within such text stay whole.

A mark that stands alone joins a word, with its blank: an opening one the word after it, others the word before it.
Signs that are spoken (`&`, `%`, `€`) may stand alone. Marks without any word are dropped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.joining import is_unspaced, is_wide_mark
from tasks.sentences import ends_sentence
from tasks.transcription.marks import OPENED_BY, VOWEL_LETTERS, is_opening, is_prefix, is_tight
from tasks.transcription.pieces import Piece, read_pieces


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
    pieces = list(read_pieces(raw))
    if not any(p.space or any(map(is_unspaced, p.text)) for p in pieces):
        pieces = [replace(p, space=p.is_word) for p in pieces]
    return _Assembly(pieces).assemble()


@dataclass(slots=True)
class _Assembly:
    """Words while they are assembled, piece by piece."""

    pieces: Sequence[Piece]
    words: list[AssembledWord] = field(default_factory=list)
    waiting: AssembledWord | None = None
    """Marks that belong to the word after them."""

    def assemble(self) -> list[AssembledWord]:
        for i, piece in enumerate(self.pieces):
            self._add(piece, self.pieces[i + 1] if i + 1 < len(self.pieces) else None)
        if self.waiting and self.words:
            first, *rest = self.waiting.pieces
            self.words[-1].pieces += [replace(first, space=self.waiting.space_before), *rest]
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
                is_set_apart = bool(self.words) and after is not None and after.space
                self.waiting = AssembledWord([piece], piece.space or is_set_apart)
        else:
            self._append_mark(piece)

    def _begin_word(self, piece: Piece) -> None:
        word = AssembledWord([*self.waiting.pieces, piece] if self.waiting else [piece], piece.space)
        if self.waiting:
            word.space_before = self.waiting.space_before
        # A stretch begins a word, whatever its text begins with.
        word.space_before |= not self.words and not any(map(is_tight, word.text))
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
            return tight and adjoins and is_prefix(piece.text[-1])
        tight = tight or is_wide_mark(piece.text[-1]) or (after is not None and is_tight(after.text[0]))
        return after is not None and self._opens(piece, tight) and (tight or not adjoins)

    def _opens(self, piece: Piece, tight: bool = False) -> bool:
        """Whether a mark opens: by its kind, but for a quote that closes an open one; straight quotes by turns."""
        mark = piece.text[-1]
        if mark in "\"'":
            return tight and sum(w.text.count(mark) for w in self.words) % 2 == 0
        if mark in OPENED_BY:
            said = "".join(w.text for w in self.words)
            return said.rfind(OPENED_BY[mark]) <= said.rfind(mark)
        return is_opening(mark)
