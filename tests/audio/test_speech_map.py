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
from tasks.audio.speech_map import Silero, build_speech_map, load, measure_energy_db, work_side_by_side
from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.logs import add_log_fields, current_log_fields
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


def test_windows_found_by_several_threads_make_the_same_map(silero: Silero, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = stream(SAMPLE, 30)
    wave = np.concatenate([next(blocks) for _ in range(3)])
    monkeypatch.setattr(module, "_CORE_S", 10.0)
    monkeypatch.setattr(module, "_CONTEXT_S", 5.0)
    one, three = (
        build_speech_map(iter(np.array_split(wave, 13)), silero.find_speech, len(wave) / RATE, threads)
        for threads in (1, 3)
    )
    assert one.speech_s > 30
    assert one.speech == three.speech
    assert np.array_equal(one.energy_db, three.energy_db)


def count_up(made: list[int], to: int) -> Generator[int, None, None]:
    for i in range(to):
        made.append(i)
        yield i


def test_several_items_are_worked_on_at_once_and_answered_in_order() -> None:
    at_once = threading.Barrier(3)  # nobody passes it alone

    def work(item: int) -> int:
        at_once.wait(10)
        return 10 * item

    assert list(work_side_by_side(work, count_up([], 6), 3)) == [0, 10, 20, 30, 40, 50]


def test_while_items_are_worked_on_one_more_is_made_and_no_more() -> None:
    made: list[int] = []
    third_is_made = threading.Event()

    def items() -> Generator[int, None, None]:
        for i in count_up(made, 9):
            if i == 2:
                third_is_made.set()
            yield i

    def work(item: int) -> int:
        assert third_is_made.wait(10)  # the first two are at work until the third is there
        return item

    found = work_side_by_side(work, items(), 2)
    for i in range(7):
        assert (next(found), made[-1]) == (i, i + 2)
    assert list(found) == [7, 8]


def test_what_is_given_to_a_thread_has_the_callers_log_fields() -> None:
    with add_log_fields(recording="a"):
        found = list(work_side_by_side(lambda item: (item, current_log_fields()), count_up([], 2), 2))
    assert found == [(0, {"recording": "a"}), (1, {"recording": "a"})]


def test_work_side_by_side_closes_its_source_and_passes_errors() -> None:
    closed = []

    def failing() -> Generator[int, None, None]:
        try:
            yield 1
            raise OSError("gone")
        finally:
            closed.append(True)

    with contextlib.closing(work_side_by_side(abs, count_up([], 3), 1)) as stopped:
        assert next(stopped) == 0
    with pytest.raises(OSError, match="gone"):
        list(work_side_by_side(abs, failing(), 2))
    assert closed == [True]
    made: list[int] = []
    with pytest.raises(ZeroDivisionError):
        list(work_side_by_side(lambda item: 1 // item, count_up(made, 9), 1))
    assert made == [0, 1]  # and no more is begun
