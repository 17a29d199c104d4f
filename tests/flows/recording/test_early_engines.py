"""Engines are loaded before they are needed where a recording is new, and not where it comes from the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flows.recording import early_engines as module
from flows.recording.early_engines import LONG_S, is_new, list_engines, load_before_run, load_while_mapping
from flows.recording.preparation import Run, prepare
from flows.reporting.progress import Snapshot
from tasks.engines.calls import EnginePool, Placement
from tasks.pruning.prune import recordings_folder
from tasks.settings.load import load

Preloads = list[tuple[list[str], int]]


@pytest.fixture
def preloads() -> Iterator[Preloads]:
    """The names of engines that pools were asked to load ahead, and in how many children."""
    found: Preloads = []

    def note(_pool: EnginePool, engines: Any, children: int = 1) -> None:
        found.append(([engine.name for engine in engines], children))

    with patch.object(EnginePool, "preload", note):
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    return tmp_path


def make_run(home: Path, **settings: Any) -> Run:
    given = {"profile": "demo", "out": str(home / "out"), **settings}
    return prepare(load(given), EnginePool(Placement(run_in="process")))


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "a day.wav"
    path.write_bytes(b"sound")
    return path


def note_run(path: Path) -> None:
    """Note that a recording has been processed, as the flow does."""
    recordings_folder().mkdir(parents=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (recordings_folder() / f"a-day-{digest[:8]}.json").write_text("[]")


def test_a_recording_is_new_until_a_run_has_begun_with_it_also_under_another_name(file: Path) -> None:
    assert is_new([str(file)])
    note_run(file)
    assert not is_new([str(file)])
    copy = file.with_name("copy.wav")
    copy.write_bytes(file.read_bytes())
    assert not is_new([str(copy)])
    copy.write_bytes(b"other sound")
    assert is_new([str(copy)])


def test_what_cannot_be_looked_at_at_once_is_left_to_the_run(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_new([str(home)])
    assert not is_new([str(home / "nowhere.wav")])
    assert not is_new([str(file), str(file)])
    monkeypatch.setattr(module, "SMALL_BYTES", 4)
    assert not is_new([str(file)])


def test_engines_of_a_new_recording_are_loaded_before_the_run(file: Path, preloads: Preloads) -> None:
    settings = {"profile": "demo", "out": str(file.parent / "out"), "models": {"run_in": "process"}}
    load_before_run([str(file)], settings)
    ((names, children),) = preloads
    assert names[0] == "audio/silero"
    assert {"transcription/faster-whisper", "diarization/speaker-model"} <= set(names)
    assert children == 1
    note_run(file)
    load_before_run([str(file)], settings)
    assert len(preloads) == 1


def test_what_is_wrong_is_left_to_the_run(file: Path, preloads: Preloads) -> None:
    load_before_run([str(file)], {"profile": "demo", "exports": {"formats": ["none such"]}})
    assert preloads == []


def test_engines_of_a_long_recording_are_loaded_once_a_part_of_it_was_mapped(home: Path, preloads: Preloads) -> None:
    listen = load_while_mapping(make_run(home, chunking={"max_minutes": 15}), 3600.0)
    listen(Snapshot("a", "speech map"))
    listen(Snapshot("a", "chunks"))  # a map from the cache
    assert preloads == []
    listen(Snapshot("a", "speech map", mapped_s=180.0))
    listen(Snapshot("a", "speech map", mapped_s=360.0))
    ((names, children),) = preloads
    assert names[0] == "audio/silero"
    assert children == 4  # as many as it has chunks, at least


@pytest.mark.parametrize(("duration_s", "runner"), [(LONG_S - 1, "threads"), (3600.0, "dask")])
def test_not_of_a_short_one_nor_where_chunks_go_to_other_processes(
    duration_s: float, runner: str, home: Path, preloads: Preloads
) -> None:
    run = make_run(home)
    run.settings.__dict__["runner"] = runner
    load_while_mapping(run, duration_s)(Snapshot("a", "speech map", mapped_s=180.0))
    assert preloads == []


def test_engines_that_run_elsewhere_are_not_loaded(home: Path) -> None:
    given = {"engine": "openai", "base_url": "http://127.0.0.1:9", "allow_remote": True, "model": "any"}
    names = [engine.name for engine in list_engines(make_run(home, transcription=given))]
    assert "audio/silero" in names
    assert not any(name.startswith("transcription/") for name in names)
