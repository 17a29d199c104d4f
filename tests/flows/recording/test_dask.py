"""`runner = dask`: the same tables as with threads, and what is refused."""

from __future__ import annotations

import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flows.recording import runner_check
from flows.recording.chunk_result import ChunkResult, count_engine_calls
from flows.recording.chunk_steps import ChunkJob, StepWatcher, TrackJob
from flows.recording.preparation import prepare
from flows.recording.runner_check import check_runner
from flows.reporting.outcome import Outcome
from tasks.engines.calls import EnginePool, Placement
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.pruning.prune import recordings_folder
from tasks.pruning.usage import read_usage
from tasks.records import Audio, Chunk, Part
from tasks.settings.load import load
from tests.flows.test_process_recording import rows
from tests.helpers.sound_files import cut_sample

needs_dask = pytest.mark.skipif(
    any(find_spec(name) is None for name in runner_check.PACKAGES), reason="prefect-dask is not installed"
)
OF_RUN = {"run_id", "processed_at", "wall_s"}
WORDS_ALONE = {"punctuation": {"mode": "never"}, "diarization": {"engine": "off"}}


def test_a_missing_package_is_refused_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_check, "find_spec", lambda name: None)
    check_runner(load({"profile": "demo"}))
    with pytest.raises(UsageError) as refused:
        check_runner(load({"profile": "demo", "runner": "dask"}))
    [line] = str(refused.value).splitlines()
    assert line.startswith("runner = dask: distributed and prefect_dask is not installed.")
    assert "pip install 'daylong[dask]'" in line


def test_the_runner_changes_no_result_and_no_digest() -> None:
    elsewhere = load({"profile": "demo", "runner": "dask", "runner_address": "tcp://host:8786"})
    assert elsewhere.digest() == load({"profile": "demo"}).digest()


def test_a_chunk_crosses_as_references_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    run = prepare(load({"profile": "demo"}), EnginePool(Placement(timeout_s=7.0)))
    day = Audio("key", (Part("day.wav", "0" * 64, 0.0, 86400.0, "/recordings/day.wav"),))
    speech = tuple(Span(at, at + 4.0) for at in range(0, 900, 5))
    track = TrackJob(Chunk(0, Span(0, 915), Span(0, 900), speech), day, "en")
    pickled = pickle.dumps(ChunkJob((track,), run, StepWatcher(lambda *_: None)))
    crossed = pickle.loads(pickled)
    assert crossed.tracks == (track,)
    assert crossed.run.settings == run.settings
    assert crossed.run.place.store == run.place.store
    assert crossed.run.place.read is run.place.read
    assert len(pickled) < 50_000


def test_engine_calls_of_other_processes_are_counted() -> None:
    chunk = Chunk(0, Span(0, 1), Span(0, 1), ())
    manifest: Any = {"cost": {"engine_calls": 3}}
    manifests = {"transcription": manifest, "embedding": manifest}
    from_cache = ({"embedding"}, set[str](), {"transcription", "embedding"})
    results = [ChunkResult(chunk, manifests=manifests, cached=frozenset(steps)) for steps in from_cache]
    assert count_engine_calls(results) == 9


@needs_dask
def test_each_process_of_this_machine_sees_one_gpu() -> None:
    from flows.recording.dask_cluster import place_workers

    assert place_workers(Placement()) == [{}, {}]
    assert place_workers(Placement(children=3)) == [{}, {}, {}]
    gpus = [each["CUDA_VISIBLE_DEVICES"] for each in place_workers(Placement(gpus=(1, 0)))]
    assert gpus == ["1", "0"]


@needs_dask
def test_an_address_where_nobody_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_check, "CONNECT_S", 0.2)
    with pytest.raises(UsageError, match=r"runner_address = tcp://127\.0\.0\.1:9: no Dask scheduler answers there"):
        check_runner(load({"profile": "demo", "runner": "dask", "runner_address": "tcp://127.0.0.1:9"}))


@needs_dask
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_cluster_of_two_processes_writes_the_tables_that_threads_write(home: Path) -> None:
    clip = cut_sample(home / "on a cluster.flac", 75.0, 410.0)
    threads, dask = (process(clip, home, runner) for runner in ("threads", "dask"))
    assert dask["num_chunks"] == 2
    for table in ("recordings", "words", "segments", "turns", "speakers", "chunks"):
        assert list_facts(dask, table) == list_facts(threads, table), table
    for name in ("transcript.json", "transcript.srt", "report.html"):
        assert (Path(dask["exports"]) / name).read_bytes() == (Path(threads["exports"]) / name).read_bytes()
    same = ("engine_calls", "steps", "steps_cached", "num_words", "status")
    assert [dask[name] for name in same] == [threads[name] for name in same]  # type: ignore[literal-required]
    assert dask["steps_cached"] == 0
    assert dask["engine_calls"] > 0
    assert read_usage(home / "usage-dask", "keys") == read_usage(home / "usage-threads", "keys") != frozenset()


def process(clip: Path, home: Path, runner: str) -> Outcome:
    """Process with a cache of the runner's own."""
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from flows.process_recording import process_recording

    given: Any = {
        "profile": "demo", "runner": runner, "out": str(home / f"out-{runner}"),
        "cache": {"store": str(home / f"store-{runner}")},
        "chunking": {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 10}, **WORDS_ALONE,
    }  # fmt: skip
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: home / f"results-{runner}"}):
        done = process_recording(str(clip), given)
    used = home / f"usage-{runner}"
    used.mkdir()
    (used / "keys.json").write_text(json.dumps(sorted(read_usage(recordings_folder(), done["recording_id"]))))
    return done


def list_facts(done: Outcome, table: str) -> list[dict[str, Any]]:
    """Rows of a table without the times and memory that a run took."""
    costs = tuple(f"transcription_{cost}" for cost in ("s", "wait_s", "peak_mb"))
    kept = [{k: v for k, v in row.items() if k not in OF_RUN and k not in costs} for row in rows(done["out"], table)]
    return sorted(kept, key=str)
