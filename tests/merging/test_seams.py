"""Seams: no word lost, none twice, whatever the cuts."""

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
from tasks.merging.alignment import Unit, units
from tasks.merging.cut import decided, find_cut
from tasks.merging.seams import Joined, join
from tasks.merging.wordless import fill
from tasks.records import Chunk, Word
from tasks.word_forms import to_comparison_form
from tests.simulation.recogniser import chunk_words
from tests.simulation.seams import around_seams, errors_of_days, split_at_the_boundary


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
    cut, way = find_cut(units(left, right), Span(585, 615), 600.0)
    assert way == "gap"
    assert 598.5 <= cut <= 601.0


def test_without_a_shared_gap_the_change_is_made_where_both_agree() -> None:
    text = ["we", "will", "all", "meet", "again", "on", "monday", "at", "nine", "in", "the", "big", "room"]
    left = [word(585 + i * 0.3, text[i % len(text)]) for i in range(100)]
    right = [word(585.1 + i * 0.3, text[i % len(text)]) for i in range(99)]
    cut, way = find_cut(units(left, right), Span(585, 615), 600.0)
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


@pytest.mark.parametrize("silent", [0, 1], ids=["left", "right"])
def test_a_chunk_without_words_takes_nothing_from_its_neighbour(silent: int) -> None:
    said = [word(586.0, "before"), word(599.0, "the"), word(614.0, "border")]
    joined = join(two_chunks(), [said, []] if silent else [[], said])
    assert [w.text for w in joined.words] == ["before", "the", "border"]
    assert joined.seams[0].dropped == 0


def test_what_nobody_said_in_silence_does_not_cross_the_cut() -> None:
    left, right = two_chunks()
    chunks = [dataclasses.replace(c, speech=(Span(500.0, 592.0),)) for c in (left, right)]
    said = [word(590.0, "goodbye"), word(591.0, "then")]
    invented = [word(606.0 + i, w) for i, w in enumerate(["thank", "you", "for", "watching"])]
    again = [dataclasses.replace(w, chunk=1) for w in said]
    assert text(join(chunks, [said + invented, again])) == "goodbye then"


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
def test_speech_heard_in_two_ways_is_told_in_one_of_them(
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
    assert_forwards(joined.words)


def mixtures(left: str, right: str) -> Iterator[tuple[str, ...]]:
    """What stands between the words common to both, by one side or the other: here there is one such place."""
    a, b = left.split(), right.split()
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    end = next((i for i, (x, y) in enumerate(zip(a[::-1], b[::-1], strict=False)) if x != y), 0)
    for middle in (a[start : len(a) - end], b[start : len(b) - end]):
        yield (*a[:start], *middle, *a[len(a) - end :])


def test_a_word_cut_by_the_edge_of_a_chunk_is_told_by_the_chunk_that_heard_it_whole() -> None:
    left = [word(584.6, "good"), word(584.9, "morning"), word(585.3, "everyone")]
    right = [word(585.0, "ning", 0.2, chunk=1), word(585.3, "everyone", chunk=1)]
    assert text(join(two_chunks(), [left, right])) == "good morning everyone"


def test_words_that_one_side_crowds_into_an_instant_are_not_heard_twice() -> None:
    left = [word(604.0 + 0.4 * i, w) for i, w in enumerate(["so", "did", "Dora", "change", "the", "plan"])]
    crowded = [word(603.8, "so", 0.1, 1), word(603.9, "did", 0.02, 1), word(603.92, "Dora", 0.02, 1)]
    right = [*crowded, *(dataclasses.replace(w, chunk=1) for w in left[3:])]
    assert text(join(two_chunks(), [left, right])) == "so did Dora change the plan"


BEFORE, AFTER = "then we went over the whole budget again", "and that was all for monday morning so far"
PHRASE = "nobody may sell the house"


def heard_differently(one: Sequence[Word], other: Sequence[Word], chunk: int) -> list[list[Word]]:
    """Two chunks' words: `one` between BEFORE and AFTER in that `chunk`'s, `other` in its neighbour's."""
    between = [one, other] if chunk == 0 else [other, one]
    return [
        [dataclasses.replace(w, chunk=c) for w in (*said(BEFORE, 588.0), *between[c], *said(AFTER, 594.0))]
        for c in (0, 1)
    ]


def said(line: str, from_s: float, step_s: float = 0.32, sure: float | None = None) -> list[Word]:
    return [Word(from_s + i * step_s, from_s + i * step_s + 0.28, w, sure) for i, w in enumerate(line.split())]


@pytest.mark.parametrize("collapsed", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("border", [590.0, 600.0])
@pytest.mark.parametrize("confidences", [(None, None), (0.95, 0.9), (0.4, 0.6)])
def test_a_phrase_that_one_chunk_made_a_single_word_of_stays_a_phrase(
    collapsed: int, border: float, confidences: tuple[float | None, float | None]
) -> None:
    one = [Word(591.2, 593.0, "Hmm.", confidences[0])]
    lists = heard_differently(one, said(PHRASE, 591.25, 0.34, confidences[1]), collapsed)
    joined = join(two_chunks(border), lists)
    assert text(joined) == f"{BEFORE} {PHRASE} {AFTER}"
    assert_forwards(joined.words)
    own_tells_it = (collapsed == 1) == (border == 600.0)
    assert joined.seams[0].recovered == (0 if own_tells_it else 5)


@pytest.mark.parametrize("collapsed", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("border", [590.0, 600.0])
def test_of_a_phrase_stays_what_was_said_and_not_what_was_invented_in_it(collapsed: int, border: float) -> None:
    invented = said("thank you", 592.4, 0.3, 0.9)
    phrase = [*said("nobody may", 591.25, 0.34, 0.9), *invented, *said("sell", 593.6, 0.34, 0.9)]
    lists = heard_differently([Word(591.2, 593.9, "Hmm.", 0.4)], phrase, collapsed)
    speech = (Span(0.0, 591.95), Span(593.55, 1200.0))
    chunks = [dataclasses.replace(c, speech=speech) for c in two_chunks(border)]
    own_tells_it = (collapsed == 1) == (border == 600.0)
    kept = "nobody may thank you sell" if own_tells_it else "nobody may sell"  # its own are left as they are
    assert text(join(chunks, lists)) == f"{BEFORE} {kept} {AFTER}"


def test_what_one_side_invented_in_silence_does_not_outweigh_what_the_other_heard() -> None:
    grunt = (Word(591.2, 592.0, "Hmm.", 0.8), *said("thank you for watching", 592.3, 0.3, 0.6))
    phrase = (*said("would", 591.25, 0.3, 0.9), *said("to sell it", 593.6, 0.3, 0.9))
    speech = [Span(0.0, 592.0), Span(593.3, 1200.0)]
    kept, recovered = decided([Unit(grunt, phrase)], 600.0, Span(585.0, 615.0), speech)
    assert ([w.text for w in kept], recovered) == (["would", "to", "sell", "it"], 4)


@pytest.mark.parametrize(
    "many",
    [said(PHRASE, 591.25, 0.34, 0.1), [word(592.0 + 0.01 * i, f"x{i}", 0.01) for i in range(20)]],
    ids=["unsure", "faster than anybody speaks"],
)
def test_many_words_that_are_not_credible_do_not_replace_one(many: list[Word]) -> None:
    lists = heard_differently([Word(591.2, 593.0, "Hmm.", 0.9)], many, 0)
    assert text(join(two_chunks(), lists)) == f"{BEFORE} Hmm. {AFTER}"


def test_words_pushed_back_by_one_that_only_the_other_chunk_heard_stay_before_the_next() -> None:
    left = [Word(592.0, 592.1, "on"), Word(592.1, 592.4, "to?"), Word(592.4, 592.5, "go"), Word(592.6, 593.0, "be")]
    right = [
        Word(592.1, 592.2, "on"), Word(592.52, 592.54, "a"), Word(592.54, 592.56, "to?"), Word(592.56, 592.8, "go"),
        Word(592.8, 593.1, "be"),
    ]  # fmt: skip
    joined = join(two_chunks(), [left, [dataclasses.replace(w, chunk=1) for w in right]])
    assert text(joined) == "on a to? go be"
    assert_forwards(joined.words)


def test_no_channel_knows_of_another() -> None:
    # One channel talks through the other's pause; the pause of each is cut in its own place.
    talk = [word(590.0 + i * 0.4, f"a{i}", 0.4) for i in range(50)]
    other = [dataclasses.replace(word(600.0 + i * 0.4, f"b{i}", 0.4), channel=1) for i in range(20)]
    heard = [sorted([*talk, *other], key=lambda w: w.start_s)] * 2
    joined = join(two_chunks(), [[dataclasses.replace(w, chunk=c) for w in h] for c, h in enumerate(heard)])
    assert [w.text for w in joined.words if w.channel == 0] == [w.text for w in talk]
    assert [w.text for w in joined.words if w.channel == 1] == [w.text for w in other]
    alone = join(two_chunks(), [talk, [dataclasses.replace(w, chunk=1) for w in talk]])
    assert [s for s in joined.seams if s.channel == 0] == list(alone.seams)


@given(days(), st.integers(0, 2**31))
def test_whatever_a_recogniser_does_every_word_is_kept_or_dropped_and_time_runs_forwards(day: Day, seed: int) -> None:
    chunks, words = day
    chunks = [dataclasses.replace(c, speech=(c.span,)) for c in chunks]
    heard = chunk_words(words, chunks, np.random.default_rng(seed))
    joined = join(chunks, heard)
    assert_forwards(joined.words)
    assert len(joined.words) == sum(map(len, heard)) - sum(s.dropped for s in joined.seams)
    assert {w.local_speaker for w in joined.words} <= {w.local_speaker for h in heard for w in h}


@given(days(), st.integers(0, 2**31))
def test_only_times_off_lose_and_double_nothing(day: Day, seed: int) -> None:
    chunks, words = day
    chunks = [dataclasses.replace(c, speech=(c.span,)) for c in chunks]
    heard = chunk_words(words, chunks, np.random.default_rng(seed), rough=0.0)
    made = {p for h in heard for w in h for p in str(w.local_speaker).split()}
    joined = join(chunks, heard)
    assert sorted(int(str(w.local_speaker)) for w in joined.words) == sorted(map(int, made))


@given(days())
def test_backwards_is_the_same_recording(day: Day) -> None:
    """Mirrored in time, a recording has the mirrored words: neither side of a seam is favoured."""
    chunks, words = day
    end = chunks[-1].span.end_s

    def mirrored(span: Span) -> Span:
        return Span(end - span.end_s, end - span.start_s)

    def backwards(said: Sequence[Word]) -> list[Word]:
        return [dataclasses.replace(w, start_s=end - w.end_s, end_s=end - w.start_s) for w in reversed(said)]

    def heard(chunk: Chunk, said: Sequence[Word]) -> list[Word]:
        inside = [w for w in said if chunk.span.start_s <= w.start_s and w.end_s <= chunk.span.end_s]
        return [dataclasses.replace(w, chunk=chunk.index) for w in inside]

    forth = join(chunks, [heard(c, words) for c in chunks])
    behind = [Chunk(i, mirrored(c.span), mirrored(c.core)) for i, c in enumerate(reversed(chunks))]
    back = join(behind, [backwards(heard(c, words)) for c in reversed(chunks)])
    assert [w.text for w in back.words] == [w.text for w in reversed(forth.words)]


@pytest.mark.parametrize("pauses", [True, False], ids=["with pauses", "without a pause"])
def test_the_seams_of_two_days_lose_nothing_and_double_next_to_nothing(pauses: bool) -> None:
    errors = errors_of_days(lambda chunks, words: join(chunks, words).words, range(2), pauses=pauses)
    assert errors.lost == 0
    assert errors.doubled_per_10k <= 1.0, "and that among the words beside the seams alone"
    simplest = errors_of_days(split_at_the_boundary, range(1), pauses=pauses)
    assert simplest.lost > 0, "the recogniser makes it hard enough"
    assert simplest.doubled_per_10k > 1.0


def test_the_time_it_takes_grows_with_the_words_alone() -> None:
    def seconds(seams: int) -> float:
        rng = np.random.default_rng(1)
        chunks, words = around_seams(rng, seams, pauses=True)
        heard = chunk_words(words, chunks, rng, rough=0.0)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            join(chunks, heard)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(200) < 8 * 2.5 * seconds(25)


def text(joined: Joined) -> str:
    return " ".join(w.text for w in joined.words)


def assert_forwards(words: Sequence[Word]) -> None:
    """No word begins before the one before it began, and where the chunk changes not before it ended."""
    for one, other in itertools.pairwise(words):
        assert one.start_s <= other.start_s
        assert one.start_s <= one.end_s
        assert one.chunk == other.chunk or one.channel != other.channel or one.end_s <= other.start_s + 1e-9


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
    assert to_comparison_form("“Don’t!”") == to_comparison_form("don't")
    assert to_comparison_form("Straße,") == to_comparison_form("STRASSE")
