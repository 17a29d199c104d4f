"""Speech that got no words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.transcription.holes import MIN_HOLE_S, find_holes
from tasks.transcription.words import DecodedWord

WITHIN = Span(0.0, 60.0)


def test_breaths_do_not_part_a_hole() -> None:
    said = [DecodedWord(31.5, 31.83, "home"), DecodedWord(36.75, 37.1, "Then")]
    speech = [Span(31.4, 31.9), Span(32.37, 33.30), Span(33.68, 35.19), Span(36.7, 37.2)]
    (hole,) = find_holes(said, speech, WITHIN)
    assert hole.speech[:2] == (Span(32.37, 33.30), Span(33.68, 35.19))
    assert hole.room.start_s == pytest.approx(31.93)
    assert hole.room.end_s == pytest.approx(36.65)


@given(st.lists(st.floats(0.1, 0.9), min_size=1, max_size=12), st.floats(0.1, 1.5))
def test_a_hole_counts_all_speech_between_two_words(pieces_s: list[float], breath_s: float) -> None:
    speech, at = [], 2.0
    for length in pieces_s:
        speech.append(Span(at, at + length))
        at += length + breath_s
    said = [DecodedWord(1.0, 1.5, "before"), DecodedWord(at + 1, at + 1.5, "after")]
    found = find_holes(said, speech, WITHIN)
    assert [hole.speech_s for hole in found] == pytest.approx([sum(pieces_s)] if sum(pieces_s) >= MIN_HOLE_S else [])


def test_speech_that_the_engine_gave_to_the_next_word_is_a_hole() -> None:
    said = [DecodedWord(146.8, 147.0, "me."), DecodedWord(147.05, 149.13, "And"), DecodedWord(149.13, 149.4, "I'm")]
    (hole,) = find_holes(said, [Span(145.8, 148.27), Span(149.0, 150.0)], Span(145.0, 149.5))
    assert hole.speech == (Span(147.1, 148.27),)


def test_a_long_word_is_no_hole() -> None:
    said = [DecodedWord(1.0, 2.3, "Donaudampfschifffahrt"), DecodedWord(2.4, 3.6, "incomprehensibilities")]
    assert find_holes(said, [Span(1.0, 3.6)], WITHIN) == []


def test_ends_of_a_recording_are_holes_too() -> None:
    speech = [Span(1.0, 4.0), Span(5.0, 9.0)]
    assert [h.speech for h in find_holes([], speech, WITHIN)] == [tuple(speech)]
    (before, after) = find_holes([DecodedWord(3.0, 3.4, "so")], speech, WITHIN)
    assert before.room.start_s == 0.0
    assert after.room.end_s == 60.0
