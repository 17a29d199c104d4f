"""`daylong watch` in processes of their own, on a slow copy, a kill and a Ctrl-C; `daylong inbox status`."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from flows.cli import watch as command
from flows.cli.main import app
from flows.cli.terminal import Terminal
from tasks.audio.isolated_open import IsolatedOpener
from tasks.intake.ledger import read_only
from tasks.settings.load import load
from tests.faults.cases import clip
from tests.faults.commands import ROOT, bury

WATCH = (
    sys.executable,
    "-m",
    "tests.faults.daylong",
    "watch",
    "--profile",
    "demo",
    "--set",
    "inbox.settle_seconds=1",
)


def watch(home: Path, *more: str, api: str | None = None) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAYLONG_", "PREFECT_"))}
    ours = {"DAYLONG_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "OMP_NUM_THREADS": "1"}
    ours |= {"PREFECT_API_URL": api} if api else {}
    return subprocess.Popen(
        [*WATCH, *more],
        cwd=ROOT,
        env=clean | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=240)
    finally:
        bury(process)
    return process.returncode, out, err


def read_status(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("DAYLONG_HOME", str(home))
    done = CliRunner().invoke(app, ["inbox", "status", "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def until(is_so: Callable[[], bool], limit_s: float = 120.0) -> None:
    give_up = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_empty_inbox_is_reported_at_once_without_starting_prefect(tmp_path: Path) -> None:
    began = time.monotonic()
    code, out, err = wait_for_end(watch(tmp_path, "--once"))
    assert (code, out) == (0, ""), err
    assert err == f"Watching {tmp_path}/data/inbox.\n"
    assert time.monotonic() - began < 20
    assert not (tmp_path / "prefect").exists()


def test_status_of_an_unwatched_inbox_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["inbox", "status"])
    assert done.exit_code == 0
    assert "nothing has watched it yet" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # the engines are loaded three times
def test_each_file_is_filed_once_after_a_slow_copy_a_kill_and_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = tmp_path / "data" / "inbox"
    inbox.mkdir(parents=True)
    with clip(12.0) as source:
        sound = source.read_bytes()
    (inbox / "broken\n.wav").write_bytes(b"no sound at all")
    (inbox / "broken\n.wav.done").touch()
    slow = (inbox / "slow.flac").open("wb")
    slow.write(sound[: len(sound) // 2])
    slow.flush()

    def claimed() -> bool:
        found = read_only(inbox / ".ledger.sqlite3")
        if found is None:
            return False
        with found as ledger:
            return "claimed" in ledger.counts()

    first = watch(tmp_path)
    until(lambda: any((tmp_path / "data").glob("quarantine/*/error.json")))
    assert (inbox / "slow.flac").is_file()  # half of it, and still open
    slow.write(sound[len(sound) // 2 :])
    slow.close()
    until(claimed)
    os.kill(first.pid, signal.SIGKILL)
    code, out, err = wait_for_end(first)
    assert code == -signal.SIGKILL
    assert "broken\\n.wav: " in err
    assert any(inbox.glob(".claimed/*/slow.flac"))

    second = watch(tmp_path)
    until(lambda: not claimed())
    until(claimed)
    second.send_signal(signal.SIGINT)
    code, out, err = wait_for_end(second)
    assert code == 130
    assert "slow.flac: left by a run that died." in err
    assert "the same command goes on from there" in err

    code, out, err = wait_for_end(watch(tmp_path, "--once"))
    assert code == 0, err
    assert "slow.flac: now " in out
    (done,) = (tmp_path / "data" / "done").rglob("*.flac")
    assert done.read_bytes() == sound
    assert sorted(f.name for f in inbox.iterdir()) == [".claimed", ".ledger.sqlite3"]

    facts = read_status(tmp_path, monkeypatch)
    assert (facts["recordings"][0]["name"], facts["recordings"][0]["state"]) == ("slow.flac", "done")
    assert facts["recordings"][0]["attempts"] == 2  # the kill counts, Ctrl-C does not
    assert {r["state"] for r in facts["recordings"]} == {"done", "returned", "quarantined"}
    shown = CliRunner().invoke(app, ["inbox", "status"]).stdout
    assert "broken\\n.wav" in shown
    assert "1 done, 1 quarantined" in shown


def test_unmounted_disk_is_reported_once_and_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    inbox, away, rests = tmp_path / "data" / "inbox", tmp_path / "away", iter(range(9))

    def sleep(_: float) -> None:
        rest = next(rests)
        if rest == 0:
            inbox.rename(away)
        elif rest == 2:
            away.rename(inbox)
        elif rest == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=sleep, time=time.time, monotonic=time.monotonic))
    err = io.StringIO()
    screen = Terminal(Console(file=io.StringIO()), Console(file=err, width=200))
    with pytest.raises(KeyboardInterrupt):
        command._InboxWatcher({}, load(), screen).run(once=False)
    assert err.getvalue().count("can't be read") == 1


def dead_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


def test_once_without_prefect_prints_one_line_and_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = tmp_path / "data" / "inbox"
    inbox.mkdir(parents=True)
    with clip(2.0) as source:
        (inbox / "a.flac").write_bytes(source.read_bytes())
    url = dead_port()
    code, out, err = wait_for_end(watch(tmp_path, "--once", api=url))
    assert (code, out) == (1, ""), err
    assert err.splitlines()[-1] == f"Prefect doesn't answer (Failed to reach API at {url}/). Is its server well?"
    assert "Traceback" not in err
    assert (inbox / "a.flac").is_file()


def test_unreachable_prefect_is_reported_once_and_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import ingest_inbox as ingest_module

    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    inbox = tmp_path / "data" / "inbox"
    inbox.mkdir(parents=True)
    monkeypatch.setattr(IsolatedOpener, "find_missing", lambda *_: None)
    monkeypatch.setattr(command, "show_progress", lambda _: nullcontext(lambda _: None))
    (inbox / "a.wav").write_bytes(b"sound")
    calls, waits = [], []

    def fail(_: object) -> dict[str, Any]:
        calls.append(1)
        if len(calls) < 4:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest_module, "ingest_inbox", fail)
    monkeypatch.setattr(
        command, "time", SimpleNamespace(sleep=waits.append, time=time.time, monotonic=time.monotonic)
    )
    err = io.StringIO()
    screen = Terminal(Console(file=io.StringIO()), Console(file=err, width=200))
    with pytest.raises(KeyboardInterrupt):
        command._InboxWatcher({}, load({"inbox": {"settle_seconds": 0}}), screen).run(once=False)
    assert err.getvalue().count("Prefect doesn't answer") == 1
    assert waits.count(command.RETRY_S) == 3


def test_repeated_stop_reason_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import ingest_inbox as ingest_module

    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    monkeypatch.setattr(IsolatedOpener, "find_missing", lambda *_: None)
    monkeypatch.setattr(command, "show_progress", lambda _: nullcontext(lambda _: None))
    (tmp_path / "data" / "inbox" / "a.wav").write_bytes(b"sound")
    rounds = iter(range(3))

    def stop(_: object) -> dict[str, Any]:
        if next(rounds, None) is None:
            raise KeyboardInterrupt
        none = dict.fromkeys(("done", "partial", "linked", "quarantined", "returned", "waiting"), 0)
        return {**none, "stopped": "The voices can't be read. Nothing more is taken now."}

    monkeypatch.setattr(ingest_module, "ingest_inbox", stop)
    monkeypatch.setattr(
        command, "time", SimpleNamespace(sleep=lambda _: None, time=time.time, monotonic=time.monotonic)
    )
    err = io.StringIO()
    screen = Terminal(Console(file=io.StringIO()), Console(file=err, width=200))
    with pytest.raises(KeyboardInterrupt):
        command._InboxWatcher({}, load({"inbox": {"settle_seconds": 0}}), screen).run(once=False)
    assert err.getvalue().count("Nothing more is taken now") == 1
