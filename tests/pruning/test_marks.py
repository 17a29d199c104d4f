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
