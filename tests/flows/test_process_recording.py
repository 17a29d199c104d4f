"""The whole flow on real engines with the demo weights: its results, and which steps are cached."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from flows.reporting.progress import Snapshot, subscribe
from tasks.errors import DaylongError, MachineFault, MissingWeights, NoRoom
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder
from tasks.records import STEPS
from tasks.settings.home import sample
from tasks.storage import disk_space
from tasks.weights import resolve
from tests.helpers.chat_service import run_chat_service
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.usefixtures("prefect_server")

SMALL_CHUNKS = {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 10}


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """The sample's first two and a half minutes."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "clip of the sample.flac"
    soundfile.write(path, decode(sample(), Span(0.0, 150.0)), 16_000)
    return path


def process(path: Path, out: Path, *, together: list[str] | None = None, **settings: Any) -> Outcome:
    from flows.process_recording import process_recording

    given = {"profile": "demo", "out": str(out), "chunking": SMALL_CHUNKS, **settings}
    return process_recording(str(path), given, together)


@pytest.fixture(scope="module")
def first(clip: Path, home: Path) -> tuple[Outcome, list[Snapshot]]:
    """A first run, and the snapshots of its progress."""
    seen: list[Snapshot] = []
    with subscribe(seen.append):
        outcome = process(clip, home / "out")
    return outcome, seen


def rows(out: str, table: str) -> list[dict[str, Any]]:
    found = duckdb.sql(f"select * from read_parquet('{out}/{table}/*/*.parquet')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def cached(out: str) -> dict[str, bool]:
    """Whether every chunk's step came from the cache, by step."""
    chunks = [c for c in rows(out, "chunks") if c["status"] == "complete"]
    return {s: all(c[f"{s}_cached"] for c in chunks) for s in STEPS if any(c[f"{s}_s"] is not None for c in chunks)}


def test_a_recording_becomes_tables_and_subtitles(first: tuple[Outcome, list[Snapshot]]) -> None:
    outcome, _ = first
    assert outcome["status"] == "complete"
    assert outcome["num_chunks"] >= 3
    assert outcome["num_speakers"] >= 2
    assert outcome["language"] == "en"
    assert {p.name for p in Path(outcome["exports"]).iterdir()} == {
        "report.html",
        *(f"transcript.{s}" for s in ("srt", "vtt", "txt", "json", "rttm", "ctm", "seglst.json")),
    }
    words = rows(outcome["out"], "words")
    assert len(words) == outcome["num_words"] > 100
    assert all(0 <= w["start_s"] <= w["end_s"] <= 150.1 for w in words)
    (recording,) = rows(outcome["out"], "recordings")
    assert recording["num_words"] == len(words)
    assert json.loads(recording["models"]).keys() == {"transcription", "embedding", "punctuation"}
    assert {w["run_id"] for w in words} == {recording["run_id"]}


def test_progress_is_reported_from_start_to_end(first: tuple[Outcome, list[Snapshot]]) -> None:
    outcome, seen = first
    stages = list(dict.fromkeys(s.stage for s in seen))
    assert stages[:5] == ["probe", "speech map", "plan", "language", "chunks"]
    assert stages[-1] == "done"
    in_chunks = [s for s in seen if s.stage == "chunks"]
    assert [s.steps_done for s in in_chunks] == sorted(s.steps_done for s in in_chunks)
    assert in_chunks[-1].fraction == 1.0
    assert in_chunks[-1].chunks_done == outcome["num_chunks"]
    assert max(s.mapped_s for s in seen) == pytest.approx(150.0, abs=1.0)


def test_one_task_run_does_the_steps_of_a_chunk(first: tuple[Outcome, list[Snapshot]]) -> None:
    names = read_task_runs(first[0]["run_id"], awaited="publish").keys()
    chunks = sorted(name for name in names if name.startswith("chunk "))
    assert len(chunks) == first[0]["num_chunks"]
    assert chunks[0].startswith(f"chunk 1/{len(chunks)} · 00:00:00 – 00:00:")
    others = {"probe", "speech-map", "plan", "language", "linking", "seams", "merging", "publish"}
    assert others <= names <= {*others, *chunks, "transcribe seams"}


def test_progress_is_an_artifact_in_prefect(first: tuple[Outcome, list[Snapshot]]) -> None:
    from prefect.artifacts import Artifact

    found = Artifact.get("daylong-progress")
    assert found is not None
    assert found.data == 100.0


def test_a_second_run_calls_no_engine(first: tuple[Outcome, list[Snapshot]], clip: Path, home: Path) -> None:
    again = process(clip, home / "out")
    assert again["engine_calls"] == 0
    assert again["steps_cached"] == again["steps"] == first[0]["steps"]
    for name in ("transcript.srt", "transcript.rttm", "transcript.ctm", "transcript.seglst.json"):
        assert (Path(again["exports"]) / name).is_file()
    assert again["num_words"] == first[0]["num_words"]


def test_a_run_translates_and_a_service_that_is_away_costs_no_transcript(
    first: tuple[Outcome, list[Snapshot]], clip: Path, home: Path
) -> None:
    with run_chat_service() as service:
        given = {"languages": "de", "base_url": service.url, "model": "some-model"}
        done = process(clip, home / "translated", translation=given)
    exports = Path(done["exports"])
    assert len(service.asked) > 0
    german, spoken = ((exports / f"transcript.{name}").read_text() for name in ("de.txt", "txt"))
    assert german != spoken
    assert [line[:10] for line in german.splitlines()] == [line[:10] for line in spoken.splitlines()]
    assert {r["status"] for r in rows(done["out"], "translations")} == {"translated"}
    gone = {**given, "base_url": "http://127.0.0.1:9/v1", "attempts": 1}
    left = process(clip, home / "untranslated", translation=gone)
    assert (left["status"], left["engine_calls"]) == ("complete", 0)
    assert not list((home / "untranslated").glob("translations/*"))


def test_cached_results_of_a_recording_are_noted_during_the_run_and_need_no_room_again(
    first: tuple[Outcome, list[Snapshot]], clip: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id, noted = first[0]["recording_id"], dict[str, frozenset[str]]()

    def note_keys(snapshot: Snapshot) -> None:
        noted.setdefault(snapshot.stage, usage.read_usage(recordings_folder(), recording_id))

    usage.delete_usage(recordings_folder(), [recording_id])
    with subscribe(note_keys):
        process(clip, home / "out noted")
    assert noted["plan"] == frozenset()
    assert {key.partition("/")[0] for key in noted["seams"]} >= {"speech-map", "transcription", "punctuation"}
    assert noted["seams"] < usage.read_usage(recordings_folder(), recording_id)

    need = 150 * (disk_space.CACHE_BYTES_S + disk_space.OUT_BYTES_S) + 2 * disk_space.LEAST_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=need - 1000))
    assert process(clip, home / "out noted")["engine_calls"] == 0
    usage.delete_usage(recordings_folder(), [recording_id])
    with pytest.raises(NoRoom):
        process(clip, home / "out noted")


def test_files_of_one_recording_give_the_words_of_the_uncut_one(
    first: tuple[Outcome, list[Snapshot]], clip: Path, home: Path
) -> None:
    sound, _ = soundfile.read(clip, dtype="int16")
    day = home / "monday"
    day.mkdir()
    for i, part in enumerate(np.split(sound, [700_001, 1_500_007])):  # somewhere within words
        soundfile.write(day / f"{i}.wav", part, 16_000)
    outcome = process(day, home / "parts")
    assert outcome["source_name"] == "monday"
    split_words, uncut_words = rows(outcome["out"], "words"), rows(first[0]["out"], "words")
    for what in ("word", "start_s", "end_s", "speaker"):
        assert [w[what] for w in split_words] == [
            w[what] for w in uncut_words if w["recording_id"] == first[0]["recording_id"]
        ]
    (recording,) = rows(outcome["out"], "recordings")
    assert [(p["name"], p["start_s"]) for p in recording["parts"]] == [
        ("0.wav", 0.0),
        ("1.wav", 700_001 / 16_000),
        ("2.wav", 1_500_007 / 16_000),
    ]
    # its files, named one by one, are the same recording
    again = process(day / "2.wav", home / "parts", together=[str(day / "0.wav"), str(day / "1.wav")])
    assert again["recording_id"] == outcome["recording_id"]
    assert again["engine_calls"] == 0


@pytest.mark.usefixtures("first")
def test_another_punctuation_setting_repeats_punctuation_and_nothing_before_it(clip: Path, home: Path) -> None:
    process(clip, home / "always", punctuation={"mode": "always"})
    found = cached(str(home / "always"))
    assert found == {"transcription": True, "punctuation": False, "embedding": True, "diarization": True}


REAL_RECOGNISER = {"compute_type": "float32", "max_speech_s": 8.0}
"""What suits the bundled one where its folder is named: it is taken for one that punctuates, as real ones do."""


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("offered", "found"),
    [("punctuation", True), ("punctuation", False), (None, False)],
    ids=["fetched when text comes without marks", "gone when it is needed", "not reachable"],
)
def test_punctuation_s_weights_are_fetched_when_they_are_needed(
    clip: Path,
    home: Path,
    tmp_path: Path,
    demo_models: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    offered: str | None,
    found: bool,
) -> None:
    def fetch(*_: object) -> Path:
        if not found:
            raise MissingWeights("gone")
        return demo_models / "punctuation"

    monkeypatch.setattr(resolve.hub, "find_offered_commit", lambda _: offered)
    monkeypatch.setattr(resolve.hub, "find_cached", lambda *_: None)
    monkeypatch.setattr(resolve, "fetch", fetch)
    model = f"no/body-{offered}-{found}"
    outcome = process(
        clip,
        tmp_path,
        transcription={"model": str(demo_models / "whisper"), **REAL_RECOGNISER},
        punctuation={"model": model},
    )
    assert outcome["status"] == "complete"
    assert any(row["word"].endswith((".", "?")) for row in rows(str(tmp_path), "words")) == found
    said = [record for record in caplog.records if "without punctuation" in record.getMessage()]
    assert len(said) == (0 if found else 1)
    (recording,) = rows(str(tmp_path), "recordings")
    named = json.loads(recording["models"]).get("punctuation")
    assert named == (f"{model} ({model}@punctuation)" if found else None)
    assert cached(str(tmp_path))["transcription"]
    assert read_task_states(outcome["run_id"]) <= {"Completed", "Cached"}
    if offered and not found:
        monkeypatch.setattr(resolve, "fetch", lambda *_: demo_models / "punctuation")
        process(
            clip,
            tmp_path,
            transcription={"model": str(demo_models / "whisper"), **REAL_RECOGNISER},
            punctuation={"model": model},
        )
        assert any(row["word"].endswith((".", "?")) for row in rows(str(tmp_path), "words"))


def read_task_states(run_id: str) -> set[str]:
    """The names of the states in which the tasks of a run ended."""
    return set(read_task_runs(run_id).values()) - {"Pending", "Running"}


def read_task_runs(run_id: str, awaited: str | None = None) -> dict[str, str]:
    """The names of the states of a run's task runs, by their names, once one is called `awaited`."""
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))

    def read() -> dict[str, str]:
        return {run.name: str(run.state_name) for run in client.read_task_runs(flow_run_filter=of_run)}

    with get_client(sync_client=True) as client:
        # Task runs reach the server as events, some moments later.
        wait_until(lambda: awaited in read() if awaited else len(read()) > 3)
        return read()


@pytest.mark.usefixtures("first")
def test_a_worker_s_run_that_is_asked_to_end_is_handed_back_after_its_chunks(
    clip: Path, home: Path, monkeypatch: pytest.MonkeyPatch
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
            process_recording(str(clip), given)
    state = ended.value.state
    assert (state.name, state.is_scheduled()) == ("AwaitingRetry", True)
    assert not (home / "handed back" / "recordings").exists()
    assert process_recording(str(clip), given)["engine_calls"] == 0


@pytest.mark.usefixtures("first")
def test_another_number_of_speakers_repeats_only_linking_and_later_steps(clip: Path, home: Path) -> None:
    outcome = process(clip, home / "two", diarization={"num_speakers": 2})
    assert outcome["engine_calls"] == 0
    assert outcome["num_speakers"] == 2
    assert all(cached(str(home / "two")).values())


@pytest.mark.usefixtures("first")
def test_each_chunk_may_have_a_language_of_its_own(clip: Path, home: Path) -> None:
    outcome = process(clip, home / "languages", transcription={"language": "per-chunk"})
    assert outcome["language"] == "en"
    assert {c["language"] for c in rows(outcome["out"], "chunks") if c["status"] == "complete"} == {"en"}
    (recording,) = rows(outcome["out"], "recordings")
    assert 0.9 < recording["language_confidence"] <= 1.0
    found = cached(outcome["out"])
    assert found["embedding"]
    assert not found["transcription"]


@pytest.mark.usefixtures("first")
def test_with_steps_switched_off_their_engines_are_never_imported(clip: Path, home: Path) -> None:
    from prefect.settings import PREFECT_API_URL

    code = (
        "import sys, json, flows\n"
        "from flows.process_recording import process_recording\n"
        "light = sorted({'torch', 'nemo'} & set(sys.modules))\n"
        f"out = process_recording({str(clip)!r}, dict(profile='demo', out={str(home / 'plain')!r},"
        f" chunking={SMALL_CHUNKS!r}, diarization=dict(engine='off'), punctuation=dict(mode='never'),"
        " transcription=dict(batch_size=7)))\n"
        "heavy = {'nemo', 'demucs', 'deepmultilingualpunctuation', 'transformers'} & set(sys.modules)\n"
        "print(json.dumps([light, sorted(heavy), out['engine_calls']]))\n"
    )
    results = str(home / "data" / "cache" / "results")
    environment = os.environ | {
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "PREFECT_LOCAL_STORAGE_PATH": results,
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    light, heavy, calls = json.loads(done.stdout.splitlines()[-1])
    assert light == []
    assert heavy == []
    assert calls > 0
    assert {w["speaker"] for w in rows(str(home / "plain"), "words")} == {None}
    assert rows(str(home / "plain"), "turns") == []


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_engines_in_the_runs_own_process_give_the_same_words(clip: Path, home: Path) -> None:
    outcome = process(
        clip, home / "own", models={"run_in": "process"}, diarization={"engine": "off"},
        punctuation={"mode": "never"}, transcription={"batch_size": 6},
    )  # fmt: skip
    assert outcome["engine_calls"] > 0
    words = [w["word_raw"] for w in rows(str(home / "own"), "words")]
    here = [w["word_raw"] for w in rows(str(home / "out"), "words")]
    assert len(words) > 0.9 * len(here)


def test_separation_changes_the_source_of_every_step(clip: Path, home: Path) -> None:
    outcome = process(clip, home / "separated", separation={"mode": "always"})
    assert cached(str(home / "separated")) == dict.fromkeys(STEPS, False)
    assert outcome["num_words"] > 100
    (recording,) = rows(str(home / "separated"), "recordings")
    assert "separation" in json.loads(recording["models"])


def test_silence_gives_valid_empty_outputs_and_calls_no_engine_of_a_chunk(home: Path) -> None:
    path = home / "silence.wav"
    soundfile.write(path, np.zeros(16_000 * 40, np.float32), 16_000)
    outcome = process(path, home / "silent")
    assert (outcome["num_words"], outcome["num_speakers"], outcome["steps"]) == (0, 0, 0)
    assert outcome["status"] == "complete"
    for table in ("words", "turns", "segments", "speakers"):
        assert rows(str(home / "silent"), table) == []
    assert [c["status"] for c in rows(str(home / "silent"), "chunks")] == ["no_speech"]
    assert (Path(outcome["exports"]) / "transcript.vtt").read_text().startswith("WEBVTT")


def test_weights_that_do_not_load_fail_the_recording_in_one_line(clip: Path, home: Path) -> None:
    broken = home / "broken.nemo"
    broken.write_bytes(b"not an archive")
    with pytest.raises(MachineFault, match=r"^diarization/speaker-model can't be loaded"):
        process(clip, home / "broken", diarization={"embedding_model": str(broken)})
    assert list((home / "broken").rglob("*")) == []


def test_missing_weights_are_reported_before_any_work(clip: Path, home: Path) -> None:
    seen: list[Snapshot] = []
    with subscribe(seen.append), pytest.raises(DaylongError, match=r"there is no such file or folder"):
        process(clip, home / "missing", transcription={"model": "/nowhere/at/all"})
    assert seen == []
