"""The words of a transcript as one sequence of atoms, between which cues and lines may break."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tasks.exports.pieces import Piece, align_words, share_out_span
from tasks.exports.subtitles.phrases import find_phrases
from tasks.exports.subtitles.profile import SubtitleProfile
from tasks.exports.subtitles.syntax import settle_language
from tasks.exports.subtitles.width import count_columns
from tasks.exports.text import GAP, find_untranscribed, to_ms
from tasks.joining import is_unspaced, is_wide_mark
from tasks.records import Transcript, Word
from tasks.sentences import weigh_break
from tasks.text import to_one_line

OPENING = "«“‘„‚([{「『（【〈《¿¡"
CLOSING = "»”’)]}」』）】〉》.,;:!?…、。，．！？：；・％%ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々"
"""No line begins with these in Japanese and Chinese (JIS X 4051), nor with a mark that stands apart (`oui ?`)."""
LONGEST_UNSPACED = 6
"""Letters of a script without blanks that stay together; longer ones are cut anywhere."""
LONGEST_PHRASE = 16
"""Columns of a phrase that stays together: eight full-width characters."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Text that stays together: a word with its marks, and the blank before it, if any. Times are milliseconds."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    language: str | None = None
    is_gap: bool = False
    """Stands for what could not be transcribed: alone in its cue."""
    begins_phrase: bool | None = None
    """Whether a phrase begins with it, of a script without blanks; None where that isn't known."""


def build_streams(transcript: Transcript, profile: SubtitleProfile, *, fast: bool = False) -> list[list[Atom]]:
    """Build the sequences of atoms that are divided into cues: one, or one for each speaker where they may overlap.

    Each is in the order of speech; where two speak at once in one sequence, lines of them take turns.
    """
    said = _build_segments(transcript, fast=fast)
    gaps = [
        [Atom(to_ms(g.start_s), min(to_ms(g.end_s), to_ms(g.start_s) + profile.max_ms), GAP, is_gap=True)]
        for g in find_untranscribed(transcript)
    ]
    if profile.overlaps == "together":
        return [interleave([*said, *gaps], profile)]
    speakers: dict[str | None, list[list[Atom]]] = {}
    for atoms in said:
        speakers.setdefault(atoms[0].speaker, []).append(atoms)
    streams = [[atom for atoms in own for atom in atoms] for own in speakers.values()]
    return [*streams, *gaps]


def _build_segments(transcript: Transcript, *, fast: bool) -> list[list[Atom]]:
    words: dict[int, list[Word]] = {}
    for word in transcript.words:
        words.setdefault(word.segment, []).append(word)
    fallback = transcript.run.language
    found = []
    for segment in transcript.segments:
        own = words.get(segment.index, [])
        pieces = align_words(segment, own, fast=fast)
        if pieces:
            language = settle_language(segment.text, next((w.language for w in own if w.language), fallback))
            speaker = to_one_line(segment.speaker) if segment.speaker else None
            found.append(join_pieces(pieces, speaker, language))
    return found


def join_pieces(pieces: Iterable[Piece], speaker: str | None = None, language: str | None = None) -> list[Atom]:
    """Join the pieces of a segment between which nothing may break.

    >>> [a.text for a in join_pieces([Piece(0, 1, "東京"), Piece(1, 2, "は"), Piece(2, 3, "。"), Piece(3, 4, " AT"),
    ...                               Piece(4, 5, "&T")])]
    ['東京', 'は。', ' AT&T']
    """
    atoms: list[Atom] = []
    pieces = list(pieces)
    phrases = find_phrases("".join(piece.text for piece in pieces), language)
    at = 0
    for piece in pieces:
        for part in _cut_unspaced(piece):
            begins = None if phrases is None else at + len(part.text) - len(part.text.lstrip()) in phrases
            at += len(part.text)
            is_bound = begins is False and count_columns(atoms[-1].text + part.text) <= LONGEST_PHRASE
            if atoms and (is_bound or not _may_break(atoms[-1].text, part.text)):
                last = atoms[-1]
                atoms[-1] = replace(last, end_ms=max(last.end_ms, part.end_ms), text=last.text + part.text)
            else:
                atoms.append(Atom(part.start_ms, part.end_ms, part.text, speaker, language, begins_phrase=begins))
    first = atoms[0]
    if not first.text.startswith(" ") and not _is_unblanked(first.text[0]):
        atoms[0] = replace(first, text=" " + first.text)
    return atoms


def _cut_unspaced(piece: Piece) -> list[Piece]:
    if piece.text.isascii() or len(piece.text.strip()) <= LONGEST_UNSPACED:
        return [piece]
    parts: list[str] = []
    for char in piece.text:
        if (parts and not (is_unspaced(char) or is_unspaced(parts[-1][-1]))) or (parts and not parts[-1].strip()):
            parts[-1] += char
        else:
            parts.append(char)
    if len(parts) < 2:
        return [piece]
    return share_out_span(piece.start_ms, piece.end_ms - piece.start_ms, parts)


@lru_cache(maxsize=65_536)
def _may_break(before: str, after: str) -> bool:
    bare = after.strip()
    if before[-1] in OPENING or not bare or (bare[0] in CLOSING and not any(c.isalnum() for c in bare)):
        return False
    if after[0] == " ":
        return True
    if before[-1].isdecimal():  # 9日, 10月: a number and what it counts
        return False
    if after[0].isascii() and after[0].isalnum():
        return _is_unblanked(before[-1])
    return _is_unblanked(after[0]) and after[0] not in CLOSING and not unicodedata.combining(after[0])


def _is_unblanked(char: str) -> bool:
    """Check for a character that a line may begin with, though no blank is before it."""
    return is_unspaced(char) or is_wide_mark(char)


def interleave(segments: Sequence[Sequence[Atom]], profile: SubtitleProfile) -> list[Atom]:
    """Put segments into one sequence by time: where two overlap, lines of at most a line's width take turns."""
    ordered = sorted(segments, key=lambda atoms: (atoms[0].start_ms, atoms[-1].end_ms))
    out: list[Atom] = []
    group: list[Sequence[Atom]] = []
    until = 0
    for atoms in ordered:
        if group and atoms[0].start_ms >= until:
            out += _take_turns(group, profile)
            group, until = [], 0
        group.append(atoms)
        until = max(until, *(atom.end_ms for atom in atoms))
    return out + _take_turns(group, profile)


def _take_turns(group: Sequence[Sequence[Atom]], profile: SubtitleProfile) -> list[Atom]:
    if len(group) < 2:
        return [atom for atoms in group for atom in atoms]
    lines = [line for atoms in group for line in _cut_into_lines(atoms, profile)]
    lines.sort(key=lambda line: line[0].start_ms)  # stable: the lines of a segment stay in order
    return [atom for line in lines for atom in line]


def _cut_into_lines(atoms: Sequence[Atom], profile: SubtitleProfile) -> list[list[Atom]]:
    room = profile.limits_of(atoms[0].language).columns - count_columns(profile.dash)
    lines: list[list[Atom]] = []
    width, latest = 0, 0
    for atom in atoms:
        # The start never runs back, so that the order of lines is the order of words.
        latest = max(latest, atom.start_ms)
        columns = count_columns(atom.text)
        if lines and width + columns <= room and not weigh_break(lines[-1][-1].text):
            lines[-1].append(atom)
            width += columns
        else:
            lines.append([replace(atom, start_ms=latest)])
            width = columns
    return lines
