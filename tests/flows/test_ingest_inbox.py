"""The folder-watch on real engines with the demo weights: every file ends in done or in quarantine, once."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from flows.inbox import InboxEvent, listen_to_inbox, open_intake
from tasks.errors import UsageError
from tasks.intake.claim import Claim
from tasks.settings.home import sample
from tasks.settings.load import load

pytestmark = pytest.mark.usefixtures("prefect_server")

SETTINGS: dict[str, Any] = {"profile": "demo", "inbox": {"settle_seconds": 0.2, "patience_minutes": 0}}


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """Ten seconds of the sample, float32 at 16 kHz."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    return decode(sample(), Span(1.0, 11.0))


@pytest.fixture
def data(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`data/` of a home of its own, with an empty inbox; results of steps are shared."""
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("DAYLONG_CACHE__STORE", str(home / "data" / "cache" / "artifacts"))
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    return tmp_path / "data"


def ingest(**inbox: Any) -> tuple[dict[str, Any], list[InboxEvent]]:
    from flows.ingest_inbox import ingest_inbox

    events: list[InboxEvent] = []
    with listen_to_inbox(events.append):
        ended = ingest_inbox({**SETTINGS, "inbox": {**SETTINGS["inbox"], **inbox}})
    return dict(ended), events


def list_filed(data: Path) -> list[str]:
    return sorted(
        str(f.relative_to(data)) for place in ("done", "quarantine") for f in (data / place).rglob("*") if f.is_file()
    )


def read_rows(data: Path) -> list[dict[str, Any]]:
    from tasks.dataset.read import recordings

    return recordings(data / "transcripts")


def find_report_audio(folder: Path, place: str = "done") -> set[str]:
    """Find the names of the audio files that a report refers to, which must exist in `place`."""
    page = (folder / "report.html").read_text()
    (data,) = re.findall(r"<script[^>]*>({.*\"parts\":.*})</script>", page)
    found = [(folder / unquote(part["src"])).resolve() for part in json.loads(data)["parts"]]
    assert all(file.is_file() and place in file.parts for file in found)
    return {file.name for file in found}


def test_good_broken_urgent_duplicate_and_joined_files(data: Path, talk: np.ndarray) -> None:
    inbox = data / "inbox"
    soundfile.write(inbox / "2026-03-01_09-15-00.flac", talk, 16_000)
    (inbox / "urgent").mkdir()
    soundfile.write(inbox / "urgent" / "|<b>now.flac", talk[16_000:], 16_000)
    shutil.copy(inbox / "2026-03-01_09-15-00.flac", inbox / "the same.flac")
    (inbox / "broken.wav").write_bytes(b"RIFF????WAVE, but no sound")
    (inbox / "monday").mkdir()
    (inbox / "monday" / "_together").touch()
    soundfile.write(inbox / "monday" / "1.flac", talk[:80_000], 16_000)
    soundfile.write(inbox / "monday" / "2.flac", talk[80_000:], 16_000)
    (inbox / "half.wav.part").write_bytes(b"RIFF")

    ended, events = ingest()

    assert ended == {
        "done": 3, "partial": 0, "linked": 1, "quarantined": 1, "returned": 0, "waiting": 0, "stopped": None,
    }  # fmt: skip
    assert next(e.name for e in events if e.kind == "taken") == "urgent/|<b>now.flac"
    names = {Path(f).name for f in list_filed(data)}
    assert names == {
        "2026-03-01_09-15-00.flac", "|<b>now.flac", "the same.flac", "broken.wav", "error.json",
        "_together", "1.flac", "2.flac",
    }  # fmt: skip
    (error,) = data.glob("quarantine/*/error.json")
    assert "broken.wav" in json.loads(error.read_text())["what"]
    assert ".claimed" not in error.read_text()
    left = sorted(str(f.relative_to(inbox)) for f in inbox.rglob("*"))
    assert left == [".claimed", ".ledger.sqlite3", "half.wav.part", "urgent"]
    published = {r["source_name"]: r for r in read_rows(data)}
    assert set(published) == {"2026-03-01_09-15-00.flac", "|<b>now.flac", "monday"}
    assert published["2026-03-01_09-15-00.flac"]["recorded_at_source"] == "name"
    assert len(published["monday"]["parts"]) == 2

    for row in read_rows(data):
        assert find_report_audio(data / "transcripts" / "exports" / row["recording_id"]) == {
            p["name"] for p in row["parts"]
        }

    from prefect.artifacts import Artifact

    ledger = Artifact.get("daylong-inbox")
    assert ledger is not None
    assert "3 done, 1 linked, 1 quarantined" in ledger.data
    assert "<b>" not in ledger.data

    again, _ = ingest()
    assert sum(v for v in again.values() if isinstance(v, int)) == 0


def test_recording_published_by_a_dead_run_is_filed_without_processing(data: Path, talk: np.ndarray) -> None:
    from flows.process_recording import process_recording

    soundfile.write(data / "inbox" / "a.flac", talk, 16_000)
    dead_run = open_intake(load({**SETTINGS, "inbox": {"settle_seconds": 0}}))
    dead_run.scan()
    (candidate,) = dead_run.scan().ready
    claim = dead_run.take(candidate)
    assert isinstance(claim, Claim)
    outcome = process_recording(str(claim.path), SETTINGS, [])
    claim.lock.abandon()
    dead_run.close()

    ended, events = ingest()

    assert ended["done"] == 1
    assert [e.kind for e in events] == ["filed"]
    assert [r["run_id"] for r in read_rows(data)] == [outcome["run_id"]]
    assert [Path(f).name for f in list_filed(data)] == ["a.flac"]


def test_full_disk_counts_no_attempt(data: Path, talk: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    import tasks.storage.disk_space

    soundfile.write(data / "inbox" / "a.flac", talk, 16_000)
    soundfile.write(data / "inbox" / "b.flac", talk[::-1], 16_000)
    monkeypatch.setattr(tasks.storage.disk_space, "LEAST_BYTES", 1 << 60)
    for _ in range(4):
        ended, _ = ingest(attempts=1)
        assert ended["returned"] == 1
        assert "are needed" in str(ended["stopped"])
    assert sorted(f.name for f in (data / "inbox").glob("*.flac")) == ["a.flac", "b.flac"]
    assert list_filed(data) == []


def test_content_claimed_by_another_watcher_waits(data: Path, talk: np.ndarray) -> None:
    soundfile.write(data / "inbox" / "a.flac", talk, 16_000)
    other = open_intake(load({**SETTINGS, "inbox": {"settle_seconds": 0}}))
    other.scan()
    claim = other.take(other.scan().ready[0])
    assert isinstance(claim, Claim)
    shutil.copy(claim.path, data / "inbox" / "b.flac")
    ended, events = ingest()
    assert (ended["waiting"], ended["done"], events) == (1, 0, [])
    other.release(claim)
    other.close()
    ended, _ = ingest()
    assert (ended["done"], ended["linked"]) == (1, 1)


def test_unusable_settings_are_refused_before_a_recording_is_taken(data: Path, talk: np.ndarray) -> None:
    from flows.ingest_inbox import ingest_inbox

    wrong = {**SETTINGS, "transcription": {"model": str(data / "no such model")}}
    assert ingest_inbox(wrong)["done"] == 0  # nothing lies there: nothing is asked for
    soundfile.write(data / "inbox" / "a.flac", talk, 16_000)
    with pytest.raises(UsageError, match="no such model"):
        ingest_inbox(wrong)
    assert (data / "inbox" / "a.flac").is_file()
    assert list_filed(data) == []


def test_nothing_is_taken_while_a_stop_file_exists(data: Path, talk: np.ndarray) -> None:
    soundfile.write(data / "inbox" / "a.flac", talk, 16_000)
    (data / "inbox" / "STOP").touch()
    ended, events = ingest()
    assert "STOP" in str(ended["stopped"])
    assert [e.kind for e in events] == ["stopped"]
    assert (data / "inbox" / "a.flac").is_file()
    (data / "inbox" / "STOP").unlink()
    ended, _ = ingest(after="delete")
    assert ended["done"] == 1
    assert list_filed(data) == []


def test_kept_recording_stays_and_its_report_finds_it(data: Path, talk: np.ndarray) -> None:
    path = data / "inbox" / "monday" / "a.flac"
    path.parent.mkdir()
    soundfile.write(path, talk, 16_000)
    ended, events = ingest(after="keep")
    assert ended["done"] == 1
    assert [e.filed.place for e in events if e.filed] == [path]
    (row,) = read_rows(data)
    assert find_report_audio(data / "transcripts" / "exports" / row["recording_id"], "inbox") == {"a.flac"}
    assert list_filed(data) == []
    again, events = ingest(after="keep")
    assert (sum(v for v in again.values() if isinstance(v, int)), events) == (0, [])


def test_file_that_crashes_the_decoder_affects_no_other_file(
    data: Path, talk: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.audio import isolated_open
    from tasks.engines.engine import Engine

    monkeypatch.setattr(
        isolated_open, "OPENER", Engine.of("audio/opening", "tests.helpers.crashing_opener:CrashingOpener")
    )
    for name in ("crash.flac", "good.flac"):
        soundfile.write(data / "inbox" / name, talk if name == "good.flac" else talk[::-1], 16_000)
    ended, _ = ingest(attempts=1)
    assert (ended["done"], ended["quarantined"], ended["waiting"]) == (1, 1, 0)
    (error,) = data.glob("quarantine/*/error.json")
    assert "the decoder crashed" in json.loads(error.read_text())["what"]


def test_given_start_time_is_refused_for_an_inbox(data: Path) -> None:
    with pytest.raises(UsageError, match="so would all recordings"):
        open_intake(load({**SETTINGS, "audio": {"recorded_at": "2026-03-01T09:15:00"}}))
