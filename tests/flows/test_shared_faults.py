"""What all recordings need is broken, or Prefect is: no recording is set aside for that, nor loses a try."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect.exceptions import ObjectNotFound

from flows import ingest_inbox
from flows.fault import of_all, prefect_unwell
from flows.inbox import opened_intake
from tasks.audio.isolated_open import IsolatedOpener
from tasks.errors import (
    DeviceBroken,
    EngineDied,
    MachineFault,
    MissingWeights,
    NoRoom,
    PermanentError,
    TransientError,
    UnreadableAudio,
    UsageError,
)
from tasks.intake.claim import Claim
from tasks.intake.intake import Intake
from tasks.settings.load import load

REQUEST = httpx.Request("POST", "http://127.0.0.1:59999/api/flow_runs/")


def answered(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError(f"{status}\nmore", request=REQUEST, response=httpx.Response(status))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
SHARED = [
    MachineFault("voices/hearings.parquet: the voices can't be read: daylong speakers rebuild"),
    UsageError("device = cuda: no CUDA device."),
    MissingWeights("the weights are gone."),
    NoRoom("the disk is full."),
    DeviceBroken("the device failed."),
    REFUSED,
    OSError(errno.EROFS, os.strerror(errno.EROFS)),
    caused(TransientError("out: could not be written."), REFUSED),
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ReadTimeout("too slow"),
    answered(500),
    answered(503),
    answered(401),
    ObjectNotFound(answered(404)),
    caused(RuntimeError("Failed to reach API at http://127.0.0.1:59999/api/"), httpx.ConnectError("refused")),
    RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server. Check the logs."),
]
ITS_OWN = [
    EngineDied("an engine died."),
    TransientError("its disk is away."),
    OSError(errno.EIO, os.strerror(errno.EIO)),
    RuntimeError("a bug of ours"),
    answered(422),
]
LASTING = [UnreadableAudio("no audio."), caused(PermanentError("no permission to read it."), REFUSED)]


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setattr(IsolatedOpener, "find_missing", lambda *_: None)
    monkeypatch.setattr(ingest_inbox, "get_run_logger", logging.getLogger)
    monkeypatch.setattr(ingest_inbox, "emit_quarantined", lambda *_: None)
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    opened = opened_intake(load({"inbox": {"settle_seconds": 0, "attempts": 2}}))
    yield opened
    opened.close()


def taken(intake: Intake) -> Claim:
    path = intake.inbox / "a.wav"
    if not path.exists():
        path.write_bytes(b"sound")
    intake.scan()
    (candidate,) = intake.scan().ready
    claim = intake.take(candidate)
    assert isinstance(claim, Claim)
    return claim


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(ingest_inbox, "process_recording", fails)


@pytest.mark.parametrize("error", SHARED, ids=repr)
def test_a_shared_fault_stops_the_round_and_no_attempt_counts(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    for _ in range(4):
        ended, stopped = ingest_inbox._processed(intake, taken(intake), {})
        assert (ended.state, ended.place) == ("returned", intake.inbox / "a.wav")
        assert stopped is not None
        assert stopped.endswith((". Nothing more is taken now.", "? Nothing more is taken now."))
        assert "\n" not in stopped


@pytest.mark.parametrize("error", ITS_OWN, ids=repr)
def test_what_may_be_the_recordings_own_counts_and_the_others_go_on(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    claim = taken(intake)
    ended, stopped = ingest_inbox._processed(intake, claim, {})
    assert (ended.state, stopped) == ("returned", None)
    assert intake.scan().waiting  # tried again later
    content = intake.ledger.content(claim.note.sha256)
    assert content is not None
    assert content.attempts == 1


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_what_is_said_of_the_file_sets_it_aside(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    ended, stopped = ingest_inbox._processed(intake, taken(intake), {})
    assert (ended.state, stopped) == ("quarantined", None)


def test_prefect_is_told_in_one_line() -> None:
    assert prefect_unwell(answered(500)) == "Prefect doesn't answer (500). Is its server well?"
    assert prefect_unwell(httpx.ReadTimeout("")) == "Prefect doesn't answer (ReadTimeout). Is its server well?"
    assert prefect_unwell(ValueError("ours")) is None


def test_of_a_recording_whose_chunks_all_fail_the_fault_is_its_own_only_where_each_says_so() -> None:
    own, engine = PermanentError("no sound"), RuntimeError("CUDA error: an illegal access")
    shared, passing = MachineFault("weights can't be loaded"), TransientError("died")
    assert isinstance(of_all("a.wav", "x", [own, own]), PermanentError)
    assert str(of_all("a.wav", "x", [own])) == "a.wav: every chunk failed; the first: x"
    for causes in ([own, engine], [engine], [passing, own], [None]):
        assert isinstance(of_all("a.wav", "x", causes), TransientError)
    assert of_all("a.wav", "x", [engine, own, shared]) is shared
    full = OSError(errno.ENOSPC, "No space left on device")
    assert of_all("a.wav", "x", [own, full]) is full
