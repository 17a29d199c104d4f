"""Seams: no word lost, none twice, whatever the cuts."""

from __future__ import annotations

import dataclasses
import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.merging.seams import fill, find_cut, join, spoken
from tasks.records import Chunk, Word


def word(start: float, text: str, length: float = 0.3, chunk: int = 0) -> Word:
    return Word(start, start + length, text, chunk=chunk)


def two_chunks(boundary: float = 600.0, end: float = 1200.0, half: float = 15.0) -> list[Chunk]:
    whole = (Span(0.0, end),)
    return [
        Chunk(0, Span(0.0, boundary + half), Span(0.0, boundary), whole),
        Chunk(1, Span(boundary - half, end), Span(boundary, end), whole),
    ]


lengths = st.sampled_from([0.05, 0.2, 0.3, 0.6])
gaps = st.sampled_from([0.0, 0.0, 0.1, 0.4, 3.0, 12.0])
texts = st.sampled_from(["yes", "no", "the", "meeting", "so"])
Day = tuple[list[Chunk], list[Word]]


@st.composite
def days(draw: st.DrawFn) -> Day:
    """A recording of up to four chunks, and its words: of any lengths and gaps, in order."""
    bounds = [0.0, *itertools.accumulate(draw(st.lists(st.integers(30, 50), min_size=1, max_size=4)))]
    half = draw(st.sampled_from([0.0, 5.0, 15.0]))
    cores = [Span(float(a), float(b)) for a, b in itertools.pairwise(bounds)]
    chunks = [Chunk(i, c.grow(half) & Span(0.0, float(bounds[-1])), c) for i, c in enumerate(cores)]
    words: list[Word] = []
    at = 0.0
    for length, gap, text in draw(st.lists(st.tuples(lengths, gaps, texts), max_size=80)):
        if at + length <= bounds[-1]:
            words.append(word(round(at, 3), text, length))
        at += length + gap
    return chunks, words


@given(days())
def test_perfect_recognition_of_every_chunk_gives_every_word_once_and_in_order(
    day: tuple[list[Chunk], list[Word]],
) -> None:
    chunks, words = day
    heard = [
        [
            dataclasses.replace(w, chunk=c.index)
            for w in words
            if c.span.start_s <= w.start_s and w.end_s <= c.span.end_s
        ]
        for c in chunks
    ]
    # A word across a chunk's outer edge is heard by the neighbour alone; without an overlap, by nobody.
    expected = [w for w in words if any(c.span.start_s <= w.start_s and w.end_s <= c.span.end_s for c in chunks)]
    joined = join(chunks, heard)
    assert [(w.start_s, w.text) for w in joined.words] == [(w.start_s, w.text) for w in expected]


@given(days(), st.randoms(use_true_random=False))
def test_jitter_of_word_times_doubles_and_loses_nothing_where_speech_pauses(day: Day, random: Random) -> None:
    chunks, words = day
    # Words half a second apart, times off by up to 0.1 s on each side.
    words = [word(i * 0.8, w.text) for i, w in enumerate(words) if i * 0.8 + 0.4 < chunks[-1].span.end_s]
    heard = []
    for c in chunks:
        mine = [w for w in words if c.span.start_s <= w.start_s - 0.1 and w.end_s + 0.1 <= c.span.end_s]
        heard.append([
            word(w.start_s + random.uniform(-0.1, 0.1), w.text, chunk=c.index)
            for w in mine
        ])  # fmt: skip
    expected = [w.text for w in words if any(
        c.span.start_s <= w.start_s - 0.1 and w.end_s + 0.1 <= c.span.end_s for c in chunks
    )]  # fmt: skip
    assert [w.text for w in join(chunks, heard).words] == expected


def test_the_cut_lies_in_a_gap_that_both_sides_heard() -> None:
    left = [word(596.0, "a"), word(598.2, "b"), word(601.0, "c")]
    right = [word(596.1, "a"), word(598.1, "b"), word(601.1, "c")]
    cut, way = find_cut(left, right, Span(585, 615), 600.0)
    assert way == "gap"
    assert 598.5 <= cut <= 601.0


def test_without_a_shared_gap_the_change_is_made_where_both_agree() -> None:
    text = ["we", "will", "all", "meet", "again", "on", "monday", "at", "nine", "in", "the", "big", "room"]
    left = [word(585 + i * 0.3, text[i % len(text)]) for i in range(100)]
    right = [word(585.1 + i * 0.3, text[i % len(text)]) for i in range(99)]
    cut, way = find_cut(left, right, Span(585, 615), 600.0)
    assert way == "agreed"
    assert abs(cut - 600.0) < 1.0
    joined = join(two_chunks(), [left, right])
    first_right = next(i for i, w in enumerate(joined.words) if w.start_s > cut)
    texts = [w.text for w in joined.words]
    assert texts[first_right - 3 : first_right + 3] == [
        text[(i) % len(text)] for i in range(first_right - 3, first_right + 3)
    ]


def test_a_word_heard_by_one_side_only_survives_on_its_own_side() -> None:
    left = [word(590.0, "only"), word(605.0, "both")]
    right = [word(605.0, "both", chunk=1), word(610.0, "new", chunk=1)]
    assert [w.text for w in join(two_chunks(), [left, right]).words] == ["only", "both", "new"]


def test_a_chunk_without_words_takes_nothing_from_its_neighbours() -> None:
    left = [word(590.0, "before"), word(599.0, "last")]
    assert [w.text for w in join(two_chunks(), [left, []]).words] == ["before", "last"]


def test_speech_in_an_overlap_without_words_is_named_and_filled() -> None:
    joined = join(two_chunks(), [[word(586.0, "a")], [word(613.0, "z", chunk=1)]])
    (span,) = joined.wordless
    assert span.start_s < 590
    assert span.end_s > 610
    found = [word(600.0, "middle"), word(612.9, "z")]
    assert [w.text for w in fill(joined.words, found, joined.wordless)] == ["a", "middle", "z"]


def test_evidence_adds_up() -> None:
    left = [word(590.0, "a"), word(595.0, "b"), word(605.0, "c")]
    right = [word(590.0, "a", chunk=1), word(595.0, "b", chunk=1), word(605.0, "c", chunk=1)]
    (seam,) = join(two_chunks(), [left, right]).seams
    assert (seam.kept, seam.dropped, seam.right) == (3, 3, 1)


def test_words_are_compared_without_case_and_marks() -> None:
    assert spoken("“Don’t!”") == spoken("don't")
    assert spoken("Straße,") == spoken("STRASSE")
