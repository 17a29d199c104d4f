"""The speech map by several copies of the detector: the same as by one, wherever engines run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import soundfile

from tasks.audio import detectors as module
from tasks.audio import speech_map
from tasks.audio.decode import decode, load, reference_audio
from tasks.audio.detectors import MOST_THREADS, SILERO, Detectors, count_threads, name_copy
from tasks.audio.probe import probe
from tasks.audio.task import MapJob, Watcher, map_speech
from tasks.engines.calls import EnginePool, Placement
from tasks.engines.engine import Call, Engine
from tasks.intervals import Span
from tasks.settings.home import sample
from tasks.step import Manifest, StepContext
from tasks.storage.artifacts import ArtifactStore

LENGTH_S = 60.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of the sample."""
    path = tmp_path_factory.mktemp("clip") / "a.flac"
    soundfile.write(path, decode(sample(), Span(0.0, LENGTH_S)), 16_000)
    return path


def make_place(folder: Path, pool: EnginePool) -> StepContext:
    return StepContext(ArtifactStore(str(folder)), load, engines=pool)


@contextmanager
def cut_short(cores: int) -> Iterator[None]:
    """Six windows of ten seconds, on so many cores."""
    with (
        patch.object(speech_map, "_CORE_S", 10.0),
        patch.object(speech_map, "_CONTEXT_S", 2.0),
        patch.object(module, "count_cores", lambda: cores),
    ):
        yield


def run_map(clip: Path, place: StepContext, cores: int) -> tuple[Manifest, list[float]]:
    """The step's manifest, and what it said of its progress."""
    recording, heard = probe(clip), list[float]()
    with cut_short(cores):
        found = map_speech.fn(MapJob(reference_audio(recording), recording.duration_s), place, Watcher(heard.append))
    return found, heard


def test_the_step_finds_the_same_with_any_number_of_cores(clip: Path, tmp_path: Path) -> None:
    place = make_place(tmp_path, EnginePool(Placement(run_in="process")))
    one, heard_by_one = run_map(clip, place, 1)
    three, heard_by_three = run_map(clip, place, 3)
    assert one["facts"]["speech_s"] > 20
    assert (one["artifacts"], one["facts"]) == (three["artifacts"], three["facts"])  # artifacts: named by content
    assert one["cost"]["engine_calls"] == three["cost"]["engine_calls"] == 6
    assert sorted(heard_by_one) == sorted(heard_by_three)
    assert three["cost"]["wait_s"] >= 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "placement",
    [Placement(run_in="child"), Placement(run_in="child", children=2), Placement(run_in="shared", idle_s=1.0)],
)
def test_wherever_engines_run_the_map_is_the_same(
    placement: Placement, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory(prefix="daylong", dir="/tmp", ignore_cleanup_errors=True) as sockets:
        monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
        here, there = EnginePool(Placement(run_in="process")), EnginePool(placement)
        try:
            expected, _ = run_map(clip, make_place(tmp_path, here), 1)
            found, heard = run_map(clip, make_place(tmp_path, there), 3)
        finally:
            there.unload()
    assert (found["artifacts"], found["facts"]) == (expected["artifacts"], expected["facts"])
    assert len(heard) == 6


def test_several_threads_are_answered_at_once_each_by_a_copy_of_its_own(tmp_path: Path) -> None:
    at_once, asked = threading.Barrier(3), list[Engine]()

    def answer(pool: EnginePool, engine: Engine, method: str, *args: Any) -> Call:
        asked.append(engine)
        at_once.wait(10)  # nobody passes it alone
        return Call([], run_s=1.0, wait_s=0.5, load_s=2.0)

    place = make_place(tmp_path, EnginePool(Placement(run_in="process")))
    detectors, meter = Detectors(place, 3), place.meter()
    with patch.object(EnginePool, "call", answer):
        threads = [threading.Thread(target=detectors.find_speech, args=[np.zeros(1, np.float32)]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(asked) == {SILERO, name_copy(1), name_copy(2)}
    assert {engine.name for engine in asked} == {SILERO.name}
    meter.include(detectors.meters)
    assert (meter.engine_calls, meter.wait_s, meter.load_s) == (3, 0.5, 2.0)  # side by side: no longer than one


def test_few_windows_need_few_copies(tmp_path: Path) -> None:
    asked = list[Engine]()

    def answer(pool: EnginePool, engine: Engine, method: str, *args: Any) -> Call:
        asked.append(engine)
        return Call([], run_s=1.0)

    detectors = Detectors(make_place(tmp_path, EnginePool(Placement(run_in="process"))), 6)
    with patch.object(EnginePool, "call", answer):
        for _ in range(3):
            detectors.find_speech(np.zeros(1, np.float32))
    assert asked == [SILERO] * 3


@pytest.mark.parametrize(("keep", "cores", "threads"), [("all", 2, 2), ("all", 64, MOST_THREADS), ("one", 64, 1)])
def test_there_is_a_thread_for_each_core(
    keep: Any, cores: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "count_cores", lambda: cores)
    assert count_threads(make_place(tmp_path, EnginePool(Placement(keep, "process")))) == threads
