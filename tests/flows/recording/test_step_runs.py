"""Steps that run within another task run: cached by their keys, retried as their tasks say, side by side."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import flows  # noqa: F401  # sets what Prefect reads at its import
from flows.recording.chunk_result import ChunkResult
from flows.recording.chunk_steps import ChunkFailed, StepWatcher
from flows.recording.step_runs import PlannedStep, StepRun, run_step, run_steps
from tasks.caching import copy_used_keys, pop_used_keys, results_folder, step_task
from tasks.errors import PermanentError, TransientError
from tasks.intervals import Span
from tasks.records import Chunk
from tasks.step import Manifest, Meter, StepContext
from tasks.storage.artifacts import ArtifactStore


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StepContext]:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path / "results"))
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield StepContext(ArtifactStore(str(tmp_path / "artifacts")), lambda *_: pytest.fail("nothing is read"))


def make_step(name: str, do: Callable[[int], int] = lambda n: n) -> Any:
    """A step that keeps what `do` makes of the number that it is given, and retries without a pause."""

    @step_task(name, version=1)
    def keep(n: int, place: StepContext, before: Manifest | None = None) -> Manifest:
        return Meter().manifest({"value": place.store.put_json("test", {"n": do(n)})}, n=n)

    return keep.with_options(retry_delay_seconds=0)


def fail(error: Exception, times: int = 99) -> tuple[Callable[[int], int], list[int]]:
    tries: list[int] = []

    def do(n: int) -> int:
        tries.append(n)
        if len(tries) <= times:
            raise error
        return n

    return do, tries


def ignore(_step: str, _cached: bool) -> None:
    pass


def test_a_result_is_found_again_by_its_key_and_its_use_noted(place: StepContext) -> None:
    do, runs = fail(AssertionError(), times=0)
    step = make_step("counted", do)
    first, again, other = run_step(step, 1, place), run_step(step, n=1, place=place), run_step(step, 2, place)
    assert (first.cached, again.cached, other.cached) == (False, True, False)
    assert again.manifest == first.manifest != other.manifest
    assert again.key == first.key != other.key
    assert runs == [1, 2]
    assert first.key is not None
    assert (results_folder() / first.key).is_file()
    assert {first.key, other.key} <= copy_used_keys("None")
    pop_used_keys("None")


def test_a_result_whose_artifact_is_gone_is_made_again(place: StepContext) -> None:
    step = make_step("gone")
    first = run_step(step, 1, place)
    assert first.manifest is not None
    (Path(place.store.root) / first.manifest["artifacts"]["value"]).unlink()
    assert not run_step(step, 1, place).cached
    assert run_step(step, 1, place).cached


def test_with_prefect_s_refresh_set_the_step_runs_again(place: StepContext) -> None:
    from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings

    step = make_step("refreshed")
    run_step(step, 1, place)
    with temporary_settings({PREFECT_TASKS_REFRESH_CACHE: True}):
        assert not run_step(step, 1, place).cached
    assert run_step(step, 1, place).cached


def test_transient_faults_are_tried_three_times_and_others_once(place: StepContext) -> None:
    do, tries = fail(TransientError("not now"), times=2)
    assert run_step(make_step("transient", do), 1, place).manifest
    assert len(tries) == 3
    do, tries = fail(TransientError("not now"))
    assert isinstance(run_step(make_step("hopeless", do), 1, place).error, TransientError)
    assert len(tries) == 3
    for error in (PermanentError("x.wav: never"), ValueError("a bug")):
        do, tries = fail(error)
        assert run_step(make_step(type(error).__name__, do), 1, place).error is error
        assert len(tries) == 1


def test_retries_and_unexpected_errors_are_in_the_log(place: StepContext, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "daylong.steps"):
        run_step(make_step("shaky", fail(TransientError("not now"), times=1)[0]), 1, place)
        run_step(make_step("buggy", fail(ValueError("a bug"))[0]), 1, place)
    assert "shaky failed (not now); try 2 of 3" in caplog.text
    assert "buggy failed\nTraceback" in caplog.text


def test_a_result_that_cannot_be_kept_is_still_a_result(place: StepContext, caplog: pytest.LogCaptureFixture) -> None:
    results_folder().write_text("a file where the folder of records would be")
    assert run_step(make_step("kept"), 1, place).manifest
    assert "its record can't be written" in caplog.text


def test_steps_that_need_nothing_of_each_other_run_side_by_side(place: StepContext) -> None:
    both = threading.Barrier(2, timeout=60)

    def meet(n: int) -> int:
        return both.wait() * 0 + n

    plans = [[PlannedStep("a", make_step("a", meet), {"n": 1, "place": place})],
             [PlannedStep("a", make_step("a", meet), {"n": 2, "place": place})]]  # fmt: skip
    done = run_steps(plans, ignore)
    assert [run["a"].manifest["facts"]["n"] for run in done if run["a"].manifest] == [1, 2]


def test_a_step_gets_what_it_needs_and_fails_with_it(place: StepContext) -> None:
    ended: list[tuple[str, bool]] = []
    error = PermanentError("x.wav: never")

    def plan(first: Any) -> list[PlannedStep]:
        second = make_step("second")
        return [
            PlannedStep("first", first, {"n": 1, "place": place}),
            PlannedStep("second", second, {"n": 2, "place": place, "before": None}, {"before": "first"}),
        ]

    (done,) = run_steps([plan(make_step("first"))], lambda *end: ended.append(end))
    assert ended == [("first", False), ("second", False)]
    alone = run_step(make_step("second"), 2, place)
    assert done["second"].key != alone.key
    (done,) = run_steps([plan(make_step("broken", fail(error)[0]))], ignore)
    assert done["second"] == StepRun(error=error)


def test_results_and_failures_cross_to_another_process_and_progress_stays_here() -> None:
    chunk = Chunk(0, Span(0, 1), Span(0, 1), ())
    failed = ChunkFailed("never", (ChunkResult(chunk, error="transcription: never", cause=PermanentError("never")),))
    again = pickle.loads(pickle.dumps(failed))
    assert (str(again), again.results[0].error) == ("never", "transcription: never")
    calls: list[str] = []
    watcher = StepWatcher(lambda step, _: calls.append(step))
    watcher("here", False)
    pickle.loads(pickle.dumps(watcher))("there", False)
    assert calls == ["here"]
