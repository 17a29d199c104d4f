"""The whole flow again, with the same or other settings: which steps come from the cache."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.reporting.outcome import Outcome
from flows.reporting.progress import Snapshot, subscribe
from tasks.errors import NoRoom
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder
from tasks.records import STEPS
from tasks.storage import disk_space
from tests.helpers.whole_runs import SMALL_CHUNKS, find_cached_steps, process, read_rows

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_second_run_calls_no_engine(
    first_run: tuple[Outcome, list[Snapshot]], sample_clip: Path, home: Path
) -> None:
    again = process(sample_clip, home / "out")
    assert again["engine_calls"] == 0
    assert again["steps_cached"] == again["steps"] == first_run[0]["steps"]
    for name in ("transcript.srt", "transcript.rttm", "transcript.ctm", "transcript.seglst.json"):
        assert (Path(again["exports"]) / name).is_file()
    assert again["num_words"] == first_run[0]["num_words"]


def test_cached_results_of_a_recording_are_noted_during_the_run_and_need_no_room_again(
    first_run: tuple[Outcome, list[Snapshot]], sample_clip: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id, noted = first_run[0]["recording_id"], dict[str, frozenset[str]]()

    def note_keys(snapshot: Snapshot) -> None:
        noted.setdefault(snapshot.stage, usage.read_usage(recordings_folder(), recording_id))

    usage.delete_usage(recordings_folder(), [recording_id])
    with subscribe(note_keys):
        process(sample_clip, home / "out noted")
    assert noted["plan"] == frozenset()
    assert {key.partition("/")[0] for key in noted["seams"]} >= {"speech-map", "transcription", "punctuation"}
    assert noted["seams"] < usage.read_usage(recordings_folder(), recording_id)

    need = 150 * (disk_space.CACHE_BYTES_S + disk_space.OUT_BYTES_S) + 2 * disk_space.LEAST_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=need - 1000))
    assert process(sample_clip, home / "out noted")["engine_calls"] == 0
    usage.delete_usage(recordings_folder(), [recording_id])
    with pytest.raises(NoRoom):
        process(sample_clip, home / "out noted")


@pytest.mark.usefixtures("first_run")
def test_another_punctuation_setting_repeats_punctuation_and_nothing_before_it(sample_clip: Path, home: Path) -> None:
    process(sample_clip, home / "always", punctuation={"mode": "always"})
    found = find_cached_steps(home / "always")
    assert found == {"transcription": True, "punctuation": False, "embedding": True, "diarization": True}


@pytest.mark.usefixtures("first_run")
def test_another_number_of_speakers_repeats_only_linking_and_later_steps(sample_clip: Path, home: Path) -> None:
    outcome = process(sample_clip, home / "two", diarization={"num_speakers": 2})
    assert outcome["engine_calls"] == 0
    assert outcome["num_speakers"] == 2
    assert all(find_cached_steps(home / "two").values())


@pytest.mark.usefixtures("first_run")
def test_each_chunk_may_have_a_language_of_its_own(sample_clip: Path, home: Path) -> None:
    outcome = process(sample_clip, home / "languages", transcription={"language": "per-chunk"})
    assert outcome["language"] == "en"
    assert {c["language"] for c in read_rows(outcome["out"], "chunks") if c["status"] == "complete"} == {"en"}
    (recording,) = read_rows(outcome["out"], "recordings")
    assert 0.9 < recording["language_confidence"] <= 1.0
    found = find_cached_steps(outcome["out"])
    assert found["embedding"]
    assert not found["transcription"]


def test_separation_changes_the_source_of_every_step(sample_clip: Path, home: Path) -> None:
    outcome = process(sample_clip, home / "separated", separation={"mode": "always"})
    assert find_cached_steps(home / "separated") == dict.fromkeys(STEPS, False)
    assert outcome["num_words"] > 100
    (recording,) = read_rows(home / "separated", "recordings")
    assert "separation" in json.loads(recording["models"])


@pytest.mark.usefixtures("first_run")
def test_a_worker_s_run_that_is_asked_to_end_is_handed_back_after_its_chunks(
    sample_clip: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.exceptions import Pause, TerminationSignal

    from flows.process_recording import process_recording
    from flows.recording import chunks
    from flows.reporting import run_account

    def terminate(*_: object) -> None:
        raise TerminationSignal(signal.SIGTERM)

    given: Any = {"profile": "demo", "out": str(home / "handed back"), "chunking": SMALL_CHUNKS}
    with monkeypatch.context() as patch:
        patch.setattr(chunks, "log_chunk", terminate)
        patch.setattr(run_account, "in_worker", lambda: True)
        with pytest.raises(Pause) as ended:
            process_recording(str(sample_clip), given)
    state = ended.value.state
    assert (state.name, state.is_scheduled()) == ("AwaitingRetry", True)
    assert not (home / "handed back" / "recordings").exists()
    assert process_recording(str(sample_clip), given)["engine_calls"] == 0
