"""Engines that several programs share: loaded once, replaced where their process ends, for one user alone."""

from __future__ import annotations

import logging
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tasks.engines import shared_socket
from tasks.engines.calls import EnginePool, Placement
from tasks.engines.shared import SharedEngines
from tasks.engines.shared_socket import connect, find_folder, listen, name_socket
from tasks.errors import EngineDied, MachineFault, PermanentError, is_transient
from tests.helpers.small_engines import make_counter_engine
from tests.helpers.waiting import wait_until

COUNTER = make_counter_engine()
IDLE_S = 60.0
HAS_PROC = Path("/proc/self/stat").exists()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the socket is. The process that listens there is ended after the last of these tests."""
    with (
        TemporaryDirectory(prefix="daylong", dir="/tmp", ignore_cleanup_errors=True) as place,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", place)
        yield find_folder()
        with closing(SharedEngines(timeout_s=20, idle_s=IDLE_S)) as last:
            if HAS_PROC:
                os.kill(find_host(last), signal.SIGTERM)


@pytest.fixture
def programs(folder: Path) -> Iterator[list[SharedEngines]]:
    """Two connections, as two programs have them."""
    both = [SharedEngines(timeout_s=20, idle_s=IDLE_S) for _ in range(2)]
    yield both
    for each in both:
        each.close()


def find_host(program: SharedEngines) -> int:
    """The id of the shared process: the parent of the child that engines run in."""

    def look() -> int | None:
        child = program.call(COUNTER, "pid").value
        with suppress(OSError):  # it has been idle meanwhile, and was ended
            return int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
        return None

    return int(wait_until(look, 20))


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not HAS_PROC, reason="a kernel that isn't Linux")


def test_two_programs_use_one_engine_and_arrays_cross(programs: list[SharedEngines]) -> None:
    one, other = programs
    first = one.call(COUNTER, "add").value
    assert [other.call(COUNTER, "add").value, one.call(COUNTER, "add").value] == [first + 1, first + 2]
    assert one.call(COUNTER, "pid").value == other.call(COUNTER, "pid").value != os.getpid()
    large = np.arange(100_000, dtype=np.float32)
    assert np.array_equal(other.call(COUNTER, "double", large).value, 2 * large)


def test_what_is_said_and_refused_arrives_at_the_program_that_asked(
    programs: list[SharedEngines], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "daylong.counter"):
        programs[0].call(COUNTER, "say", "heard")
    assert "heard" in caplog.messages
    with pytest.raises(PermanentError, match="not for me"):
        programs[0].call(COUNTER, "refuse")


def test_an_engine_that_ends_is_replaced_for_all(programs: list[SharedEngines]) -> None:
    with pytest.raises(EngineDied, match="exit status 7") as error:
        programs[0].call(COUNTER, "die")
    assert is_transient(error.value)
    assert programs[1].call(COUNTER, "add").value == 1


@needs_proc
def test_calls_are_asked_for_again_where_the_process_is_killed(programs: list[SharedEngines]) -> None:
    first = find_host(programs[0])
    answers: list[object] = []
    calls = [
        threading.Thread(target=lambda p=p: answers.append(p.call(COUNTER, "wait_and_add").value)) for p in programs
    ]
    for call in calls:
        call.start()
    wait_until(lambda: all(p._link is not None and p._link.waiting for p in programs), 10)
    os.kill(first, signal.SIGKILL)
    for call in calls:
        call.join(30)
    assert sorted(answers) == [1, 2]  # type: ignore[type-var]
    assert find_host(programs[1]) == find_host(programs[0]) != first


def test_a_pool_asks_the_shared_engines_and_keeps_remote_ones_to_itself(programs: list[SharedEngines]) -> None:
    pool = EnginePool(Placement(run_in="shared", timeout_s=20, idle_s=IDLE_S))
    assert pool.call(COUNTER, "pid").value == programs[0].call(COUNTER, "pid").value
    remote = make_counter_engine()
    remote = type(remote)("transcription/openai", remote.loader, remote.options)
    assert pool.call(remote, "pid").value == os.getpid()
    pool.unload()


@needs_proc
def test_it_ends_when_nobody_is_connected(folder: Path) -> None:
    program = SharedEngines(keep="one", timeout_s=20, idle_s=0.2)
    host, address = find_host(program), program.address
    assert address.exists()
    program.close()
    wait_until(lambda: not is_there(host) and not address.exists(), 20)


def test_a_program_disconnects_when_it_has_nothing_to_ask(programs: list[SharedEngines]) -> None:
    programs[0].call(COUNTER, "add")
    assert not programs[0].release_idle(now=programs[0]._used + IDLE_S - 1)
    assert programs[0].release_idle(now=programs[0]._used + IDLE_S + 1)
    assert programs[0].call(COUNTER, "add").value >= 1


def test_the_socket_is_its_owners_alone(programs: list[SharedEngines], folder: Path) -> None:
    programs[0].call(COUNTER, "add")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(programs[0].address.stat().st_mode) == 0o600
    folder.chmod(0o755)
    try:
        with pytest.raises(MachineFault, match="you alone may enter"):
            SharedEngines().call(COUNTER, "add")
    finally:
        folder.chmod(0o700)


def test_another_users_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(tmp_path / "s"):
        monkeypatch.setattr(shared_socket, "_read_peer", lambda _: os.geteuid() + 1)
        with pytest.raises(MachineFault, match="another user listens there"):
            connect(tmp_path / "s")


def test_an_unlistened_address_is_taken_over(tmp_path: Path) -> None:
    listen(tmp_path / "s").close()
    assert connect(tmp_path / "s") is None
    with listen(tmp_path / "s"):
        found = connect(tmp_path / "s")
        assert isinstance(found, socket.socket)
        found.close()


def test_a_folder_whose_path_is_too_long_for_a_socket_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert not find_folder().is_relative_to(deep)
    with listen(find_folder() / f"{name_socket(str(tmp_path))}.sock") as listener:
        os.unlink(listener.getsockname())


def test_engines_that_are_placed_otherwise_are_others() -> None:
    assert name_socket("all", None, []) == name_socket("all", None, [])
    assert len({name_socket("all", None, []), name_socket("one", None, []), name_socket("all", 2, [])}) == 3
