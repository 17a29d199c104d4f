"""Marks of runs under way: whose they are, and when they count."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tasks.processes import Process
from tasks.pruning import used
from tests.helpers.dead_process import make_dead_process

ME = Process.this()


def mark(folder: Path, **told: object) -> Path:
    file = folder / "desk-77.json"
    file.write_text(json.dumps({"host": ME.host, "pid": ME.pid, "since": 1000.0} | told))
    return file


def test_a_mark_is_whole_from_the_first_moment_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(self: Path, data: bytes) -> int:
        with open(self, "xb") as file:
            seen.append(used.in_use_since(tmp_path / "running"))  # opened, and nothing written yet
            return file.write(data)

    monkeypatch.setattr(Path, "write_bytes", watched)
    with used.under_way(tmp_path / "running"):
        [only] = (tmp_path / "running").iterdir()
        told = json.loads(only.read_text())
        assert used.in_use_since(tmp_path / "running") == told["since"]
        assert Process(told["host"], told["pid"], told["born"]) == ME
    assert seen == [None]
    assert list((tmp_path / "running").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="when a process began is read from /proc")
def test_a_mark_whose_process_id_is_somebody_elses_now_counts_no_more(tmp_path: Path) -> None:
    file = mark(tmp_path, born="another boot 12")
    assert used.in_use_since(tmp_path) is None
    assert not file.exists()
    mark(tmp_path, born=ME.born)
    assert used.in_use_since(tmp_path) == 1000.0


def test_a_mark_of_an_earlier_version_is_known_by_its_process_id(tmp_path: Path) -> None:
    file = mark(tmp_path)
    assert used.in_use_since(tmp_path) == 1000.0
    assert file.exists()
    mark(tmp_path, pid=make_dead_process().pid)
    assert used.in_use_since(tmp_path) is None
    assert not file.exists()


def test_a_run_on_another_machine_counts_for_a_week(tmp_path: Path) -> None:
    file = mark(tmp_path, host="elsewhere", since=time.time() - 3600)
    assert used.in_use_since(tmp_path) is not None
    mark(tmp_path, host="elsewhere", since=time.time() - 8 * 86_400)
    assert used.in_use_since(tmp_path) is None
    assert not file.exists()


@pytest.fixture(params=["", "[1]", '{"host": "x"}', '{"host": "x", "pid": 1e999, "since": 0}', "\udcff"])
def unreadable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "desk-77.json"
    file.write_bytes(str(request.param).encode(errors="surrogateescape"))
    return file


def test_a_mark_that_cannot_be_read_counts_from_when_it_was_made_and_for_a_week(unreadable: Path) -> None:
    hour_ago = int(time.time()) - 3600
    os.utime(unreadable, (hour_ago, hour_ago))
    assert used.in_use_since(unreadable.parent) == hour_ago
    os.utime(unreadable, (0, 0))
    assert used.in_use_since(unreadable.parent) is None
    assert not unreadable.exists()
