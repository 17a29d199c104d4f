"""Failures of several recordings: foreseeable causes in words, and a cause common to all told once."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from flows.cli import processing
from flows.cli.processing import explain_failure, process
from flows.cli.terminal import Terminal
from tasks.errors import (
    DaylongError,
    DeviceBroken,
    MachineFault,
    MissingWeights,
    NoRoom,
    PermanentError,
    UnreadableAudio,
    UsageError,
)

DEMO = {"profile": "demo"}


class Screen:
    """A terminal whose two streams are kept."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        streams = (Console(file=f, highlight=False, markup=False, width=200) for f in (self.out, self.err))
        self.terminal = Terminal(*streams)

    @property
    def failures(self) -> list[str]:
        return [line for line in self.err.getvalue().splitlines() if "starting" not in line]


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    return [str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav")]


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], list[str]]:
    """Make every recording fail with an error; return the list of those that are tried."""

    def fail(error: Exception) -> list[str]:
        tried: list[str] = []

        def run_flow(files: tuple[str, ...], *_: Any) -> None:
            tried.append(Path(files[0]).name)
            raise error

        monkeypatch.setattr(processing, "_run_flow", run_flow)
        return tried

    return fail


def make_caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, "No space left on device", "/data/out/words.parquet")
DENIED = PermissionError(errno.EACCES, "Permission denied", "/data/cache")

FORESEEABLE = [
    (FULL, "/data/out/words.parquet: No space left on device"),
    (DENIED, "/data/cache: Permission denied"),
    (make_caused(RuntimeError("a task failed"), FULL), "/data/out/words.parquet: No space left on device"),
    (MemoryError(), "not enough memory"),
    (make_caused(ValueError("a task failed"), MachineFault("the registry is damaged")), "the registry is damaged"),
    (httpx.ConnectError("Connection refused"), "Prefect doesn't answer (Connection refused)"),
    (RuntimeError("Failed to reach API at http://127.0.0.1:9/api/"), "Prefect doesn't answer (Failed to reach API"),
]


@pytest.mark.parametrize(("error", "words"), FORESEEABLE)
def test_a_foreseeable_cause_is_told_in_words(error: Exception, words: str) -> None:
    line, _ = explain_failure(error, "a.wav")
    assert line.startswith(f"a.wav: {words}")
    assert "unexpectedly" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        DENIED,
        NoRoom("the disk is full"),
        MachineFault("the registry is damaged"),
        DeviceBroken("the GPU failed"),
        httpx.ConnectError("Connection refused"),
        RuntimeError("Failed to reach API at http://127.0.0.1:9/api/"),
    ],
)
def test_a_cause_that_all_recordings_would_meet_is_told_once(
    error: Exception, recordings: list[str], fail_with: Callable[[Exception], list[str]]
) -> None:
    screen, tried = Screen(), fail_with(error)
    assert process(recordings, DEMO, screen.terminal).failed == 3
    assert tried == ["a.wav"]
    reason, rest, total = screen.failures
    assert reason.startswith("a.wav: ")
    assert rest == "Not tried, since they would fail in the same way: 2 more recordings."
    assert total == "3 of 3 failed."


@pytest.mark.parametrize("error", [UsageError("device = cuda: none here"), MissingWeights("no weights")])
def test_wrong_settings_end_the_command(
    error: DaylongError, recordings: list[str], fail_with: Callable[[Exception], list[str]]
) -> None:
    screen, tried = Screen(), fail_with(error)
    with pytest.raises(UsageError, match=str(error)):
        process(recordings, DEMO, screen.terminal)
    assert tried == ["a.wav"]


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), PermanentError("every chunk failed")])
def test_the_same_reason_is_not_repeated_for_each_recording(
    error: Exception, recordings: list[str], fail_with: Callable[[Exception], list[str]]
) -> None:
    screen, tried = Screen(), fail_with(error)
    assert process(recordings, DEMO, screen.terminal).failed == 3
    assert tried == ["a.wav", "b.wav", "c.wav"]
    first, *others, total = screen.failures
    assert str(error) in first
    assert others == ["b.wav: failed for the same reason.", "c.wav: failed for the same reason."]
    assert total == "3 of 3 failed."


def test_a_fault_of_the_file_is_told_of_each(
    recordings: list[str], fail_with: Callable[[Exception], list[str]]
) -> None:
    screen = Screen()
    fail_with(UnreadableAudio("no audio in it"))
    process(recordings, DEMO, screen.terminal)
    assert screen.failures[:3] == [f"{name}.wav: no audio in it" for name in "abc"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"transcription": {"model": "{tmp}"}}, "it has no"),
        ({"transcription": {"model": "{tmp}/none"}}, "there is no such file or folder"),
        ({"transcription": {"model": "demo:none"}}, "no such bundled model"),
        ({"transcription": {"model": "enormous"}}, "faster-whisper knows"),
        ({"diarization": {"embedding_model": "{tmp}/a.wav"}}, "wanted a folder or a"),
        ({"punctuation": {"mode": "always", "model": "{tmp}"}}, "it has no"),
    ],
)
def test_wrong_weights_are_refused_before_anything_starts(
    setting: dict[str, dict[str, str]],
    words: str,
    recordings: list[str],
    fail_with: Callable[[Exception], list[str]],
    tmp_path: Path,
) -> None:
    screen, tried = Screen(), fail_with(AssertionError())
    given = {group: {k: v.format(tmp=tmp_path) for k, v in keys.items()} for group, keys in setting.items()}
    with pytest.raises(MissingWeights, match=words):
        process(recordings, DEMO | given, screen.terminal)
    assert (tried, screen.err.getvalue()) == ([], "")
