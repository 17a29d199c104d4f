"""Windows: what the recogniser is given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, measure_union_s, subtract
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.speech import GRID_S, Packing, Window, cut_at_quietest, pack_windows

WITHIN = Span(0.0, 300.0)
times = st.floats(0, 300, allow_nan=False)
speech_maps = st.lists(st.tuples(times, st.floats(0.05, 90)).map(lambda t: Span(t[0], t[0] + t[1])), max_size=25)
packings = st.builds(
    Packing, st.sampled_from([4.0, 8.0, 28.0, 30.0]), st.sampled_from([0.5, 2.0, 3.0]), st.sampled_from([0.0, 0.4])
)


def pieces(windows: list[Window]) -> list[Span]:
    return [piece for window in windows for piece in window.pieces]


@given(speech_maps, packings)
@example([Span(299.99999999999994, 300.99999999999994)], Packing(4.0, 0.5, 0.0))
def test_all_speech_is_covered_once_and_no_window_is_too_long(speech: list[Span], packing: Packing) -> None:
    found = pack_windows(speech, WITHIN, packing)
    assert measure_union_s(subtract(clip(speech, WITHIN), pieces(found))) == pytest.approx(0, abs=1e-6)
    assert all(w.duration_s <= packing.max_s + 1e-6 for w in found)
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(pieces(found)))
    assert all(WITHIN.start_s <= s.start_s < s.end_s <= WITHIN.end_s for s in pieces(found))


@given(speech_maps, packings)
def test_a_window_holds_no_long_pause(speech: list[Span], packing: Packing) -> None:
    longest = max(packing.kept_pause_s, 2 * packing.pad_s) + 2 * GRID_S
    for window in pack_windows(speech, WITHIN, packing):
        assert all(p.duration_s <= longest for p in subtract(window.pieces, speech))


@given(speech_maps, packings)
def test_windows_are_as_full_as_their_last_pause_allows(speech: list[Span], packing: Packing) -> None:
    found = pack_windows(speech, WITHIN, packing)
    for window, following in itertools.pairwise(found):
        spoken = clip(speech, window.span) + clip(speech, following.span)
        assert (
            packing.measure_s(spoken) > packing.max_s - packing.overhead_s or window.duration_s >= packing.max_s / 3
        )


def test_a_window_ends_at_the_longest_pause_of_its_later_half() -> None:
    speech = [Span(0, 3), Span(3.1, 6), Span(6.9, 9), Span(9.1, 12)]
    found = pack_windows(speech, WITHIN, Packing(10.0, pad_s=0.0))
    assert pieces(found) == [Span(0.0, 6.0), Span(6.9, 12.0)]


def test_pauses_stay_and_long_ones_are_shortened() -> None:
    speech = [Span(1, 4), Span(5.5, 9), Span(60, 61)]
    (window,) = pack_windows(speech, WITHIN, Packing(28.0, kept_pause_s=2.0, pad_s=0.4))
    assert window.pieces == (Span(0.6, 9.4), Span(59.6, 61.4))


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 20 * SAMPLE_RATE_HZ).astype(np.float32)
    samples[int(9.2 * SAMPLE_RATE_HZ) : int(9.3 * SAMPLE_RATE_HZ)] = 0
    packing = Packing(14.0, pad_s=0.0)
    first, second = pieces(pack_windows([Span(0, 20)], Span(0, 20), packing, cut_at_quietest(samples)))
    assert first.end_s == pytest.approx(9.25, abs=0.06)
    assert second.start_s == first.end_s


def test_room_stays_apart_from_the_neighbour() -> None:
    first, second = pack_windows([Span(1, 4), Span(4.1, 7)], WITHIN, Packing(4.0, pad_s=0.2))
    assert first.span.end_s == second.span.start_s == pytest.approx(4.05)


@given(speech_maps, packings, st.floats(0, 1))
def test_a_place_in_a_window_is_found_again_in_the_samples(
    speech: list[Span], packing: Packing, share: float
) -> None:
    for window in pack_windows(speech, WITHIN, packing):
        found = window.find_time(share * window.duration_s)
        assert any(p.start_s <= found <= p.end_s for p in window.pieces)
        before = sum((clipped.duration_s for clipped in clip(window.pieces, Span(0.0, found))), 0.0)
        assert before == pytest.approx(share * window.duration_s, abs=1e-6)
