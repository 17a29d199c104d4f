"""Engines and weights of the whole flow: loaded when they are needed, refused in a line when they are missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.reporting.progress import Snapshot, subscribe
from tasks.errors import DaylongError, MachineFault, MissingWeights
from tasks.weights import resolve
from tests.helpers.whole_runs import SMALL_CHUNKS, find_cached_steps, process, read_rows, read_task_states

pytestmark = pytest.mark.usefixtures("prefect_server")

REAL_RECOGNISER = {"compute_type": "float32", "max_speech_s": 8.0}
"""What suits the bundled one where its folder is named: it is taken for one that punctuates, as real ones do."""


@pytest.mark.usefixtures("first_run")
@pytest.mark.parametrize(
    ("offered", "found"),
    [("punctuation", True), ("punctuation", False), (None, False)],
    ids=["fetched when text comes without marks", "gone when it is needed", "not reachable"],
)
def test_punctuation_s_weights_are_fetched_when_they_are_needed(
    sample_clip: Path,
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
    given: dict[str, Any] = {
        "transcription": {"model": str(demo_models / "whisper"), **REAL_RECOGNISER},
        "punctuation": {"model": model},
    }
    outcome = process(sample_clip, tmp_path, **given)
    assert outcome["status"] == "complete"
    assert any(row["word"].endswith((".", "?")) for row in read_rows(tmp_path, "words")) == found
    said = [record for record in caplog.records if "without punctuation" in record.getMessage()]
    assert len(said) == (0 if found else 1)
    (recording,) = read_rows(tmp_path, "recordings")
    named = json.loads(recording["models"]).get("punctuation")
    assert named == (f"{model} ({model}@punctuation)" if found else None)
    assert find_cached_steps(tmp_path)["transcription"]
    assert read_task_states(outcome["run_id"]) <= {"Completed", "Cached"}
    if offered and not found:
        monkeypatch.setattr(resolve, "fetch", lambda *_: demo_models / "punctuation")
        process(sample_clip, tmp_path, **given)
        assert any(row["word"].endswith((".", "?")) for row in read_rows(tmp_path, "words"))


@pytest.mark.usefixtures("first_run")
def test_with_steps_switched_off_their_engines_are_never_imported(sample_clip: Path, home: Path) -> None:
    from prefect.settings import PREFECT_API_URL

    code = (
        "import sys, json, flows\n"
        "from flows.process_recording import process_recording\n"
        "light = sorted({'torch', 'nemo'} & set(sys.modules))\n"
        f"out = process_recording({str(sample_clip)!r}, dict(profile='demo', out={str(home / 'plain')!r},"
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
    assert {w["speaker"] for w in read_rows(home / "plain", "words")} == {None}
    assert read_rows(home / "plain", "turns") == []


@pytest.mark.slow
@pytest.mark.usefixtures("first_run")
def test_engines_in_the_runs_own_process_give_the_same_words(sample_clip: Path, home: Path) -> None:
    outcome = process(
        sample_clip, home / "own", models={"run_in": "process"}, diarization={"engine": "off"},
        punctuation={"mode": "never"}, transcription={"batch_size": 6},
    )  # fmt: skip
    assert outcome["engine_calls"] > 0
    words = [w["word_raw"] for w in read_rows(home / "own", "words")]
    here = [w["word_raw"] for w in read_rows(home / "out", "words")]
    assert len(words) > 0.9 * len(here)


def test_weights_that_do_not_load_fail_the_recording_in_one_line(sample_clip: Path, home: Path) -> None:
    broken = home / "broken.nemo"
    broken.write_bytes(b"not an archive")
    with pytest.raises(MachineFault, match=r"^diarization/speaker-model can't be loaded"):
        process(sample_clip, home / "broken", diarization={"embedding_model": str(broken)})
    assert list((home / "broken").rglob("*")) == []


def test_missing_weights_are_reported_before_any_work(sample_clip: Path, home: Path) -> None:
    seen: list[Snapshot] = []
    with subscribe(seen.append), pytest.raises(DaylongError, match=r"there is no such file or folder"):
        process(sample_clip, home / "missing", transcription={"model": "/nowhere/at/all"})
    assert seen == []
