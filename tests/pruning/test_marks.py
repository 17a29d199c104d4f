"""Marks of runs under way: whose they are, and when they count."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tasks.processes import Process
from tasks.pruning import usage
from tests.helpers.dead_process import make_dead_process

ME = Process.this()


def mark(folder: Path, **content: object) -> Path:
    file = folder / "desk-77.json"
    file.write_text(json.dumps({"host": ME.host, "pid": ME.pid, "since": 1000.0} | content))
    return file


def test_mark_is_written_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(self: Path, data: bytes) -> int:
        with open(self, "xb") as file:
            seen.append(usage.find_oldest_run_start(tmp_path / "running"))  # opened, and nothing written yet
            return file.write(data)

    monkeypatch.setattr(Path, "write_bytes", watched)
    with usage.mark_running(tmp_path / "running"):
        [only] = (tmp_path / "running").iterdir()
        content = json.loads(only.read_text())
        assert usage.find_oldest_run_start(tmp_path / "running") == content["since"]
        assert Process(content["host"], content["pid"], content["born"]) == ME
    assert seen == [None]
    assert list((tmp_path / "running").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="when a process began is read from /proc")
def test_mark_with_reused_process_id_is_ignored(tmp_path: Path) -> None:
    file = mark(tmp_path, born="another boot 12")
    assert usage.find_oldest_run_start(tmp_path) is None
    assert not file.exists()
    mark(tmp_path, born=ME.born)
    assert usage.find_oldest_run_start(tmp_path) == 1000.0


def test_mark_without_process_start(tmp_path: Path) -> None:
    file = mark(tmp_path)
    assert usage.find_oldest_run_start(tmp_path) == 1000.0
    assert file.exists()
    mark(tmp_path, pid=make_dead_process().pid)
    assert usage.find_oldest_run_start(tmp_path) is None
    assert not file.exists()


def test_remote_run_counts_for_a_week(tmp_path: Path) -> None:
    file = mark(tmp_path, host="elsewhere", since=time.time() - 3600)
    assert usage.find_oldest_run_start(tmp_path) is not None
    mark(tmp_path, host="elsewhere", since=time.time() - 8 * 86_400)
    assert usage.find_oldest_run_start(tmp_path) is None
    assert not file.exists()


@pytest.fixture(params=["", "[1]", '{"host": "x"}', '{"host": "x", "pid": 1e999, "since": 0}', "\udcff"])
def unreadable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "desk-77.json"
    file.write_bytes(str(request.param).encode(errors="surrogateescape"))
    return file


def test_unreadable_mark_counts_for_a_week(unreadable: Path) -> None:
    hour_ago = int(time.time()) - 3600
    os.utime(unreadable, (hour_ago, hour_ago))
    assert usage.find_oldest_run_start(unreadable.parent) == hour_ago
    os.utime(unreadable, (0, 0))
    assert usage.find_oldest_run_start(unreadable.parent) is None
    assert not unreadable.exists()


def test_mark_tells_recording_and_records_once_it_names_the_recording(tmp_path: Path) -> None:
    with usage.mark_running(tmp_path / "running") as mark:
        mark.note_key("probe/v1/a")
        (run,) = usage.read_live_runs(tmp_path / "running")
        assert (run.recording_id, run.keys) == (None, None)
        assert run.may_work_on("monday-1")
        assert run.may_use("any", time.time())
        assert not run.may_use("any", time.time() - 60)
        mark.name_recording("monday-1")
        mark.note_key("chunk/v1/b")
        (run,) = usage.read_live_runs(tmp_path / "running")
        assert (run.recording_id, run.keys) == ("monday-1", {"probe/v1/a", "chunk/v1/b"})
        assert not run.may_work_on("tuesday-2")
        assert not run.may_use("any", time.time())
        assert run.may_use("chunk/v1/b", 0.0)
    assert list((tmp_path / "running").iterdir()) == []


def test_run_whose_records_could_not_all_be_noted_may_use_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with usage.mark_running(tmp_path / "running") as mark:
        mark.name_recording("monday-1")
        mark.note_key("chunk/v1/a")

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(Path, "open", full)
            mark.note_key("chunk/v1/b")
        mark.note_key("chunk/v1/c")
        (run,) = usage.read_live_runs(tmp_path / "running")
        assert (run.recording_id, run.keys) == ("monday-1", None)
        assert run.may_use("chunk/v1/b", time.time())
