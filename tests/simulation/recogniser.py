"""What a recogniser makes of a recording that is cut into chunks, and what joining the chunks cost.

A simulated word carries, in the field `local_speaker` (which nothing fills before merging), the places in the
reference of the words that it was made of: "12", "12 13" for two that were written as one, "" for an invention. So
what a seam lost or doubled is counted word by word, however often people say "yes yes yes".
"""

from __future__ import annotations

import itertools
import operator
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from tasks.intervals import Span, subtract
from tasks.records import Chunk, Turn, Word

JITTER_S = 0.3
"""No word's start or end is off by more, seconds; two in three are off by less than half of it. Whisper's word times
come from attention in steps of 0.02 s, and two hearings of one word mostly lie within 0.2 s."""
DIFFERENT = {"misheard": 0.010, "split": 0.008, "joined": 0.007, "missed": 0.005}
"""Shares of the words in an overlap that one of the two hearings puts differently: another word; two tokens for one
("twenty one", "21"); one for two; none. Never both hearings, nor the next words: what is missing then no seam could
mend."""
COLLAPSED = 0.002
"""Share of the words in an overlap at which one of the two hearings makes a single word ("Hmm.") of a whole phrase,
as long as the phrase, and isn't sure of it."""
PHRASE = (3, 9)
"""Words of such a phrase, from so many on and fewer than so many."""
SURE, UNSURE = (9.0, 1.5), (3.0, 3.0)
"""How sure a recogniser is of its words, and of a collapsed phrase: beta distributions."""
EDGE_S = 1.0
"""So near to its chunk's edge a recogniser, which heard no more than a part of the sentence, is at its worst."""
AT_EDGE = {"misheard": 0.10, "missed": 0.15}
"""Shares of those words. The word that the edge cuts is missed or heard by halves, in equal parts."""
INVENTED_AT_EDGE = 0.3
"""Of the chunks' edges have one or two words beside them that nobody said."""
INVENTED_IN_SILENCE = 0.2
"""Of the silences in an overlap, from 3 s on, have a sentence that nobody said, in one of the two hearings."""
MOVED_S = 1.0
"""A word this far from its own time stands elsewhere: more than any jitter."""

_COMMON = """
the and to of a i in that it is you we was for on have be with they this at not but so what all were when there can an
if would about get out one do had will which them like time just know people from who think because then more very now
see good right yeah yes no okay well really our need going want monday budget report customer
"""
COMMON = tuple(_COMMON.split())
"""The words people say, roughly by how often."""
NOBODY_SAID = ["thank", "you", "for", "watching"]


@dataclass(frozen=True, slots=True)
class SeamErrors:
    """Counts of words.

    `words`: reference words that lie wholly within some chunk. `lost`: of these, the ones no joined word was made of.
    `doubled`: hearings too many: a reference word in joined words of n chunks counts n − 1 (its two tokens from one
    chunk count nothing). `moved`: joined words more than MOVED_S from their reference word, or standing behind a
    later word of the same speaker. Of a word that is lost beside an equal one that is doubled ("to to") neither
    counts: nobody could tell them apart. `invented`: joined words that nobody said, inside the overlaps.
    """

    lost: int = 0
    doubled: int = 0
    moved: int = 0
    words: int = 0
    invented: int = 0

    def __add__(self, other: SeamErrors) -> SeamErrors:
        return SeamErrors(*map(operator.add, astuple(self), astuple(other)))

    @property
    def doubled_per_10k(self) -> float:
        return 1e4 * self.doubled / max(self.words, 1)


def reference_words(turns: Sequence[Turn], rng: np.random.Generator) -> list[Word]:
    """Words with times that fill the `turns`, sorted by time: some three a second, in sentences of some nine words
    with a pause after most of them, and no pause between most words."""
    out: list[Word] = []
    ranks = 1.0 / np.arange(3, len(COMMON) + 3)
    for turn in turns:
        count = max(1, round(turn.span.duration_s / 0.33))
        lengths = rng.gamma(6.0, 0.05, count).clip(0.08)
        last = rng.random(count) < 1 / 9
        last[-1] = True
        pauses = np.where(rng.random(count) < 0.2, rng.uniform(0.02, 0.2, count), 0.0)
        pauses += np.where(last & (rng.random(count) < 0.8), rng.gamma(2.0, 0.2, count), 0.0)
        pauses[-1] = 0.0
        ends = np.cumsum(lengths + pauses) - pauses
        scale = turn.span.duration_s / ends[-1]
        marks = np.where(last, np.where(rng.random(count) < 0.2, "?", "."), "")
        texts = rng.choice(len(COMMON), count, p=ranks / ranks.sum())
        rows = zip(
            (turn.start_s + (ends - lengths) * scale).tolist(),
            (turn.start_s + ends * scale).tolist(),
            texts.tolist(),
            marks.tolist(),
            strict=True,
        )
        out += [
            Word(s, e, COMMON[t] + m, speaker=turn.speaker, chunk=-1, channel=turn.channel) for s, e, t, m in rows
        ]
    return sorted(out, key=lambda w: (w.start_s, w.end_s))


def chunk_words(
    reference: Sequence[Word],
    chunks: Sequence[Chunk],
    rng: np.random.Generator,
    *,
    jitter_s: float = JITTER_S,
    rough: float = 1.0,
) -> list[list[Word]]:
    """Each chunk's own words, by time, made of the `reference` (sorted by start): the exact words, or what a
    recogniser made of the whole, whose errors then count for nothing.

    `rough` scales all shares of words that are put differently; at 0 only times are off. Speakers are not told.
    """
    starts = np.array([w.start_s for w in reference])
    ends = np.array([w.end_s for w in reference])
    longest = float((ends - starts).max(initial=0.0))
    heard: list[_Hearing] = []
    for chunk in chunks:
        first = int(np.searchsorted(starts, chunk.span.start_s - longest))
        last = int(np.searchsorted(starts, chunk.span.end_s))
        places = np.arange(first, last)[ends[first:last] > chunk.span.start_s]
        heard.append(_Hearing(reference, chunk, places, jitter_s, rng))
    for left, right in itertools.pairwise(heard):
        overlap = left.chunk.span & right.chunk.span
        if overlap:
            changed = -2
            # Not within two words of the edges either, where the other hearing is at its worst.
            inside = _inside(starts, ends, overlap.grow(-EDGE_S))[2:-2]
            for place in inside:
                how = _drawn({**DIFFERENT, "collapsed": COLLAPSED}, rough, rng)
                if how and place > changed + 2:
                    hearing = (left, right)[int(rng.random() < 0.5)]
                    changed = place
                    last = place + int(rng.integers(*PHRASE)) - 1
                    if how != "collapsed":
                        hearing.change(place, how)
                    elif last <= inside[-1]:
                        hearing.collapse(place, last)
                        changed = last
        left.edge(left.chunk.span.end_s, rough)
        right.edge(right.chunk.span.start_s, rough)
        for silence in subtract([overlap], [w.span for w in _said(reference, starts, overlap, longest)]):
            if silence.duration_s >= 3.0 and rng.random() < INVENTED_IN_SILENCE * rough:
                (left, right)[int(rng.random() < 0.5)].invent(silence.middle_s - 1.0, NOBODY_SAID)
    return [h.words() for h in heard]


def seam_errors(reference: Sequence[Word], joined: Sequence[Word], chunks: Sequence[Chunk]) -> SeamErrors:
    """What joining the lists of `chunk_words` into `joined` cost, against the `reference` they were made of."""
    overlaps = [left.span & right.span for left, right in itertools.pairwise(chunks)]
    by: dict[int, set[int]] = defaultdict(set)
    newest: dict[tuple[int, str | None], int] = {}
    moved = invented = 0
    for word in joined:
        places = [int(p) for p in (word.local_speaker or "").split()]
        if not places:
            invented += any(word.middle_s in o for o in overlaps)
            continue
        for place in places:
            by[place].add(word.chunk)
        said = reference[places[0]]
        before = newest.get((said.channel, said.speaker), -1)
        moved += said.span.distance_s(word.middle_s) > MOVED_S or places[0] < before
        newest[said.channel, said.speaker] = max(before, places[-1])
    doubled = [place for place, heard_by in by.items() for _ in range(len(heard_by) - 1)]
    spans = iter(chunks)
    chunk = next(spans, None)
    words = lost = 0
    for place, word in enumerate(reference):
        while chunk is not None and word.end_s > chunk.span.end_s:
            chunk = next(spans, None)
        if chunk is not None and word.start_s >= chunk.span.start_s:
            words += 1
            if place not in by:
                twin = next((d for d in doubled if _twins(reference[d], word)), None)
                lost += twin is None
                if twin is not None:
                    doubled.remove(twin)
    return SeamErrors(lost=lost, doubled=len(doubled), moved=moved, words=words, invented=invented)


class _Hearing:
    """One chunk's transcript in the making."""

    def __init__(
        self,
        reference: Sequence[Word],
        chunk: Chunk,
        places: np.ndarray[Any, Any],
        jitter_s: float,
        rng: np.random.Generator,
    ) -> None:
        self.chunk, self.rng = chunk, rng
        self.reference = reference
        self.rows: dict[int, list[Word]] = {}
        self.inventions: list[Word] = []
        said = [reference[p] for p in places.tolist()]
        times = np.array([[w.start_s, w.end_s] for w in said]).reshape(-1, 2)
        off = rng.normal(0.0, jitter_s / 2, (len(said), 1)) + rng.normal(0.0, jitter_s / 6, times.shape)
        times = (times + off.clip(-jitter_s, jitter_s)).clip(chunk.span.start_s, chunk.span.end_s)
        channels = np.array([w.channel for w in said])
        for channel in np.unique(channels):
            times[channels == channel] = _one_after_another(times[channels == channel])
        sure = rng.beta(*SURE, len(said)).tolist()
        for place, word, (start, end), p in zip(places.tolist(), said, times.tolist(), sure, strict=True):
            own = Word(start, end, word.text, p, chunk=chunk.index, channel=word.channel, local_speaker=str(place))
            self.rows[place] = [own]

    def change(self, place: int, how: str | None) -> None:
        """Put the word at `place` of the reference differently."""
        row = self.rows.get(place)
        if how is None or not row or len(row) > 1:
            return
        (word,) = row
        if how == "missed":
            self.rows[place] = []
        elif how == "misheard":
            self.rows[place] = [replace(word, text=COMMON[int(self.rng.integers(len(COMMON)))] + "s")]
        elif how == "split" and word.text[:4].isalpha() and len(word.text) >= 4:
            half = max(1, len(word.text) // 2)
            self.rows[place] = [
                replace(word, end_s=word.middle_s, text=word.text[:half]),
                replace(word, start_s=word.middle_s, text=word.text[half:]),
            ]
        elif how == "joined":
            following = self.rows.get(place + 1)
            if following and len(following) == 1 and following[0].channel == word.channel:
                other = following[0]
                made_of = f"{word.local_speaker} {other.local_speaker}"
                both = replace(word, end_s=other.end_s, text=word.text + other.text, local_speaker=made_of)
                self.rows[place], self.rows[place + 1] = [both], []

    def collapse(self, first: int, last: int) -> None:
        """Make one word of what one channel says at the places `first` to `last` of the reference. It is made of none
        of them: who keeps it has lost them all."""
        channel = self.reference[first].channel
        places = [p for p in range(first, last + 1) if self.reference[p].channel == channel]
        said = [w for p in places for w in self.rows.get(p, ())]
        if len(said) == len(places):
            sure = float(self.rng.beta(*UNSURE))
            end_s = max(w.end_s for w in said)
            self.rows |= {p: [] for p in places}
            self.rows[first] = [replace(said[0], end_s=end_s, text="Hmm.", confidence=sure, local_speaker="")]

    def edge(self, at_s: float, rough: float) -> None:
        """What happens near the chunk's edge at `at_s`."""
        if not rough:
            self.rows = {p: r for p, r in self.rows.items() if not _cuts(self.reference[p], at_s)}
            return
        near = [p for p in self.rows if self.reference[p].span.distance_s(at_s) < EDGE_S]
        for place in near:
            said = self.reference[place]
            if not _cuts(said, at_s):
                self.change(place, _drawn(AT_EDGE, rough, self.rng))
            elif self.rng.random() < 0.5:
                self.change(place, "missed")
            else:
                half = max(1, len(said.text) // 2)
                text = said.text[:half] if self.chunk.span.middle_s < at_s else said.text[half:]
                self.rows[place] = [replace(w, text=text or "s") for w in self.rows[place]]
        if self.rng.random() < INVENTED_AT_EDGE * rough:
            inner = at_s - EDGE_S if self.chunk.span.middle_s < at_s else at_s
            self.invent(inner, NOBODY_SAID[: int(self.rng.integers(1, 3))])

    def invent(self, at_s: float, texts: Sequence[str]) -> None:
        for k, text in enumerate(texts):
            span = Span(at_s + 0.4 * k, at_s + 0.4 * k + 0.3) & self.chunk.span
            if span:
                sure = float(self.rng.beta(*UNSURE))
                word = Word(span.start_s, span.end_s, text, sure, chunk=self.chunk.index, channel=0, local_speaker="")
                self.inventions.append(word)

    def words(self) -> list[Word]:
        every = [w for row in self.rows.values() for w in row]
        return sorted([*every, *self.inventions], key=lambda w: (w.start_s, w.end_s))


def _one_after_another(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(N, 2) starts and ends as recognisers give them: no word begins before the last is over, none is empty."""
    starts = np.maximum.accumulate(times[:, 0])
    starts = np.maximum.accumulate(starts - 0.02 * np.arange(len(starts))) + 0.02 * np.arange(len(starts))
    ends = np.maximum(times[:, 1], starts + 0.02)
    ends[:-1] = np.minimum(ends[:-1], starts[1:])
    return np.stack([starts, ends], axis=1)


def _inside(starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any], span: Span) -> list[int]:
    first, last = np.searchsorted(starts, [span.start_s, span.end_s])
    return [p for p in range(int(first), int(last)) if ends[p] <= span.end_s]


def _said(reference: Sequence[Word], starts: np.ndarray[Any, Any], span: Span, longest: float) -> Sequence[Word]:
    first, last = np.searchsorted(starts, [span.start_s - longest, span.end_s])
    return reference[int(first) : int(last)]


def _twins(one: Word, other: Word) -> bool:
    return one.text.rstrip(".?") == other.text.rstrip(".?") and one.span.distance_s(other.middle_s) < MOVED_S


def _cuts(word: Word, at_s: float) -> bool:
    return word.start_s < at_s < word.end_s


def _drawn(shares: dict[str, float], rough: float, rng: np.random.Generator) -> str | None:
    draw = rng.random()
    for how, share in shares.items():
        draw -= share * rough
        if draw < 0:
            return how
    return None
