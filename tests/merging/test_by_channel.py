"""A speaker a channel: numbered by who speaks first, with turns where each channel has speech of its own."""

from __future__ import annotations

from tasks.intervals import Span
from tasks.merging.channels import by_channel
from tasks.records import Turn, Word


def word(start_s: float, channel: int) -> Word:
    return Word(start_s, start_s + 0.4, "yes", channel=channel)


def test_who_speaks_first_is_the_first_speaker() -> None:
    own = [[Span(5, 8)], [Span(1, 3)]]
    words, turns = by_channel([word(1.0, 1), word(5.0, 0)], own)
    assert [(w.speaker, w.local_speaker, w.is_overlap) for w in words] == [
        ("SPEAKER_00", "1", False),
        ("SPEAKER_01", "0", False),
    ]
    assert turns == (Turn(1, 3, "SPEAKER_00", channel=1), Turn(5, 8, "SPEAKER_01", channel=0))


def test_a_channel_without_words_has_no_speaker() -> None:
    words, turns = by_channel([word(1.0, 1)], [[Span(0, 1)], [Span(1, 3)], []])
    assert [w.speaker for w in words] == ["SPEAKER_00"]
    assert {t.channel for t in turns} == {1}


def test_words_under_another_s_turn_are_in_overlap() -> None:
    words, _ = by_channel([word(1.0, 0), word(2.0, 1), word(4.0, 0)], [[Span(1, 5)], [Span(2, 3)]])
    assert [w.is_overlap for w in words] == [False, True, False]


def test_a_breath_does_not_end_a_turn() -> None:
    _, turns = by_channel([word(1.0, 0)], [[Span(1, 2), Span(2.2, 3), Span(4, 5)]])
    assert [(t.start_s, t.end_s) for t in turns] == [(1, 3), (4, 5)]


def test_nobody_speaks() -> None:
    assert by_channel([], [[], []]) == ((), ())
