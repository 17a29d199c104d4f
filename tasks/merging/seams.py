"""Seams: where the words of one chunk end and those of the next begin.

In an overlap both chunks heard the same speech. The cut lies in a gap that both word lists share, the widest one
near the boundary: words left of it come from the left chunk, words right of it from the right one, by their
midpoints. Without a shared gap the two lists are aligned, and the change is made inside a run of words on which
they agree; at last resort at the boundary itself. What is then doubled (same word, overlapping times) is removed
once. A seam may cost a moment of a word; it never deletes speech.
"""

from __future__ import annotations

import difflib
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.intervals import Span, intersect, subtract, tidy, total_s
from tasks.records import Chunk, Word

REDECODE_S = 1.5
"""Speech in an overlap that neither side has words for is decoded again from this length on, seconds."""
TOLERANCE_S = 0.6
"""Two recognitions of one word begin at most this far apart, seconds."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Evidence of the seam before chunk `right`: words kept and dropped in the overlap, and where it was cut."""

    right: int
    cut_s: float
    way: str
    """gap, agreed or boundary."""
    kept: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Words of all chunks as one list by time, evidence per seam, and speech left without words at the seams."""

    words: tuple[Word, ...]
    seams: tuple[Seam, ...]
    wordless: tuple[Span, ...]


def join(chunks: Sequence[Chunk], words: Sequence[Sequence[Word]]) -> Joined:
    """Join the chunks' word lists, given in recording time and in the chunks' order."""
    cuts = []
    for i in range(1, len(chunks)):
        overlap = chunks[i - 1].span & chunks[i].span
        cuts.append(find_cut(words[i - 1], words[i], overlap, chunks[i].core.start_s))
    kept: list[Word] = []
    seams: list[Seam] = []
    for i, own in enumerate(words):
        start = cuts[i - 1][0] if i else float("-inf")
        end = cuts[i][0] if i < len(cuts) else float("inf")
        mine = [w for w in own if start <= w.middle_s < end]
        doubled = _doubled(kept, mine)
        kept += [w for j, w in enumerate(mine) if j not in doubled]
        if i:
            overlap = chunks[i - 1].span & chunks[i].span
            heard = sum(w.middle_s in overlap for side in (words[i - 1], own) for w in side)
            stayed = sum(w.middle_s in overlap for w in kept)
            seams.append(Seam(chunks[i].index, cuts[i - 1][0], cuts[i - 1][1], stayed, heard - stayed))
    kept.sort(key=lambda w: (w.start_s, w.end_s))
    return Joined(tuple(kept), tuple(seams), tuple(_wordless(chunks, kept)))


def find_cut(left: Sequence[Word], right: Sequence[Word], overlap: Span, boundary_s: float) -> tuple[float, str]:
    """(time_s, way) of the cut between two word lists, within `overlap`."""
    if not overlap:
        return boundary_s, "boundary"
    silent = intersect(_gaps(left, overlap), _gaps(right, overlap))
    if silent:
        # Width counts up to a second; beyond that the nearness to the boundary decides.
        best = max(silent, key=lambda s: (min(s.duration_s, 1.0) - s.distance_s(boundary_s) / 10, -s.start_s))
        if best.duration_s >= 0.02:
            at = boundary_s if boundary_s in best else best.middle_s
            return at, "gap"
    agreed = _agreed(left, right, overlap)
    if agreed:
        return min(agreed, key=lambda t: (abs(t - boundary_s), t)), "agreed"
    return boundary_s, "boundary"


def _gaps(words: Sequence[Word], overlap: Span) -> list[Span]:
    return subtract([overlap], [w.span for w in words])


def _agreed(left: Sequence[Word], right: Sequence[Word], overlap: Span) -> list[float]:
    # Middles of words that both sides have, at nearly the same time, within a run of at least two such words.
    a = [w for w in left if w.middle_s in overlap]
    b = [w for w in right if w.middle_s in overlap]
    blocks = difflib.SequenceMatcher(
        None, [spoken(w.text) for w in a], [spoken(w.text) for w in b], autojunk=False
    ).get_matching_blocks()
    times = []
    for block in blocks:
        pairs = [(a[block.a + k], b[block.b + k]) for k in range(block.size)]
        near = [p for p in pairs if abs(p[0].start_s - p[1].start_s) <= TOLERANCE_S]
        if len(near) >= 2:
            # Between two words on which both agree: after the earlier word's end by both, where that is possible.
            times += [max(x[0].middle_s, x[1].middle_s) + 1e-3 for x in near[:-1]]
    return times


def _doubled(kept: Sequence[Word], new: Sequence[Word]) -> set[int]:
    # Indexes of new words that the left side already gave: the same word over the same moment.
    tail = kept[-20:]
    out = set()
    for j, word in enumerate(new[:20]):
        for other in tail:
            common = (word.span & other.span).duration_s
            shorter = min(word.span.duration_s, other.span.duration_s)
            if spoken(word.text) == spoken(other.text) and shorter > 0 and common > shorter / 2:
                out.add(j)
    return out


def _wordless(chunks: Sequence[Chunk], kept: Sequence[Word]) -> list[Span]:
    out = []
    for left, right in itertools.pairwise(chunks):
        overlap = left.span & right.span
        if not overlap:
            continue
        said = tidy((w.span.grow(0.2) for w in kept if w.end_s > overlap.start_s and w.start_s < overlap.end_s), 0.5)
        speech = intersect([overlap], [*left.speech, *right.speech])
        out += [s for s in subtract(speech, said) if s.duration_s > REDECODE_S]
    return tidy(out)


def fill(words: Sequence[Word], again: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    """`words` with those of `again` that lie in `spans` and collide with none already there."""
    taken = tidy(w.span for w in words)
    new = [
        w
        for w in again
        if any(w.middle_s in s for s in spans) and total_s(intersect([w.span], taken)) < 0.5 * w.span.duration_s
    ]
    return tuple(sorted([*words, *new], key=lambda w: (w.start_s, w.end_s)))


def spoken(text: str) -> str:
    """A word without case, marks and punctuation, for comparing.

    >>> spoken("Don’t!") == spoken("don't")
    True
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return "".join(c for c in folded if c.isalnum() or c == "'")
