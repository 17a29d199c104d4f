"""Faults that all recordings share, Prefect's included: no recording is quarantined, and no attempt counts."""

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
from flows.fault import combine_chunk_errors, describe_prefect_fault
from flows.inbox import open_intake
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


def make_http_error(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError(f"{status}\nmore", request=REQUEST, response=httpx.Response(status))


def add_cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
SHARED_FAULTS = [
    MachineFault("voices/hearings.parquet: the voices can't be read: daylong speakers rebuild"),
    UsageError("device = cuda: no CUDA device."),
    MissingWeights("the weights are gone."),
    NoRoom("the disk is full."),
    DeviceBroken("the device failed."),
    REFUSED,
    OSError(errno.EROFS, os.strerror(errno.EROFS)),
    add_cause(TransientError("out: could not be written."), REFUSED),
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ReadTimeout("too slow"),
    make_http_error(500),
    make_http_error(503),
    make_http_error(401),
    ObjectNotFound(make_http_error(404)),
    add_cause(RuntimeError("Failed to reach API at http://127.0.0.1:59999/api/"), httpx.ConnectError("refused")),
    RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server. Check the logs."),
]
OWN_FAULTS = [
    EngineDied("an engine died."),
    TransientError("its disk is away."),
    OSError(errno.EIO, os.strerror(errno.EIO)),
    RuntimeError("a bug of ours"),
    make_http_error(422),
]
PERMANENT_FAULTS = [UnreadableAudio("no audio."), add_cause(PermanentError("no permission to read it."), REFUSED)]


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setattr(IsolatedOpener, "find_missing", lambda *_: None)
    monkeypatch.setattr(ingest_inbox, "get_run_logger", logging.getLogger)
    monkeypatch.setattr(ingest_inbox, "emit_quarantined", lambda *_: None)
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    opened = open_intake(load({"inbox": {"settle_seconds": 0, "attempts": 2}}))
    yield opened
    opened.close()


def take_claim(intake: Intake) -> Claim:
    path = intake.inbox / "a.wav"
    if not path.exists():
        path.write_bytes(b"sound")
    intake.scan()
    (candidate,) = intake.scan().ready
    claim = intake.take(candidate)
    assert isinstance(claim, Claim)
    return claim


def make_processing_fail(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ingest_inbox, "process_recording", fail)


@pytest.mark.parametrize("error", SHARED_FAULTS, ids=repr)
def test_shared_fault_stops_processing_and_counts_no_attempt(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_processing_fail(error, monkeypatch)
    for _ in range(4):
        ended, stopped = ingest_inbox._process(intake, take_claim(intake), {})
        assert (ended.state, ended.place) == ("returned", intake.inbox / "a.wav")
        assert stopped is not None
        assert stopped.endswith((". Nothing more is taken now.", "? Nothing more is taken now."))
        assert "\n" not in stopped


@pytest.mark.parametrize("error", OWN_FAULTS, ids=repr)
def test_possible_fault_of_the_recording_counts_and_processing_continues(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_processing_fail(error, monkeypatch)
    claim = take_claim(intake)
    ended, stopped = ingest_inbox._process(intake, claim, {})
    assert (ended.state, stopped) == ("returned", None)
    assert intake.scan().waiting  # tried again later
    content = intake.ledger.content(claim.note.sha256)
    assert content is not None
    assert content.attempts == 1


@pytest.mark.parametrize("error", PERMANENT_FAULTS, ids=repr)
def test_permanent_error_quarantines_the_file(
    intake: Intake, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_processing_fail(error, monkeypatch)
    ended, stopped = ingest_inbox._process(intake, take_claim(intake), {})
    assert (ended.state, stopped) == ("quarantined", None)


def test_prefect_fault_is_described_in_one_line() -> None:
    assert describe_prefect_fault(make_http_error(500)) == "Prefect doesn't answer (500). Is its server well?"
    assert (
        describe_prefect_fault(httpx.ReadTimeout("")) == "Prefect doesn't answer (ReadTimeout). Is its server well?"
    )
    assert describe_prefect_fault(ValueError("ours")) is None


def test_combined_chunk_error_is_permanent_only_if_each_is() -> None:
    own, engine = PermanentError("no sound"), RuntimeError("CUDA error: an illegal access")
    shared, passing = MachineFault("weights can't be loaded"), TransientError("died")
    assert isinstance(combine_chunk_errors("a.wav", "x", [own, own]), PermanentError)
    assert str(combine_chunk_errors("a.wav", "x", [own])) == "a.wav: every chunk failed; the first: x"
    for causes in ([own, engine], [engine], [passing, own], [None]):
        assert isinstance(combine_chunk_errors("a.wav", "x", causes), TransientError)
    assert combine_chunk_errors("a.wav", "x", [engine, own, shared]) is shared
    full = OSError(errno.ENOSPC, "No space left on device")
    assert combine_chunk_errors("a.wav", "x", [own, full]) is full
