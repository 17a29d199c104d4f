"""Which process it is, and whether it has ended: a later one with the same id is another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.processes import Process, read_birth
from tests.helpers.dead_process import make_dead_process


def test_a_process_that_ended_is_gone_and_of_another_machines_nothing_is_known() -> None:
    assert make_dead_process().is_gone
    assert all(Process(make_dead_process().host, never).is_gone for never in (0, -1, 10**30))
    assert not Process("elsewhere", make_dead_process().pid).is_gone


@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read from /proc")
def test_a_process_that_ended_and_that_nobody_waits_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(Process.this().host, child.pid, read_birth(child.pid) or "")
    assert not process.is_gone
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone
    child.communicate()


@given(st.from_regex(r"\A[A-Za-z0-9.-]+\Z"), st.integers(0, 10**7), st.from_regex(r"\A([0-9a-f-]+ [0-9]+)?\Z"))
def test_a_process_is_read_as_it_was_written(host: str, pid: int, born: str) -> None:
    assert Process.read(str(Process(host, pid, born))) == Process(host, pid, born)


@pytest.mark.parametrize("text", ["", "host", "host pid", " 17", "host -3"])
def test_a_label_of_somebody_else_names_no_process(text: str) -> None:
    assert Process.read(text) is None


@pytest.mark.skipif(sys.platform != "linux", reason="when a process began is read from /proc")
def test_a_later_process_with_the_same_id_is_another() -> None:
    here = Process.this()
    assert not here.is_gone
    assert Process(here.host, os.getpid(), "another boot 12").is_gone
    assert not Process(here.host, os.getpid()).is_gone  # noted before births were
    assert not Process(here.host, os.getpid(), here.born).is_gone


@pytest.mark.skipif(sys.platform != "linux", reason="when a process began is read from /proc")
def test_a_later_process_of_somebody_elses_is_another_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refused)
    here = Process.this()
    assert not here.is_gone
    assert Process(here.host, here.pid, "another boot 12").is_gone
