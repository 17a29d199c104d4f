"""Ctrl-C and SIGTERM: one line, status 130 or 143, no child left, even if an engine computes or code swallows the
exception."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = """
import signal, subprocess, sys, threading, time
from flows.cli import exit_status
from flows.cli.terminal import make_terminal
exit_status.GRACE_S = 1.0
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
with exit_status.handle_interrupts(make_terminal()) as interrupted:
    print(child.pid, flush=True)
    {body}
print("went on")
"""
COMPUTING = "threading.Thread(target=time.sleep, args=(120,)).start(); time.sleep(120)"
SWALLOWED = """
    try:
        time.sleep(120)
    except KeyboardInterrupt:
        pass
"""
STUCK = """
    try:
        time.sleep(120)
    finally:
        time.sleep(120)
"""
REPLACED = """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: None)
    while True:
        time.sleep(1)
"""
LOADING = """
    import os
    from tasks.engines.calls import EnginePool, Placement
    from tasks.engines.engine import Engine
    pool, note = EnginePool(Placement(run_in="child")), {note!r}
    pool.preload([Engine.of("slow", "tests.helpers.small_engines:load_and_note", path=note, seconds=120.0)] * 2)
    while not os.path.exists(note):
        time.sleep(0.05)
    print(pool._children[0].process.pid(), flush=True)
    time.sleep(120)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    "body",
    [COMPUTING, SWALLOWED, STUCK, REPLACED],
    ids=["engine at work", "swallowed", "stuck", "handled below"],
)
@pytest.mark.parametrize(
    ("number", "called", "status"),
    [
        (signal.SIGINT, "Interrupted.", 130),
        (signal.SIGTERM, "Stopped.", 143),
        (signal.SIGHUP, "The terminal was closed.", 129),
    ],
)
def test_signal_ends_the_command_and_its_children(body: str, number: int, called: str, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_alive(child)
        time.sleep(0.2)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert err == f"{called} Finished steps are kept: the same command goes on from there.\n"
    assert out == ""
    assert not is_alive(child)


def test_engines_that_are_being_loaded_end_with_the_command(tmp_path: Path) -> None:
    code = COMMAND.format(body=LOADING.format(note=str(tmp_path / "note")))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        children = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert not any(map(is_alive, children))


def test_ignored_hangup_does_not_end_the_command() -> None:
    body = "time.sleep(1.5)"
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "went on\n"
        assert process.wait(20) == 0
        os.kill(child, signal.SIGKILL)


def test_closed_terminal_ends_all_processes(tmp_path: Path) -> None:
    """Its window was closed: whoever writes to it gets an error."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=COMPUTING)], stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        time.sleep(0.2)
        os.close(theirs)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 129
    assert not is_alive(child)


def ignore_interrupts() -> None:
    """As a shell does for what a script puts into its background, and `nohup` for a closed terminal."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)


@pytest.mark.parametrize(("before", "dies"), [("", False), ("import tests.conftest", True)])
def test_processes_of_tests_in_the_background_of_a_script_heed_ctrl_c(before: str, dies: bool) -> None:
    child = "from signal import *; print(SIG_IGN not in map(getsignal, (SIGINT, SIGHUP)))"
    code = f"{before}\nimport subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        preexec_fn=ignore_interrupts,
    )
    assert done.stdout == f"{dies}\n", done.stderr


def test_a_command_in_the_background_of_a_script_ends_on_sigterm() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=COMPUTING)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, preexec_fn=ignore_interrupts,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        child = int(process.stdout.readline())
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert err.startswith("Stopped. ")
    assert not is_alive(child)
