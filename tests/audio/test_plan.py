"""Where a recording is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.audio.plan import plan
from tasks.intervals import Span, clip, merge_spans, subtract
from tasks.records import Chunk
from tasks.settings.schema import ChunkingSettings

SETTINGS = ChunkingSettings()
MINUTE = 60.0

unhurried = hypothesis_settings(deadline=None)  # a busy machine is no failure


@st.composite
def recordings(draw: st.DrawFn) -> tuple[float, list[Span], ChunkingSettings]:
    """(duration, speech, settings) of up to a day and a bit."""
    duration_s = draw(st.floats(0.1, 100_000, allow_nan=False))
    starts = draw(st.lists(st.floats(0, duration_s), max_size=30))
    lengths = draw(st.lists(st.floats(0.05, 4000), min_size=len(starts), max_size=len(starts)))
    speech = clip((Span(s, s + n) for s, n in zip(starts, lengths, strict=True)), Span(0, duration_s))
    shortest = draw(st.floats(0.5, 20))
    longest = draw(st.floats(max(1.0, shortest), 30))
    overlap = draw(st.sampled_from([0.0, 30.0, 120.0]))
    return duration_s, speech, ChunkingSettings(min_minutes=shortest, max_minutes=longest, overlap_s=overlap)


def borders(chunks: list[Chunk]) -> list[float]:
    return [c.core.end_s for c in chunks[:-1]]


@unhurried
@given(recordings())
def test_cores_tile_the_recording(given_: tuple[float, list[Span], ChunkingSettings]) -> None:
    duration_s, speech, settings = given_
    chunks = plan(duration_s, speech, None, settings)
    assert chunks[0].core.start_s == 0.0
    assert chunks[-1].core.end_s == duration_s
    assert all(a.core.end_s == b.core.start_s for a, b in itertools.pairwise(chunks))
    assert [c.index for c in chunks] == list(range(len(chunks)))


@unhurried
@given(recordings())
def test_lengths_are_in_range(given_: tuple[float, list[Span], ChunkingSettings]) -> None:
    duration_s, speech, settings = given_
    chunks = plan(duration_s, speech, None, settings)
    for chunk in chunks:
        assert chunk.core.duration_s <= settings.max_minutes * 60 + 1e-6
    for chunk in chunks[:-1]:
        assert chunk.core.duration_s >= settings.min_minutes * 60 - 1e-6
    roomy = settings.max_minutes - settings.min_minutes >= 1
    if len(chunks) > 1 and roomy:
        assert chunks[-1].core.duration_s >= 60 - 1e-6


@unhurried
@given(recordings())
def test_overlap_of_neighbours(given_: tuple[float, list[Span], ChunkingSettings]) -> None:
    duration_s, speech, settings = given_
    half = settings.overlap_s / 2
    for chunk in plan(duration_s, speech, None, settings):
        assert chunk.span == Span(max(0.0, chunk.core.start_s - half), min(duration_s, chunk.core.end_s + half))
        assert chunk.speech == tuple(clip(speech, chunk.span))


@unhurried
@given(recordings())
def test_border_lies_in_longest_silence(
    given_: tuple[float, list[Span], ChunkingSettings],
) -> None:
    duration_s, speech, settings = given_
    silences = subtract([Span(0, duration_s)], speech)
    for chunk in plan(duration_s, speech, None, settings)[:-1]:
        border, start = chunk.core.end_s, chunk.core.start_s
        earliest, latest = start + settings.min_minutes * 60, start + settings.max_minutes * 60
        if earliest <= duration_s - 60 < latest:
            latest = duration_s - 60
        inside = clip(silences, Span(earliest, latest))
        if inside:
            longest = max(s.duration_s for s in inside)
            mine = [s for s in inside if s.start_s <= border <= s.end_s]
            assert [s.duration_s for s in mine] == [pytest.approx(longest)]
            assert border == pytest.approx(mine[0].middle_s)
        else:
            assert border == latest


@unhurried
@given(st.floats(0.1, 15 * MINUTE))
def test_short_recording_is_one_chunk(duration_s: float) -> None:
    (only,) = plan(duration_s, [], None, SETTINGS)
    assert only.core == only.span == Span(0.0, duration_s)


def test_without_silence_border_is_quietest_moment() -> None:
    energy = np.full(round(40 * MINUTE * 2), -20, np.float16)
    energy[round(12.25 * MINUTE * 2)] = -35
    energy[round(9 * MINUTE * 2)] = -60  # too early
    chunks = plan(40 * MINUTE, [Span(0, 40 * MINUTE)], energy, SETTINGS)
    assert borders(chunks)[0] == 12.25 * MINUTE + 0.25


def test_without_silence_or_levels_cores_have_maximum_length() -> None:
    chunks = plan(40 * MINUTE, [Span(0, 40 * MINUTE)], None, SETTINGS)
    assert borders(chunks) == [15 * MINUTE, 30 * MINUTE]


def test_levels_that_end_early() -> None:
    chunks = plan(40 * MINUTE, [Span(0, 40 * MINUTE)], np.zeros(10, np.float16), SETTINGS)
    assert borders(chunks) == [15 * MINUTE, 30 * MINUTE]


def test_short_last_core_is_avoided() -> None:
    chunks = plan(15 * MINUTE + 5, [Span(0, 15 * MINUTE + 5)], None, SETTINGS)
    assert [c.core.duration_s for c in chunks] == [14 * MINUTE + 5, 60.0]


def test_short_last_core_where_unavoidable() -> None:
    rigid = ChunkingSettings(min_minutes=10, max_minutes=10)
    chunks = plan(10 * MINUTE + 5, [], None, rigid)
    assert [c.core.duration_s for c in chunks] == [600.0, 5.0]


def test_a_day_with_a_silent_night() -> None:
    speech = merge_spans(Span(at, at + 5) for at in [*range(0, 30_000, 6), *range(70_000, 86_000, 6)])
    chunks = plan(86_400.0, speech, None, SETTINGS)
    night = [c for c in chunks if not c.speech]
    assert 96 <= len(chunks) <= 144
    assert sum(c.core.duration_s for c in night) > 38_000
    assert all(c.speech_s == 0 for c in night)
