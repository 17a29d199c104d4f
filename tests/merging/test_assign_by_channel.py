"""One speaker per channel: numbered by first turn, with turns where the channel has speech of its own."""

from __future__ import annotations

from tasks.intervals import Span
from tasks.merging.channels import assign_by_channel
from tasks.records import Turn, Word


def word(start_s: float, channel: int) -> Word:
    return Word(start_s, start_s + 0.4, "yes", channel=channel)


def test_speakers_are_numbered_in_order_of_their_first_turn() -> None:
    own_speech = [[Span(5, 8)], [Span(1, 3)]]
    words, turns = assign_by_channel([word(1.0, 1), word(5.0, 0)], own_speech)
    assert [(w.speaker, w.local_speaker, w.is_overlap) for w in words] == [
        ("SPEAKER_00", "1", False),
        ("SPEAKER_01", "0", False),
    ]
    assert turns == (Turn(1, 3, "SPEAKER_00", channel=1), Turn(5, 8, "SPEAKER_01", channel=0))


def test_a_channel_without_words_has_no_speaker() -> None:
    words, turns = assign_by_channel([word(1.0, 1)], [[Span(0, 1)], [Span(1, 3)], []])
    assert [w.speaker for w in words] == ["SPEAKER_00"]
    assert {t.channel for t in turns} == {1}


def test_words_during_another_channels_turn_are_overlapped() -> None:
    words, _ = assign_by_channel([word(1.0, 0), word(2.0, 1), word(4.0, 0)], [[Span(1, 5)], [Span(2, 3)]])
    assert [w.is_overlap for w in words] == [False, True, False]


def test_a_short_silence_does_not_end_a_turn() -> None:
    _, turns = assign_by_channel([word(1.0, 0)], [[Span(1, 2), Span(2.2, 3), Span(4, 5)]])
    assert [(t.start_s, t.end_s) for t in turns] == [(1, 3), (4, 5)]


def test_channels_without_speech_give_nothing() -> None:
    assert assign_by_channel([], [[], []]) == ((), ())
