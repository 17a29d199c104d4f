"""A recogniser's pieces of text, and those that a letter of a script without blanks is."""

from __future__ import annotations

import pytest

from tasks.transcription.pieces import begin_segment, read_pieces


@pytest.mark.parametrize(
    ("text", "begun"),
    [("Yes", " Yes"), (" Yes", " Yes"), ("«Oui", " «Oui"), ("今", "今"), (".5", ".5"), ("...", "..."), ("", "")],
)
def test_the_first_piece_of_an_engines_segment_begins_a_word(text: str, begun: str) -> None:
    assert begin_segment(text) == begun


def test_letters_of_one_piece_share_its_time() -> None:
    pieces = list(read_pieces([{"word": "天气。", "start": 0.0, "end": 0.3, "probability": 0.9}]))
    assert [p.text for p in pieces] == ["天", "气", "。"]
    assert [(p.start_s, p.end_s) for p in pieces] == [
        pytest.approx((0.0, 0.15)),
        pytest.approx((0.15, 0.3)),
        pytest.approx((0.3, 0.3)),
    ]
    assert {p.confidence for p in pieces} == {0.9}


def test_a_blank_at_the_end_of_a_piece_precedes_the_next() -> None:
    pieces = list(read_pieces([{"word": "Hello "}, {"word": "world"}, {"word": " \u0000"}, {"word": "."}]))
    assert [(p.text, p.space) for p in pieces] == [("Hello", False), ("world", True), (".", True)]
    assert {(p.start_s, p.end_s, p.confidence) for p in pieces} == {(None, None, None)}
