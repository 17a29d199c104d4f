"""Joining chunks at their seams: no word is lost or doubled, wherever the cuts are."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.merging.alignment import AlignedUnit, align_words
from tasks.merging.cut import find_cut, select_words
from tasks.merging.seams import JoinedWords, join
from tasks.merging.untranscribed import fill_untranscribed
from tasks.records import Chunk, Word
from tasks.word_forms import to_comparison_form
from tests.helpers.sample_words import make_word
from tests.simulation.recogniser import chunk_words
from tests.simulation.seams import around_seams, errors_of_days, split_at_the_boundary


def word(start: float, text: str, length: float = 0.3, chunk: int = 0) -> Word:
    return make_word(start, start + length, text, chunk=chunk)


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
    transcribed = [
        [
            dataclasses.replace(w, chunk=c.index)
            for w in words
            if c.span.start_s <= w.start_s and w.end_s <= c.span.end_s
        ]
        for c in chunks
    ]
    # A word across a chunk's outer edge is in the neighbour alone; without an overlap, in none.
    expected = [w for w in words if any(c.span.start_s <= w.start_s and w.end_s <= c.span.end_s for c in chunks)]
    joined = join(chunks, transcribed)
    assert [(w.start_s, w.text) for w in joined.words] == [(w.start_s, w.text) for w in expected]


@given(days(), st.randoms(use_true_random=False))
def test_jitter_of_word_times_doubles_and_loses_nothing_where_speech_pauses(day: Day, random: Random) -> None:
    chunks, words = day
    # Words half a second apart, times off by up to 0.1 s on each side.
    words = [word(i * 0.8, w.text) for i, w in enumerate(words) if i * 0.8 + 0.4 < chunks[-1].span.end_s]
    transcribed = []
    for c in chunks:
        mine = [w for w in words if c.span.start_s <= w.start_s - 0.1 and w.end_s + 0.1 <= c.span.end_s]
        transcribed.append([
            word(w.start_s + random.uniform(-0.1, 0.1), w.text, chunk=c.index)
            for w in mine
        ])  # fmt: skip
    expected = [w.text for w in words if any(
        c.span.start_s <= w.start_s - 0.1 and w.end_s + 0.1 <= c.span.end_s for c in chunks
    )]  # fmt: skip
    assert [w.text for w in join(chunks, transcribed).words] == expected


def test_the_cut_lies_in_a_gap_common_to_both_chunks() -> None:
    left = [word(596.0, "a"), word(598.2, "b"), word(601.0, "c")]
    right = [word(596.1, "a"), word(598.1, "b"), word(601.1, "c")]
    cut, way = find_cut(align_words(left, right), Span(585, 615), 600.0)
    assert way == "gap"
    assert 598.5 <= cut <= 601.0


def test_without_a_common_gap_the_cut_lies_where_both_agree() -> None:
    text = ["we", "will", "all", "meet", "again", "on", "monday", "at", "nine", "in", "the", "big", "room"]
    left = [word(585 + i * 0.3, text[i % len(text)]) for i in range(100)]
    right = [word(585.1 + i * 0.3, text[i % len(text)]) for i in range(99)]
    cut, way = find_cut(align_words(left, right), Span(585, 615), 600.0)
    assert way == "agreed"
    assert abs(cut - 600.0) < 1.0
    joined = join(two_chunks(), [left, right])
    first_right = next(i for i, w in enumerate(joined.words) if w.start_s > cut)
    texts = [w.text for w in joined.words]
    assert texts[first_right - 3 : first_right + 3] == [
        text[(i) % len(text)] for i in range(first_right - 3, first_right + 3)
    ]


def test_a_word_of_one_chunk_only_is_kept_on_its_own_side() -> None:
    left = [word(590.0, "only"), word(605.0, "both")]
    right = [word(605.0, "both", chunk=1), word(610.0, "new", chunk=1)]
    assert [w.text for w in join(two_chunks(), [left, right]).words] == ["only", "both", "new"]


@pytest.mark.parametrize("silent", [0, 1], ids=["left", "right"])
def test_a_chunk_without_words_removes_nothing_from_its_neighbour(silent: int) -> None:
    spoken = [word(586.0, "before"), word(599.0, "the"), word(614.0, "border")]
    joined = join(two_chunks(), [spoken, []] if silent else [[], spoken])
    assert [w.text for w in joined.words] == ["before", "the", "border"]
    assert joined.seams[0].dropped == 0


def test_words_hallucinated_in_silence_are_not_recovered_across_the_cut() -> None:
    left, right = two_chunks()
    chunks = [dataclasses.replace(c, speech=(Span(500.0, 592.0),)) for c in (left, right)]
    spoken = [word(590.0, "goodbye"), word(591.0, "then")]
    invented = [word(606.0 + i, w) for i, w in enumerate(["thank", "you", "for", "watching"])]
    again = [dataclasses.replace(w, chunk=1) for w in spoken]
    assert text(join(chunks, [spoken + invented, again])) == "goodbye then"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("we have twenty one of them", "we have 21 of them"),
        ("we have every one of them", "we have everyone of them"),
        ("I don't know now", "I do n't know now"),
        ("yes yes yes I know", "yes yes yes I know"),
        ("yes yes I know", "yes yes yes I know"),
        ("so we went home again", "so he went home again"),
        ("so we home again", "so we went home again"),
    ],
)
@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.3])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("border", [599.0, 600.0, 600.7, 602.0])
def test_speech_transcribed_in_two_ways_is_kept_in_one_of_them(
    left: str, right: str, shift: float, flip: bool, border: float
) -> None:
    def spoken_evenly(line: str, from_s: float, chunk: int) -> list[Word]:
        each = 2.0 / len(line)
        starts = itertools.accumulate((len(w) + 1 for w in line.split()), initial=0)
        return [
            word(from_s + each * at, w, each * len(w), chunk) for at, w in zip(starts, line.split(), strict=False)
        ]

    if flip:
        left, right = right, left
    one, other = spoken_evenly(left, 599.5, 0), spoken_evenly(right, 599.5 + shift, 1)
    joined = join(two_chunks(border), [one, other])
    assert text(joined) in {left, right} | {" ".join(pair) for pair in mixtures(left, right)}
    assert_ascending(joined.words)


def mixtures(left: str, right: str) -> Iterator[tuple[str, ...]]:
    """Both texts with the words between their common start and end taken from either."""
    a, b = left.split(), right.split()
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    end = next((i for i, (x, y) in enumerate(zip(a[::-1], b[::-1], strict=False)) if x != y), 0)
    for middle in (a[start : len(a) - end], b[start : len(b) - end]):
        yield (*a[:start], *middle, *a[len(a) - end :])


def test_a_word_cut_by_a_chunks_edge_is_taken_from_the_chunk_that_has_it_whole() -> None:
    left = [word(584.6, "good"), word(584.9, "morning"), word(585.3, "everyone")]
    right = [word(585.0, "ning", 0.2, chunk=1), word(585.3, "everyone", chunk=1)]
    assert text(join(two_chunks(), [left, right])) == "good morning everyone"


def test_words_that_one_chunk_compresses_into_an_instant_are_not_doubled() -> None:
    left = [word(604.0 + 0.4 * i, w) for i, w in enumerate(["so", "did", "Dora", "change", "the", "plan"])]
    crowded = [word(603.8, "so", 0.1, 1), word(603.9, "did", 0.02, 1), word(603.92, "Dora", 0.02, 1)]
    right = [*crowded, *(dataclasses.replace(w, chunk=1) for w in left[3:])]
    assert text(join(two_chunks(), [left, right])) == "so did Dora change the plan"


BEFORE, AFTER = "then we went over the whole budget again", "and that was all for monday morning so far"
PHRASE = "nobody may sell the house"


def transcribe_differently(one: Sequence[Word], other: Sequence[Word], chunk: int) -> list[list[Word]]:
    """Two chunks' words: `one` between BEFORE and AFTER in that `chunk`'s, `other` in its neighbour's."""
    between = [one, other] if chunk == 0 else [other, one]
    return [
        [
            dataclasses.replace(w, chunk=c)
            for w in (*make_words(BEFORE, 588.0), *between[c], *make_words(AFTER, 594.0))
        ]
        for c in (0, 1)
    ]


def make_words(line: str, from_s: float, step_s: float = 0.32, sure: float | None = None) -> list[Word]:
    return [make_word(from_s + i * step_s, from_s + i * step_s + 0.28, w, sure) for i, w in enumerate(line.split())]


@pytest.mark.parametrize("collapsed", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("border", [590.0, 600.0])
@pytest.mark.parametrize("confidences", [(None, None), (0.95, 0.9), (0.4, 0.6)])
def test_a_phrase_that_one_chunk_collapsed_into_a_word_stays_a_phrase(
    collapsed: int, border: float, confidences: tuple[float | None, float | None]
) -> None:
    one = [make_word(591.2, 593.0, "Hmm.", confidences[0])]
    lists = transcribe_differently(one, make_words(PHRASE, 591.25, 0.34, confidences[1]), collapsed)
    joined = join(two_chunks(border), lists)
    assert text(joined) == f"{BEFORE} {PHRASE} {AFTER}"
    assert_ascending(joined.words)
    is_own = (collapsed == 1) == (border == 600.0)
    assert joined.seams[0].recovered == (0 if is_own else 5)


@pytest.mark.parametrize("collapsed", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("border", [590.0, 600.0])
def test_hallucinated_words_within_a_recovered_phrase_are_left_out(collapsed: int, border: float) -> None:
    invented = make_words("thank you", 592.4, 0.3, 0.9)
    phrase = [*make_words("nobody may", 591.25, 0.34, 0.9), *invented, *make_words("sell", 593.6, 0.34, 0.9)]
    lists = transcribe_differently([make_word(591.2, 593.9, "Hmm.", 0.4)], phrase, collapsed)
    speech = (Span(0.0, 591.95), Span(593.55, 1200.0))
    chunks = [dataclasses.replace(c, speech=speech) for c in two_chunks(border)]
    is_own = (collapsed == 1) == (border == 600.0)
    kept = "nobody may thank you sell" if is_own else "nobody may sell"  # a chunk's own words are kept as they are
    assert text(join(chunks, lists)) == f"{BEFORE} {kept} {AFTER}"


def test_words_hallucinated_in_silence_do_not_outweigh_spoken_words() -> None:
    grunt = (make_word(591.2, 592.0, "Hmm.", 0.8), *make_words("thank you for watching", 592.3, 0.3, 0.6))
    phrase = (*make_words("would", 591.25, 0.3, 0.9), *make_words("to sell it", 593.6, 0.3, 0.9))
    speech = [Span(0.0, 592.0), Span(593.3, 1200.0)]
    kept, recovered = select_words([AlignedUnit(grunt, phrase)], 600.0, Span(585.0, 615.0), speech)
    assert ([w.text for w in kept], recovered) == (["would", "to", "sell", "it"], 4)


@pytest.mark.parametrize(
    "many",
    [make_words(PHRASE, 591.25, 0.34, 0.1), [word(592.0 + 0.01 * i, f"x{i}", 0.01) for i in range(20)]],
    ids=["unsure", "faster than anybody speaks"],
)
def test_many_words_that_are_not_credible_do_not_replace_one(many: list[Word]) -> None:
    lists = transcribe_differently([make_word(591.2, 593.0, "Hmm.", 0.9)], many, 0)
    assert text(join(two_chunks(), lists)) == f"{BEFORE} Hmm. {AFTER}"


def test_words_moved_by_a_recovered_word_stay_before_the_next() -> None:
    left = [
        make_word(592.0, 592.1, "on"),
        make_word(592.1, 592.4, "to?"),
        make_word(592.4, 592.5, "go"),
        make_word(592.6, 593.0, "be"),
    ]
    right = [
        make_word(592.1, 592.2, "on"), make_word(592.52, 592.54, "a"), make_word(592.54, 592.56, "to?"),
        make_word(592.56, 592.8, "go"), make_word(592.8, 593.1, "be"),
    ]  # fmt: skip
    joined = join(two_chunks(), [left, [dataclasses.replace(w, chunk=1) for w in right]])
    assert text(joined) == "on a to? go be"
    assert_ascending(joined.words)


def test_channels_are_joined_independently() -> None:
    # One channel has speech during the other's pause; each is cut in its own gap.
    talk = [word(590.0 + i * 0.4, f"a{i}", 0.4) for i in range(50)]
    other = [dataclasses.replace(word(600.0 + i * 0.4, f"b{i}", 0.4), channel=1) for i in range(20)]
    transcribed = [sorted([*talk, *other], key=lambda w: w.start_s)] * 2
    joined = join(two_chunks(), [[dataclasses.replace(w, chunk=c) for w in h] for c, h in enumerate(transcribed)])
    assert [w.text for w in joined.words if w.channel == 0] == [w.text for w in talk]
    assert [w.text for w in joined.words if w.channel == 1] == [w.text for w in other]
    alone = join(two_chunks(), [talk, [dataclasses.replace(w, chunk=1) for w in talk]])
    assert [s for s in joined.seams if s.channel == 0] == list(alone.seams)


@given(days(), st.integers(0, 2**31))
def test_whatever_a_recogniser_does_every_word_is_kept_or_dropped_and_times_ascend(day: Day, seed: int) -> None:
    chunks, words = day
    chunks = [dataclasses.replace(c, speech=(c.span,)) for c in chunks]
    transcribed = chunk_words(words, chunks, np.random.default_rng(seed))
    joined = join(chunks, transcribed)
    assert_ascending(joined.words)
    assert len(joined.words) == sum(map(len, transcribed)) - sum(s.dropped for s in joined.seams)
    assert {w.local_speaker for w in joined.words} <= {w.local_speaker for h in transcribed for w in h}


@given(days(), st.integers(0, 2**31))
def test_inexact_times_alone_lose_and_double_nothing(day: Day, seed: int) -> None:
    chunks, words = day
    chunks = [dataclasses.replace(c, speech=(c.span,)) for c in chunks]
    transcribed = chunk_words(words, chunks, np.random.default_rng(seed), rough=0.0)
    made = {p for h in transcribed for w in h for p in str(w.local_speaker).split()}
    joined = join(chunks, transcribed)
    assert sorted(int(str(w.local_speaker)) for w in joined.words) == sorted(map(int, made))


@given(days())
def test_joining_is_symmetric_in_time(day: Day) -> None:
    """A recording mirrored in time has the mirrored words: neither side of a seam is favoured."""
    chunks, words = day
    end = chunks[-1].span.end_s

    def mirror(span: Span) -> Span:
        return Span(end - span.end_s, end - span.start_s)

    def reverse(spoken: Sequence[Word]) -> list[Word]:
        return [dataclasses.replace(w, start_s=end - w.end_s, end_s=end - w.start_s) for w in reversed(spoken)]

    def transcribe(chunk: Chunk, spoken: Sequence[Word]) -> list[Word]:
        inside = [w for w in spoken if chunk.span.start_s <= w.start_s and w.end_s <= chunk.span.end_s]
        return [dataclasses.replace(w, chunk=chunk.index) for w in inside]

    forth = join(chunks, [transcribe(c, words) for c in chunks])
    behind = [Chunk(i, mirror(c.span), mirror(c.core)) for i, c in enumerate(reversed(chunks))]
    back = join(behind, [reverse(transcribe(c, words)) for c in reversed(chunks)])
    assert [w.text for w in back.words] == [w.text for w in reversed(forth.words)]


@pytest.mark.parametrize("pauses", [True, False], ids=["with pauses", "without a pause"])
def test_the_seams_of_two_days_lose_nothing_and_double_almost_nothing(pauses: bool) -> None:
    errors = errors_of_days(lambda chunks, words: join(chunks, words).words, range(2), pauses=pauses)
    assert errors.lost == 0
    assert errors.doubled_per_10k <= 1.0, "and that among the words beside the seams alone"
    simplest = errors_of_days(split_at_the_boundary, range(1), pauses=pauses)
    assert simplest.lost > 0, "the recogniser makes it hard enough"
    assert simplest.doubled_per_10k > 1.0


def test_joining_takes_time_linear_in_words() -> None:
    def seconds(seams: int) -> float:
        rng = np.random.default_rng(1)
        chunks, words = around_seams(rng, seams, pauses=True)
        transcribed = chunk_words(words, chunks, rng, rough=0.0)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            join(chunks, transcribed)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(200) < 8 * 2.5 * seconds(25)


def text(joined: JoinedWords) -> str:
    return " ".join(w.text for w in joined.words)


def assert_ascending(words: Sequence[Word]) -> None:
    """Words ascend by start; where the chunk changes, they don't overlap."""
    for one, other in itertools.pairwise(words):
        assert one.start_s <= other.start_s
        assert one.start_s <= one.end_s
        assert one.chunk == other.chunk or one.channel != other.channel or one.end_s <= other.start_s + 1e-9


def test_untranscribed_speech_in_an_overlap_is_reported_and_filled() -> None:
    joined = join(two_chunks(), [[word(586.0, "a")], [word(613.0, "z", chunk=1)]])
    (span,) = joined.untranscribed
    assert span.start_s < 590
    assert span.end_s > 610
    found = [word(600.0, "middle"), word(612.9, "z")]
    assert [w.text for w in fill_untranscribed(joined.words, found, joined.untranscribed)] == ["a", "middle", "z"]


def test_the_counts_of_a_seam_add_up() -> None:
    left = [word(590.0, "a"), word(595.0, "b"), word(605.0, "c")]
    right = [word(590.0, "a", chunk=1), word(595.0, "b", chunk=1), word(605.0, "c", chunk=1)]
    (seam,) = join(two_chunks(), [left, right]).seams
    assert (seam.kept, seam.dropped, seam.right) == (3, 3, 1)


def test_words_are_compared_without_case_and_marks() -> None:
    assert to_comparison_form("“Don’t!”") == to_comparison_form("don't")
    assert to_comparison_form("Straße,") == to_comparison_form("STRASSE")
