"""Assignment of words to speakers, and grouping of words into segments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.merging.assign_speakers import _compute_change_cost, _compute_costs, assign_speakers
from tasks.merging.segments import build_segments
from tasks.merging.voices import mark_overlaps
from tasks.records import UNKNOWN, Turn, Word
from tests.helpers.sample_words import make_word

A, B = "SPEAKER_00", "SPEAKER_01"


def words(text: str, start: float = 0.0, step: float = 0.4, speaker: str | None = None) -> list[Word]:
    return [
        make_word(start + i * step, start + i * step + 0.3, t, speaker=speaker) for i, t in enumerate(text.split())
    ]


def speakers_of(found: tuple[Word, ...]) -> str:
    return "".join({A: "a", B: "b", UNKNOWN: "?"}[str(w.speaker)] for w in found)


def test_a_word_goes_to_the_turn_that_covers_most_of_it() -> None:
    turns = [Turn(0.0, 1.0, A), Turn(1.0, 2.0, B)]
    assert speakers_of(assign_speakers([make_word(0.7, 1.2, "x")], turns)) == "a"
    assert speakers_of(assign_speakers([make_word(0.9, 1.4, "x")], turns)) == "b"


def test_a_word_in_no_turn_goes_to_the_nearest_turn_within_a_second_else_to_unknown() -> None:
    turns = [Turn(0.0, 1.0, A), Turn(5.0, 6.0, B)]
    assert (
        speakers_of(
            assign_speakers([make_word(1.8, 1.9, "x"), make_word(3.0, 3.1, "x"), make_word(4.5, 4.6, "x")], turns)
        )
        == "a?b"
    )


def test_an_overlapped_word_is_marked_and_goes_to_the_turn_that_covers_most() -> None:
    (word,) = assign_speakers([make_word(1.0, 2.0, "x")], [Turn(0.0, 2.0, A), Turn(1.5, 3.0, B)])
    assert (word.speaker, word.is_overlap) == (A, True)


@pytest.mark.parametrize("late", [-0.5, -0.3, 0.0, 0.3, 0.6])
def test_a_speaker_change_near_the_end_of_a_sentence_moves_to_it(late: float) -> None:
    spoken = words("see you all on Monday. Good morning to you, Ana. And good morning, Ben.")
    first, second = spoken[5].start_s + late, spoken[10].start_s + late
    turns = [Turn(0.0, first, A), Turn(first, second, B), Turn(second, 10.0, A)]
    assert speakers_of(assign_speakers(spoken, turns)) == "aaaaabbbbbaaaa"


def test_a_speaker_change_without_punctuation_moves_to_a_pause() -> None:
    spoken = [*words("see you on monday"), *words("good morning ana", 2.1)]
    assert speakers_of(assign_speakers(spoken, [Turn(0.0, 2.5, A), Turn(2.5, 10.0, B)])) == "aaaabbb"


def test_a_short_answer_within_another_speakers_speech_keeps_its_speaker() -> None:
    spoken = words("are you all here? Yes, yes. Then we begin.")
    turns = [Turn(0.0, 1.55, A), Turn(1.55, 2.35, B), Turn(2.35, 10.0, A)]
    assert speakers_of(assign_speakers(spoken, turns)) == "aaaabbaaa"


def test_channels_are_assigned_independently() -> None:
    one = words("we all meet again on Monday morning")
    other = [replace(w, start_s=w.start_s + 0.1, channel=1, text="Yes.") for w in one]
    both = sorted([*one, *other], key=lambda w: w.start_s)
    turns = [Turn(0.0, 1.3, A), Turn(1.3, 10.0, B)]
    found = assign_speakers(both, turns)
    assert speakers_of(tuple(w for w in found if w.channel == 0)) == speakers_of(assign_speakers(one, turns))


def test_a_sentence_split_nine_to_one_is_smoothed_and_one_split_six_to_four_is_not() -> None:
    ten = words("one two three four five six seven eight nine ten.")
    nearly_all = [Turn(0.0, 3.55, A), Turn(3.55, 10.0, B)]
    assert speakers_of(assign_speakers(ten, nearly_all)) == "a" * 10
    assert speakers_of(assign_speakers(ten, [Turn(0.0, 2.35, A), Turn(2.35, 10.0, B)])) == "aaaaaabbbb"


def test_segments_break_at_pauses_at_other_speakers_turns_and_at_sentence_ends_past_fifteen_seconds() -> None:
    pause = [*words("hello there", 0.0, speaker=A), *words("again", 3.0, speaker=A)]
    assert len(build_segments(pause)[1]) == 2
    between = [*words("a b", 0.0, speaker=A), *words("c d", 0.8, speaker=B), *words("e", 1.6, speaker=A)]
    assert [s.text for s in build_segments(between)[1]] == ["a b", "c d", "e"]
    long = words(" ".join(["word"] * 40 + ["end."] + ["more"] * 4), speaker=A)
    assert [s.num_words for s in build_segments(long)[1]] == [41, 4]


def test_a_segment_has_one_language_even_where_a_speaker_switches_without_a_pause() -> None:
    said = words("wie geht es you know how", speaker=A)
    switched = [replace(w, language="de" if i < 3 else "en") for i, w in enumerate(said)]
    assert [s.text for s in build_segments(switched)[1]] == ["wie geht es", "you know how"]


def test_overlapped_speech_is_not_split_into_words() -> None:
    both = sorted([*words("a b c d", 0.0, speaker=A), *words("x y z", 0.2, speaker=B)], key=lambda w: w.start_s)
    both = [make_word(w.start_s, w.end_s, w.text, speaker=w.speaker, is_overlap=True) for w in both]
    assert sorted(s.text for s in build_segments(tuple(both))[1]) == ["a b c d", "x y z"]


@given(
    st.lists(
        st.tuples(st.floats(0.0, 0.5), st.floats(0.1, 0.8), st.sampled_from(["x", "y."])), min_size=1, max_size=7
    ),
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.1, 3.0), st.sampled_from([A, B])), max_size=5),
)
def test_no_other_assignment_of_words_to_speakers_costs_less(
    rows: list[tuple[float, float, str]], spans: list[tuple[float, float, str]]
) -> None:
    spoken, at = [], 0.0
    for gap, length, text in rows:
        spoken.append(make_word(at + gap, at + gap + length, text))
        at += gap + length
    turns = sorted((Turn(s, s + d, k) for s, d, k in spans), key=lambda t: t.start_s)
    costs = [_compute_costs(w, turns)[0] for w in spoken]

    def total_cost(speakers: Sequence[str | None]) -> float:
        changes = zip(spoken, spoken[1:], speakers, speakers[1:], strict=False)
        return sum(c[str(s)] for c, s in zip(costs, speakers, strict=True)) + sum(
            _compute_change_cost(a, b) for a, b, x, y in changes if x != y
        )

    found = assign_speakers(spoken, turns)
    assert [replace(w, speaker=None, is_overlap=False) for w in found] == spoken
    assert total_cost([w.speaker for w in found]) <= min(map(total_cost, itertools.product(*costs))) + 1e-9


timed = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.01, 2), st.sampled_from([A, B, None]), st.sampled_from(["x", "y."])),
    max_size=40,
)


@given(timed)
def test_every_word_is_in_exactly_one_segment_and_segments_run_forwards(
    rows: list[tuple[float, float, str | None, str]],
) -> None:
    given_words = sorted(
        (make_word(s, s + d, t, speaker=k) for s, d, k, t in rows), key=lambda w: (w.start_s, w.end_s)
    )
    numbered, segments = build_segments(given_words)
    assert [s.index for s in segments] == list(range(len(segments)))
    assert [s.start_s for s in segments] == sorted(s.start_s for s in segments)
    for s in segments:
        mine = [w for w in numbered if w.segment == s.index]
        assert s.num_words == len(mine)
        assert s.text == " ".join(w.text for w in mine)
        assert {w.speaker for w in mine} == {s.speaker}
        assert s.start_s == min(w.start_s for w in mine)
        assert s.end_s == max(w.end_s for w in mine)
    assert sum(s.num_words for s in segments) == len(given_words)


@pytest.mark.parametrize("other", [A, B])
def test_turns_that_overlap_another_speaker_are_marked(other: str) -> None:
    marked = mark_overlaps([Turn(0, 5, A), Turn(4, 6, other), Turn(6, 7, B)])
    assert [t.is_overlap for t in marked] == ([True, True, False] if other == B else [False, False, False])
