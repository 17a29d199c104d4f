"""Spans of one language each, out of what is detected in pieces of some seconds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, measure_union_s, merge_spans
from tasks.transcription.language import Detection
from tasks.transcription.language_spans import MAX_PIECE_S, find_language_spans, split_for_detection

speech_maps = st.lists(
    st.tuples(st.floats(0, 900), st.floats(0.2, 40)).map(lambda t: Span(t[0], t[0] + t[1])), max_size=30
)
CODES = ("de", "en", "fr")


def detected(code: str, probability: float = 0.97) -> Detection:
    return [(code, probability), *((other, (1 - probability) / 2) for other in CODES if other != code)]


def languages(*detections: Detection, piece_s: float = 4.0) -> list[tuple[str, float, float]]:
    """(language, start, end) of the spans of pieces of so many seconds, one after the other."""
    pieces = [Span(i * piece_s, (i + 1) * piece_s) for i in range(len(detections))]
    return [(f.language, f.span.start_s, f.span.end_s) for f in find_language_spans(pieces, detections)]


@given(speech_maps)
def test_pieces_are_short_and_cover_all_speech_without_overlap(speech: list[Span]) -> None:
    pieces = split_for_detection(speech)
    assert all(p.duration_s <= MAX_PIECE_S + 1e-6 for p in pieces)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in itertools.pairwise(pieces))
    covered = sum(measure_union_s(clip(merge_spans(speech), p)) for p in pieces)
    assert covered == pytest.approx(measure_union_s(speech), abs=1e-6)


def test_a_long_pause_parts_pieces_and_speech_is_cut_where_it_pauses_longest() -> None:
    speech = [Span(0, 2), Span(2.2, 3.4), Span(3.9, 6), Span(20, 23)]
    assert split_for_detection(speech) == [Span(0, 3.4), Span(3.9, 6), Span(20, 23)]


def test_speech_without_a_pause_is_cut_evenly() -> None:
    assert split_for_detection([Span(0, 9)]) == [Span(0, 4.5), Span(4.5, 9)]


def test_one_language_after_the_other() -> None:
    found = languages(*[detected("de")] * 3, *[detected("en")] * 5, *[detected("fr")] * 2)
    assert found == [("de", 0, 12), ("en", 12, 32), ("fr", 32, 40)]


def test_an_uncertain_piece_does_not_interrupt_its_surroundings() -> None:
    assert languages(*[detected("en")] * 4, detected("de", 0.6), *[detected("en")] * 4) == [("en", 0, 36)]


def test_a_short_piece_weighs_less_than_a_long_one() -> None:
    pieces = [Span(0, 4), Span(4, 4.3), Span(5, 9)]
    found = find_language_spans(pieces, [detected("en"), detected("de", 0.95), detected("en")])
    assert [f.language for f in found] == ["en"]


def test_a_certain_piece_is_a_switch() -> None:
    assert [code for code, *_ in languages(*[detected("en")] * 4, *[detected("de", 0.999)] * 2)] == ["en", "de"]


def test_a_language_that_is_detected_once_in_long_speech_is_an_error() -> None:
    many: list[Detection] = [[("en", 1.0)]] * 60
    many[30] = [("ar", 0.9), ("en", 0.1)]
    assert [code for code, *_ in languages(*many)] == ["en"]


def test_pieces_without_a_detection_go_with_their_neighbours() -> None:
    assert languages(detected("de"), [], detected("de")) == [("de", 0, 12)]
    assert languages() == languages([]) == []


def test_the_confidence_is_that_of_the_detections() -> None:
    sure = find_language_spans([Span(0, 4)], [[("de", 0.99), ("en", 0.01)]])
    unsure = find_language_spans([Span(0, 4)], [[("de", 0.55), ("en", 0.45)]])
    assert (sure[0].language, unsure[0].language) == ("de", "de")
    assert unsure[0].confidence == pytest.approx(0.55, abs=0.01)
    assert sure[0].confidence == pytest.approx(0.99)


@given(
    st.lists(
        st.tuples(st.sampled_from(CODES), st.floats(0.34, 1.0)).map(lambda t: detected(*t)), min_size=1, max_size=40
    )
)
def test_spans_tile_the_pieces_and_neighbours_differ(detections: list[Detection]) -> None:
    found = languages(*detections, piece_s=3.0)
    assert found[0][1] == 0
    assert found[-1][2] == 3.0 * len(detections)
    assert all(a[2] == b[1] and a[0] != b[0] for a, b in itertools.pairwise(found))


@given(st.lists(st.sampled_from(CODES), min_size=1, max_size=30))
def test_confidences_are_probabilities(codes: list[str]) -> None:
    pieces = [Span(5.0 * i, 5.0 * i + 4) for i in range(len(codes))]
    found = find_language_spans(pieces, [detected(code) for code in codes])
    assert all(0 < f.confidence <= 1 for f in found)
