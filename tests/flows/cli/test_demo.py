"""`daylong demo --profile demo` in a process of its own, scored against the sample's exact script.

`make test` gives it a minute of the sample; the slow tests process and score the sample as it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.dataset.read import recordings
from tasks.evaluation.words import is_meeteval_installed
from tasks.intervals import format_clock
from tasks.settings.home import sample
from tests.helpers.recipe_questions import QUESTIONS_FOLDER, find_agreed_answer
from tests.helpers.sample_voices import find_in_files, read_columns
from tests.helpers.sound_files import cut_sample

REFERENCES = [str(sample().with_suffix(".stm")), str(sample().with_suffix(".rttm"))]
DEMO = ("demo", "--profile", "demo")
A_MINUTE = "a minute of the sample"
THE_SAMPLE = pytest.param("the sample", marks=pytest.mark.slow)
# The sample first, as below: pytest sorts by the position of a parameter, and the last test forgets what others use.
of_any_length = pytest.mark.parametrize("place", [THE_SAMPLE, A_MINUTE], indirect=True, scope="module")
of_the_sample = pytest.mark.parametrize("place", [THE_SAMPLE], indirect=True, scope="module")


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the demo. Where a recording lies in it, that one is the sample."""
    folder = tmp_path_factory.mktemp("demo")
    if request.param == A_MINUTE:
        cut_sample(folder / "roundtable.flac", 60.0)
    return folder


MAIN = "from flows.cli.main import main; main()"
OTHER_SAMPLE = "from pathlib import Path; from tasks.settings import home; home.sample = lambda: Path({!r}); "
LATER = """
import json, sys
import flows
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

with get_client(sync_client=True) as client:
    run = client.read_flow_run(sys.argv[1])
    of = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    tasks = client.read_task_runs(flow_run_filter=of)
    said = client.request("POST", "/logs/filter", json={"logs": {"flow_run_id": {"any_": [str(run.id)]}}}).json()
    artifacts = client.request("POST", "/artifacts/filter", json={"flow_runs": of.model_dump(mode="json")}).json()
print(json.dumps({
    "name": run.name, "state": run.state_name, "tasks": [[t.name, t.state_name] for t in tasks],
    "said": [s["message"] for s in said], "artifacts": [a["key"] for a in artifacts],
}))
"""


def daylong(place: Path, *arguments: str, code: str = MAIN) -> subprocess.CompletedProcess[str]:
    """Run the command with a home, a Prefect database and a cache of its own, and no hub."""
    environment = os.environ | {
        "DAYLONG_HOME": str(place),
        "PREFECT_HOME": str(place / "prefect"),
        "PREFECT_LOCAL_STORAGE_PATH": str(place / "data" / "cache" / "results"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_OFFLINE": "1",
    }
    short = place / "roundtable.flac"
    if short.is_file():
        code = OTHER_SAMPLE.format(str(short)) + code
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="module")
def demo(place: Path) -> subprocess.CompletedProcess[str]:
    return daylong(place, *DEMO)


@pytest.fixture(scope="module")
def scores(place: Path, demo: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    file = place / "scores.json"
    transcripts = str(place / "data" / "transcripts")
    done = daylong(place, "evaluate", "--json", str(file), "--reference", *REFERENCES, transcripts)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(file.read_text())
    return dict(found)


@of_any_length
def test_the_demo_succeeds_and_prints_where_its_results_lie(
    demo: subprocess.CompletedProcess[str], place: Path
) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "SPEAKER_00" in demo.stdout
    assert "transcripts" in demo.stdout
    assert "Traceback" not in demo.stderr
    assert len(list((place / "data" / "transcripts" / "recordings").rglob("*.parquet"))) == 1


@of_any_length
def test_its_history_is_available_to_a_server_that_is_started_later(
    demo: subprocess.CompletedProcess[str], place: Path
) -> None:
    assert demo.returncode == 0
    (row,) = recordings(place / "data" / "transcripts")
    later = daylong(place, row["run_id"], code=LATER)
    assert later.returncode == 0, later.stderr
    history = json.loads(later.stdout.splitlines()[-1])
    assert (history["name"], history["state"]) == (f"roundtable · {format_clock(row['duration_s'])}", "Completed")
    tasks = [name for name, _ in history["tasks"]]
    assert sum(name.startswith("chunk ") for name in tasks) == row["num_chunks"], tasks
    for step in ("transcription", "embedding", "diarization"):
        assert sum(line.startswith(f"{step} done in ") for line in history["said"]) >= row["num_chunks"]
    assert {"probe", "speech-map", "plan", "linking", "publish"} <= set(tasks)
    assert {state for _, state in history["tasks"]} <= {"Completed", "Cached"}
    assert any("Done: " in line for line in history["said"])
    assert any(key.startswith("transcript-roundtable-") for key in history["artifacts"])


@of_any_length
def test_a_second_demo_calls_no_engine_and_reports_it(demo: subprocess.CompletedProcess[str], place: Path) -> None:
    assert demo.returncode == 0
    again = daylong(place, *DEMO)
    assert again.returncode == 0, again.stderr
    assert "no engine was called" in again.stdout


@of_the_sample
@pytest.mark.parametrize("question", sorted(p.stem for p in QUESTIONS_FOLDER.glob("*.sql")))
def test_the_ten_questions_have_one_answer_each(
    question: str, demo: subprocess.CompletedProcess[str], place: Path
) -> None:
    assert demo.returncode == 0
    answer = find_agreed_answer(question, place / "data" / "transcripts")
    # There is one recording, and clustering finds one speaker at a time.
    assert bool(answer) == (question not in ("speaker_across_recordings", "overlaps", "who_interrupts_whom"))


@of_the_sample
def test_who_spoke_when_is_right_enough(scores: dict[str, Any]) -> None:
    found = scores["diarization"]
    print(f"DER {found['der']:.3f} (collar 0, overlap scored)")
    assert found["der"] <= 0.15
    assert found["speakers_found"] == found["speakers_reference"] == 4


@of_the_sample
def test_it_prints_its_scores(demo: subprocess.CompletedProcess[str], scores: dict[str, Any]) -> None:
    rate = f"DER {100 * scores['diarization']['der']:.1f} %, WER "
    assert f"Against the exact script: 4 of 4 speakers found, {rate}" in demo.stdout


@of_the_sample
def test_a_speaker_who_returns_keeps_her_label(scores: dict[str, Any]) -> None:
    (dora,) = [s for s in scores["speakers"] if s["reference"] == "dora"]
    assert dora["found"] is not None
    assert dora["absence"]["share_before"] > 0.8
    assert dora["absence"]["share_after"] > 0.8


@of_the_sample
def test_the_words_are_right_enough_under_the_right_names(scores: dict[str, Any]) -> None:
    if not is_meeteval_installed():
        pytest.skip("cpWER needs MeetEval, which has to be compiled: pip install -e '.[scoring]'")
    print(f"cpWER {scores['words']['cpwer']:.3f}, tcpWER {scores['words']['tcpwer']:.3f}")
    assert scores["words"]["cpwer"] <= 0.16


NAME = "Xanthippe Ölçer"


def find_name(place: Path) -> list[str]:
    """List the subtitles, report and tables that contain the name."""
    out = place / "data" / "transcripts"
    (row,) = recordings(out)
    folder = out / "exports" / row["recording_id"]
    found = [
        name for name in ("transcript.srt", "transcript.vtt", "report.html") if NAME in (folder / name).read_text()
    ]
    for table in ("speakers", "segments"):
        if (NAME,) in read_columns(out, table, row["recording_id"], "speaker_name"):
            found.append(table)
    return found


@of_the_sample
def test_a_name_lasts_and_is_forgotten_when_asked_to(demo: subprocess.CompletedProcess[str], place: Path) -> None:
    everywhere = ["transcript.srt", "transcript.vtt", "report.html", "speakers", "segments"]
    voices = daylong(place, "speakers", "list").stdout.splitlines()[1:5]
    renamed = daylong(place, "speakers", "rename", voices[0].split()[0], NAME)
    assert renamed.returncode == 0, renamed.stderr
    assert find_name(place) == everywhere
    assert daylong(place, *DEMO).returncode == 0
    assert find_name(place) == everywhere
    other = daylong(
        place, "run", str(sample()), "--profile", "demo", "--speakers", "3", "--set", "punctuation.mode=never"
    )
    assert other.returncode == 0, other.stderr
    assert f"{NAME} (SPEAKER_" in other.stdout
    assert find_name(place) == everywhere
    forgotten = daylong(place, "speakers", "forget", NAME, "--yes")
    assert forgotten.returncode == 0, forgotten.stderr
    assert find_name(place) == []
    # Wherever this machine keeps anything of it: results, cache, voices, Prefect's database.
    assert find_in_files(NAME, place) == []
    assert find_in_files(voices[0].split()[0], place) == []
