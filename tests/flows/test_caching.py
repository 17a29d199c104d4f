"""Cached steps on a real Prefect server: what makes a key, and when a stored result is believed."""

from __future__ import annotations

import base64
import errno
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import PermanentError, TransientError
from tasks.intervals import Span
from tasks.records import Audio, Part, Sound
from tasks.settings.schema import TranscriptionSettings
from tasks.step import Manifest, Meter, StepContext, compute_found_digest
from tasks.storage.artifacts import ArtifactStore
from tasks.weights.resolve import ResolvedWeights

pytestmark = pytest.mark.usefixtures("prefect_server")


@dataclass(frozen=True, slots=True)
class Job:
    sound: Sound
    settings: TranscriptionSettings
    weights: ResolvedWeights


def job(path: str = "/a/x.wav", start: float = 0.0, beam: int = 5, digest: str = "d", where: str = "/w") -> Job:
    return Job(
        Sound(
            Audio("sha/mix", (Part("x", "sha", 0.0, 90.0, path),)),
            Span(start, start + 60.0),
            (Span(start, start + 5.0),),
        ),
        TranscriptionSettings(beam_size=beam),
        ResolvedWeights("transcription", "w", Path(where), digest),
    )


def read(*_: Any) -> Any:
    raise AssertionError("nothing is read here")


def place(folder: Path) -> StepContext:
    return StepContext(ArtifactStore(str(folder)), read)


Step = Callable[[str], tuple[Any, list[int]]]


@pytest.fixture
def step(request: pytest.FixtureRequest) -> Step:
    """Makes a step that counts its runs."""
    from tasks.caching import step_task

    def made(kind: str = "counted") -> tuple[Any, list[int]]:
        runs: list[int] = []

        @step_task(f"test-{kind}-{request.node.name}", version=1)
        def counted(job: Job, place: StepContext, before: Manifest | None = None) -> Manifest:
            runs.append(1)
            if kind == "transient" and len(runs) < 3:
                raise TransientError("not now")
            if kind == "permanent":
                raise PermanentError("x.wav: never")
            return Meter().manifest({"value": place.store.put_json("test", {"beam": job.settings.beam_size})}, n=1)

        return counted, runs

    return made


def ran(task: Any, *args: Any) -> tuple[str, Manifest]:
    """(name of the final state, manifest) of one run inside a flow."""
    from prefect import flow

    @flow(name="one-step", persist_result=False)
    def one() -> tuple[str, Manifest]:
        state = task(*args, return_state=True)
        return state.name, state.result()

    found: tuple[str, Manifest] = one()
    return found


def test_what_changes_the_result_makes_the_key_and_nothing_else() -> None:
    from tasks.caching import compute_step_key

    here, there = place(Path("/a")), place(Path("/b"))

    def key(job: Job, place: StepContext = here, before: Any = None) -> str:
        return compute_step_key("s", 1, {"job": job, "place": place, "before": before})

    assert key(job()) == key(job(path="/b/y.wav"), there) == key(job(where="/elsewhere"))
    assert len({key(job()), key(job(start=1.0)), key(job(beam=1)), key(job(digest="e"))}) == 4
    cheap = Meter().manifest({"words": "a/b"}, n=1)
    dear: Manifest = {**cheap, "cost": {**cheap["cost"], "seconds": 99.0}}
    assert key(job(), before=cheap) == key(job(), before=dear) != key(job(), before=None)
    assert key(job()).startswith("s/v1/")


def test_a_second_run_is_cached_and_the_manifest_is_really_stored(step: Step, home: Path) -> None:
    from tasks.caching import results_folder

    counted, runs = step("counted")
    first, again = ran(counted, job(), place(home / "a")), ran(counted, job(path="/moved.wav"), place(home / "a"))
    assert (first[0], again[0], len(runs)) == ("Completed", "Cached", 1)
    assert again[1] == first[1]
    assert len(list(results_folder().glob(f"{counted.name}/v1/*"))) == 1
    assert results_folder().is_relative_to(home)


def test_a_result_is_found_whether_the_step_ran_as_a_task_or_within_one(step: Step, home: Path) -> None:
    from flows.recording.step_runs import run_step

    counted, runs = step("counted")
    _, as_task = ran(counted, job(), place(home / "k"))
    within = run_step(counted, job(), place(home / "k"))
    assert (within.cached, within.manifest) == (True, as_task)
    other = run_step(counted, job(beam=1), place(home / "k"))
    assert ran(counted, job(beam=1), place(home / "k")) == ("Cached", other.manifest)
    assert len(runs) == 2


def test_a_result_whose_artifact_is_gone_or_damaged_is_made_again(step: Step, home: Path) -> None:
    counted, runs = step("counted")
    _, manifest = ran(counted, job(), place(home / "b"))
    value = home / "b" / manifest["artifacts"]["value"]
    value.write_bytes(b"damaged")
    assert ran(counted, job(), place(home / "b"))[0] == "Completed"
    value.unlink()
    assert ran(counted, job(), place(home / "b"))[0] == "Completed"
    assert ran(counted, job(), place(home / "b"))[0] == "Cached"
    assert len(runs) == 3


def test_transient_faults_are_tried_again_and_permanent_ones_are_not(step: Step, home: Path) -> None:
    from prefect.tasks import Task

    stubborn, tries = step("transient")
    assert isinstance(stubborn, Task)
    assert ran(stubborn.with_options(retry_delay_seconds=0), job(), place(home / "c"))[0] == "Completed"
    assert len(tries) == 3
    hopeless, tries = step("permanent")
    with pytest.raises(PermanentError, match="never"):
        ran(hopeless, job(), place(home / "c"))
    assert len(tries) == 1


def test_the_scheduled_flow_makes_room(home: Path) -> None:
    from flows.prune_cache import prune_cache
    from tasks.settings.home import cache

    old = ArtifactStore(str(cache() / "artifacts"))
    name = old.put("test", b"left behind by a run that died", ".bin")
    os.utime(Path(old.root) / name, (0, 0))
    assert prune_cache(older_than_days=None)["artifacts"] >= 1
    assert not old.has(name)


@pytest.mark.parametrize("how", ["edited", "cut off", "another's"])
def test_a_record_that_was_changed_by_hand_is_not_believed_and_named(
    step: Step, home: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    from tasks.caching import results_folder

    counted, runs = step("counted")
    ran(counted, job(), place(home / "e"))
    (record,) = (results_folder() / counted.name / "v1").iterdir()
    text = record.read_text()
    changed = {
        "edited": text.replace(r"\"n\": 1", r"\"n\": 2").replace(r"\"n\":1", r"\"n\":2"),
        "cut off": text[: len(text) // 2],
        "another's": text.replace(r"\"n\"", r"\"m\""),
    }[how]
    assert changed != text
    record.write_text(changed)
    state, manifest = ran(counted, job(), place(home / "e"))
    assert (state, manifest["facts"], len(runs)) == ("Completed", {"n": 1}, 2)
    assert f"{record} is gone, damaged or changed" in caplog.text


class Bomb:
    """What somebody would have unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = str(mark)

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self._mark,))


@pytest.mark.parametrize("how", ["pickled", "without a cost", "a cost in words", "an artifact elsewhere", "more"])
def test_a_record_that_no_step_wrote_is_neither_obeyed_nor_believed(
    step: Step, home: Path, tmp_path: Path, how: str
) -> None:
    from tasks.caching import results_folder

    counted, runs = step("counted")
    ran(counted, job(), place(home / "f"))
    (record,) = (results_folder() / counted.name / "v1").iterdir()
    stored = json.loads(record.read_text())
    manifest = json.loads(stored["result"])
    if how == "pickled":
        payload = pickle.dumps(Bomb(tmp_path / "unpickled"))
        payload += b"." * (-len(payload) % 3 + 1)  # pickle stops at the first; then base64 has no end of its own
        manifest = {base64.b64encode(payload).decode(): 0, **manifest}
        stored["metadata"]["serializer"] = {"type": "pickle"}
    elif how == "without a cost":
        del manifest["cost"]
    elif how == "a cost in words":
        manifest["cost"]["seconds"] = "many"
    elif how == "an artifact elsewhere":
        manifest["artifacts"] = {"value": "../../somewhere"}
        manifest["digest"] = compute_found_digest(manifest["artifacts"], manifest["facts"])
    else:
        manifest["more"] = 1
    stored["result"] = json.dumps(manifest)
    record.write_text(json.dumps(stored))
    assert ran(counted, job(), place(home / "f"))[0] == "Completed"
    assert len(runs) == 2
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("serializer", ["the step's", "Prefect's"])
def test_a_record_calls_no_function_that_it_names(step: Step, home: Path, tmp_path: Path, serializer: str) -> None:
    from prefect.serializers import JSONSerializer

    from tasks.caching import results_folder

    counted, _ = step("counted")
    ran(counted, job(), place(home / "i"))
    (record,) = (results_folder() / counted.name / "v1").iterdir()
    stored = json.loads(record.read_text())
    manifest = json.loads(stored["result"])
    called = tmp_path / "called"
    manifest["facts"] = {"n": {"__class__": "subprocess.getoutput", "data": {"cmd": f"touch {called}"}}}
    manifest["digest"] = compute_found_digest(manifest["artifacts"], manifest["facts"])
    stored["result"] = json.dumps(manifest)
    if serializer == "Prefect's":
        stored["metadata"]["serializer"] = JSONSerializer().model_dump()
    record.write_text(json.dumps(stored))
    ran(counted, job(), place(home / "i"))
    assert not called.exists()


def test_records_are_ours_to_look_at_wherever_this_prefect_keeps_results(
    step: Step, home: Path, tmp_path: Path
) -> None:
    from prefect.filesystems import LocalFileSystem
    from prefect.settings import PREFECT_DEFAULT_RESULT_STORAGE_BLOCK, temporary_settings

    from tasks.caching import results_folder

    LocalFileSystem(basepath=str(tmp_path / "theirs")).save("theirs", overwrite=True)
    counted, runs = step("counted")
    with temporary_settings({PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: "local-file-system/theirs"}):
        _, manifest = ran(counted, job(), place(home / "j"))
        assert len(list(results_folder().glob(f"{counted.name}/v1/*"))) == 1
        assert ran(counted, job(), place(home / "j")) == ("Cached", manifest)
        (home / "j" / manifest["artifacts"]["value"]).unlink()
        assert ran(counted, job(), place(home / "j"))[0] == "Completed"
    assert len(runs) == 2
    assert not (tmp_path / "theirs").exists()


def test_a_store_that_is_away_for_a_moment_costs_no_result(
    step: Step, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counted, runs = step("counted")
    _, manifest = ran(counted, job(), place(home / "g"))
    real, away = ArtifactStore.get, [TransientError("the store can't be reached"), OSError(errno.ETIMEDOUT, "late")]

    def get(self: ArtifactStore, name: str) -> bytes:
        if away:
            raise away.pop()
        return real(self, name)

    monkeypatch.setattr(ArtifactStore, "get", get)
    for _ in range(3):
        assert ran(counted, job(), place(home / "g")) == ("Cached", manifest)
    assert len(runs) == 1
    assert caplog.text.count("can't be read now") == 2
