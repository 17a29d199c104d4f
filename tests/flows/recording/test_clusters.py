"""`runner = dask` and `runner = ray`: the same tables as with threads, and what is refused."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flows.recording import cluster_workers, runner_check
from flows.recording.chunk_result import ChunkResult, count_engine_calls
from flows.recording.chunk_steps import ChunkJob, StepWatcher, TrackJob
from flows.recording.cluster_workers import find_missing, place_workers, refuse_missing
from flows.recording.preparation import prepare
from flows.recording.ray_start import keep_signals
from flows.recording.runner_check import check_runner
from flows.reporting.outcome import Outcome
from tasks.engines.calls import EnginePool, Placement
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.pruning.prune import recordings_folder
from tasks.pruning.usage import read_usage
from tasks.records import Audio, Chunk, Part
from tasks.settings.load import load
from tests.helpers.dead_process import make_dead_process
from tests.helpers.sound_files import cut_sample
from tests.helpers.whole_runs import read_rows

NEEDS = {
    runner: pytest.mark.skipif(
        any(find_spec(name) is None for name in names), reason=f"prefect-{runner} is not installed"
    )
    for runner, names in runner_check.PACKAGES.items()
}
CLUSTERS = [pytest.param(runner, marks=needs) for runner, needs in NEEDS.items()]
OF_RUN = {"run_id", "processed_at", "wall_s"}
WORDS_ALONE = {"punctuation": {"mode": "never"}, "diarization": {"engine": "off"}}


@pytest.mark.parametrize(
    ("runner", "names"), [("dask", "distributed and prefect_dask"), ("ray", "ray and prefect_ray")]
)
def test_a_missing_package_is_refused_with_its_command(
    runner: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_check, "find_spec", lambda name: None)
    check_runner(load({"profile": "demo"}))
    with pytest.raises(UsageError) as refused:
        check_runner(load({"profile": "demo", "runner": runner}))
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"runner = {runner}: {names} is not installed.")
    assert f"pip install 'daylong[{runner}]'" in line


@pytest.mark.parametrize(("runner", "address"), [("dask", "tcp://host:8786"), ("ray", "host:6379"), ("ray", "auto")])
def test_the_runner_changes_no_result_and_no_digest(runner: str, address: str) -> None:
    elsewhere = load({"profile": "demo", "runner": runner, "runner_address": address})
    assert elsewhere.digest() == load({"profile": "demo"}).digest()


@pytest.mark.parametrize(
    ("runner", "address", "takes"),
    [
        ("dask", "host:8786", "takes a scheduler, tcp://host:8786"),
        ("dask", "auto", "takes a scheduler"),
        ("ray", "ray://host:10001", "takes auto or host:6379: Daylong must run on a machine of the cluster"),
        ("ray", "host", "takes auto or host:6379"),
    ],
)
def test_an_address_of_another_kind_is_refused_with_an_example(runner: str, address: str, takes: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"runner_address = {address}: runner = {runner} {takes}")):
        load({"profile": "demo", "runner": runner, "runner_address": address})


def test_sigterm_does_after_the_start_of_ray_what_it_did_before() -> None:
    received: list[int] = []

    def note(number: int, _frame: Any) -> None:
        received.append(number)

    def exit_as_ray_does(*_: Any) -> None:
        raise SystemExit

    def start_while_asked_to_end() -> None:
        with keep_signals():
            signal.signal(signal.SIGTERM, exit_as_ray_does)
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, note)
    try:
        with keep_signals():
            signal.signal(signal.SIGTERM, exit_as_ray_does)
        assert signal.getsignal(signal.SIGTERM) is note
        with pytest.raises(SystemExit):
            start_while_asked_to_end()
        assert received == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


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


def test_each_process_of_this_machine_sees_one_gpu() -> None:
    assert place_workers(Placement()) == [{}, {}]
    assert place_workers(Placement(children=3)) == [{}, {}, {}]
    gpus = [each["CUDA_VISIBLE_DEVICES"] for each in place_workers(Placement(gpus=(1, 0)))]
    assert gpus == ["1", "0"]


def test_what_a_worker_lacks_is_one_line(tmp_path: Path) -> None:
    here = version("daylong")
    assert find_missing(here, [str(tmp_path)]) is None
    assert find_missing(here, [str(tmp_path), "/nowhere/day.wav"]) == "does not see /nowhere/day.wav"
    assert find_missing("0.0", []) == f"has Daylong {here}, not 0.0"
    with pytest.raises(UsageError, match=r"auto: the worker 2 has Daylong 9, not 8\. All workers need"):
        refuse_missing({"1": None, "2": "has Daylong 9, not 8"}, "auto")


def test_folders_of_processes_that_were_ended_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_workers, "BASE", tmp_path)
    of_dead, of_living = (
        tmp_path / f"{cluster_workers.FOLDER}{pid}-x" for pid in (make_dead_process().pid, os.getpid())
    )
    for folder in (of_dead, of_living):
        (folder / "session").mkdir(parents=True)
    with cluster_workers.open_folder() as own:
        assert sorted(tmp_path.iterdir()) == sorted([of_living, own])
        assert own.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [of_living]


@pytest.mark.parametrize(
    ("runner", "address", "says"),
    [
        pytest.param("dask", "tcp://127.0.0.1:9", "no Dask scheduler answers there", marks=NEEDS["dask"]),
        pytest.param("ray", "127.0.0.1:9", "no Ray cluster answers there", marks=NEEDS["ray"]),
    ],
)
def test_an_address_where_nobody_answers_is_refused(
    runner: str, address: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_check, "CONNECT_S", 0.2)
    with pytest.raises(UsageError, match=re.escape(f"runner_address = {address}: {says}")):
        check_runner(load({"profile": "demo", "runner": runner, "runner_address": address}))


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """Two chunks. Only for this module: results are cached."""
    return cut_sample(home / "on a cluster.flac", 75.0, 410.0)


@pytest.fixture(scope="module")
def with_threads(clip: Path, home: Path, prefect_server: None) -> Outcome:
    return process(clip, home, "threads")


@pytest.mark.slow
@pytest.mark.parametrize("runner", CLUSTERS)
def test_two_processes_write_the_tables_that_threads_write(
    runner: str, clip: Path, home: Path, with_threads: Outcome
) -> None:
    on_cluster = process(clip, home, runner)
    assert on_cluster["num_chunks"] == 2
    for table in ("recordings", "words", "segments", "turns", "speakers", "chunks"):
        assert list_facts(on_cluster, table) == list_facts(with_threads, table), table
    for name in ("transcript.json", "transcript.srt", "report.html"):
        assert (Path(on_cluster["exports"]) / name).read_bytes() == (
            Path(with_threads["exports"]) / name
        ).read_bytes()
    same = ("engine_calls", "steps", "steps_cached", "num_words", "status")
    assert [on_cluster[name] for name in same] == [with_threads[name] for name in same]  # type: ignore[literal-required]
    assert on_cluster["steps_cached"] == 0
    assert on_cluster["engine_calls"] > 0
    used = read_usage(home / f"usage-{runner}", "keys")
    assert used == read_usage(home / "usage-threads", "keys") != frozenset()


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
    kept = [
        {k: v for k, v in row.items() if k not in OF_RUN and k not in costs} for row in read_rows(done["out"], table)
    ]
    return sorted(kept, key=str)
