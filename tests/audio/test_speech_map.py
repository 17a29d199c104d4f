"""The speech of a whole recording, found a few minutes at a time."""

from __future__ import annotations

import contextlib
import threading
import tracemalloc
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.audio import speech_map as module
from tasks.audio.decode import stream
from tasks.audio.probe import probe
from tasks.audio.speech_map import Silero, build_speech_map, compute_ahead, load, measure_energy_db
from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tests.helpers.sound_files import make_noise

RATE = 16_000
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "roundtable.opus"


@pytest.fixture(scope="module")
def silero() -> Silero:
    return load()


def loud(samples: np.ndarray) -> list[Span]:
    """Every tenth of a second that isn't silent: a detector that needs no context."""
    step = RATE // 10
    return merge_spans(
        Span(i / RATE, min(i + step, len(samples)) / RATE)
        for i in range(0, len(samples), step)
        if samples[i : i + step].any()
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=120), st.integers(1, 40), st.integers(0, 15_999))
def test_window_borders_neither_cut_nor_add_speech(seconds: list[bool], pieces: int, odd: int) -> None:
    wave = np.repeat(np.array(seconds, np.float32), RATE)
    wave = wave[: len(wave) - odd] if len(wave) > odd else wave
    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        context.setattr(module, "_CORE_S", 20.0)
        context.setattr(module, "_CONTEXT_S", 2.0)
        found = build_speech_map(iter(np.array_split(wave, pieces)), loud, len(wave) / RATE)
    expected = loud(wave)
    assert measure_union_s(subtract(expected, found.speech)) < 1e-6
    assert measure_union_s(subtract(found.speech, expected)) < 1e-6
    np.testing.assert_allclose(found.energy_db, measure_energy_db(wave), atol=0.01)


def test_silero_in_windows_equals_silero_on_whole(silero: Silero, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = stream(SAMPLE, 60)
    wave = np.concatenate([next(blocks) for _ in range(4)])
    whole = silero.find_speech(wave)
    monkeypatch.setattr(module, "_CORE_S", 40.0)
    found = build_speech_map(iter(np.array_split(wave, 29)), silero.find_speech, len(wave) / RATE)
    assert measure_union_s(whole) > 60
    apart = measure_union_s(subtract(whole, found.speech)) + measure_union_s(subtract(found.speech, whole))
    assert apart / measure_union_s(whole) < 0.03
    borders = [Span(40.0 * k - 0.1, 40.0 * k + 0.1) for k in range(1, 6)]
    lost = intersect(subtract(whole, found.speech), borders)
    invented = intersect(subtract(found.speech, whole), borders)
    assert measure_union_s([*lost, *invented]) < 0.1


def test_silero_finds_real_speech(silero: Silero, shared_data: Path) -> None:
    path = shared_data / "stereo" / "ls2_stereo.flac"
    rows = [line.split() for line in path.with_suffix(".rttm").read_text().splitlines()]
    said = merge_spans(Span(float(r[3]), float(r[3]) + float(r[4])) for r in rows)
    found = build_speech_map(stream(path), silero.find_speech, probe(path).duration_s)
    assert measure_union_s(subtract(said, found.speech)) / measure_union_s(said) < 0.03
    assert measure_union_s(subtract(found.speech, said)) / measure_union_s(said) < 0.06
    assert found.speech_s == pytest.approx(measure_union_s(said), rel=0.05)


def test_silence_and_empty_have_no_speech(silero: Silero) -> None:
    quiet = build_speech_map(iter([np.zeros(30 * RATE, np.float32)]), silero.find_speech, 30.0)
    assert quiet.speech == ()
    assert quiet.energy_db.tolist() == [-100.0] * 60
    nothing = build_speech_map(iter([]), silero.find_speech, 0.0)
    assert (nothing.speech, len(nothing.energy_db)) == ((), 0)


def test_noise_is_not_speech(silero: Silero) -> None:
    assert build_speech_map(iter([make_noise(20)]), silero.find_speech, 20.0).speech_s < 1


def test_fifth_of_a_second(silero: Silero) -> None:
    found = build_speech_map(iter([make_noise(0.2)]), silero.find_speech, 0.2)
    assert len(found.energy_db) == 1


def test_levels() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    levels = measure_energy_db(np.concatenate([tone, 0.1 * tone, tone[:100]]))
    assert levels.dtype == np.float16
    np.testing.assert_allclose(levels[:4], [-3.01, -3.01, -23.01, -23.01], atol=0.02)
    assert len(levels) == 5


def test_memory_is_bounded() -> None:
    def blocks(count: int) -> Iterator[np.ndarray]:
        for _ in range(count):
            yield np.zeros(60 * RATE, np.float32)

    def peak(count: int) -> int:
        tracemalloc.start()
        build_speech_map(blocks(count), lambda samples: [], 60.0 * count)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(60) < 1.3 * peak(8)


def test_next_window_is_read_ahead() -> None:
    reading: list[str] = []

    def items() -> Generator[int, None, None]:
        try:
            for i in (1, 2, 3):
                reading.append(f"{i} in {threading.current_thread().name}")
                made[i].set()
                yield i
        finally:
            reading.append("closed")

    made = {i: threading.Event() for i in (1, 2, 3)}
    first = compute_ahead(items())
    assert next(first) == 1
    assert made[2].wait(10)
    assert list(first) == [2, 3]
    assert [r.split(" in ")[0] for r in reading] == ["1", "2", "3", "closed"]
    assert all("daylong-ahead" in r for r in reading[:3])


def test_compute_ahead_closes_source_and_passes_errors() -> None:
    closed = []

    def failing() -> Generator[int, None, None]:
        try:
            yield 1
            raise OSError("gone")
        finally:
            closed.append(True)

    with contextlib.closing(compute_ahead(failing())) as stopped:
        assert next(stopped) == 1
    assert closed == [True]
    with pytest.raises(OSError, match="gone"):
        list(compute_ahead(failing()))
