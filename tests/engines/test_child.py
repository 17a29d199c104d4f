"""Engines in a child process: replaced when it ends or hangs; its log records arrive in the parent."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.engines import child as child_module
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine
from tasks.engines.pool import Pool
from tasks.errors import EngineDied, MachineFault, OutOfMemory, PermanentError, is_transient
from tasks.logs import add_log_fields, current_log_fields
from tests.helpers.small_engines import expect_repeated_call, make_counter_engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def child() -> Iterator[EngineProcess]:
    made = EngineProcess(timeout_s=20)
    yield made
    made.close()


def test_a_child_keeps_its_engines_between_calls_and_arrays_cross(child: EngineProcess) -> None:
    assert child.call(make_counter_engine(), "add").value == 1
    assert child.call(make_counter_engine(), "add", 4).value == 5
    assert child.call(make_counter_engine(), "double", np.arange(3)).value.tolist() == [0, 2, 4]
    assert child.call(make_counter_engine(), "pid").value == child.pid() != os.getpid()


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="a kernel that isn't Linux")
def test_where_memory_runs_out_the_kernel_takes_the_child_and_not_the_run(child: EngineProcess) -> None:
    child.call(make_counter_engine(), "add")
    own, its = (int(Path(f"/proc/{p}/oom_score_adj").read_text()) for p in ("self", child.pid()))
    assert its >= max(own, 500)


def test_a_child_that_dies_is_replaced(child: EngineProcess) -> None:
    child.call(make_counter_engine(), "add")
    with pytest.raises(EngineDied, match="exit status 7"):
        child.call(make_counter_engine(), "die")
    assert child.call(make_counter_engine(), "add").value == 1


def test_a_process_that_is_ending_starts_no_other_child(
    child: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.call(make_counter_engine(), "add")
    ending = threading.Event()
    monkeypatch.setattr(child_module, "_ending", ending)
    child_module.forbid_new_children()
    assert child.call(make_counter_engine(), "add").value == 2  # what is at work may go on
    with pytest.raises(EngineDied, match="exit status 7"):
        child.call(make_counter_engine(), "die")
    with pytest.raises(EngineDied, match="is ending"):
        child.call(make_counter_engine(), "add")
    assert child.pid() is None


def test_a_child_that_hangs_is_ended(child: EngineProcess) -> None:
    child.call(make_counter_engine(), "add")
    child.timeout_s = 0.5
    with pytest.raises(EngineDied, match=r"within 0\.5 s"):
        child.call(make_counter_engine(), "hang")


def test_an_engines_own_refusal_crosses_as_what_it_is(child: EngineProcess) -> None:
    with pytest.raises(PermanentError, match=r"x\.wav"):
        child.call(make_counter_engine(), "refuse")


def test_what_the_system_refused_crosses_with_its_number_since_that_says_whether_to_try_again(
    child: EngineProcess,
) -> None:
    with pytest.raises(OSError, match=r"weights\.bin") as full:
        child.call(make_counter_engine(), "break_down", errno.ENOSPC)
    assert full.value.errno == errno.ENOSPC
    assert is_transient(full.value)


def test_an_answer_that_cannot_be_sent_is_told_and_the_child_lives(child: EngineProcess) -> None:
    child.call(make_counter_engine(), "add")
    with pytest.raises(RuntimeError, match="lock"):
        child.call(make_counter_engine(), "lock")
    assert child.call(make_counter_engine(), "add").value == 2


def test_what_our_own_code_warns_of_in_the_child_is_told_where_the_call_was_made(
    child: EngineProcess, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[dict[str, object]] = []

    class Where(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(current_log_fields() | {"said": record.getMessage()})

    logger, handler = logging.getLogger("daylong.counter"), Where()
    logger.addHandler(handler)
    try:
        with add_log_fields(chunk=7):
            child.call(make_counter_engine(), "say", "little memory")
    finally:
        logger.removeHandler(handler)
    assert seen == [{"chunk": 7, "said": "little memory"}]


def test_calls_of_different_engines_run_side_by_side_in_the_child(child: EngineProcess) -> None:
    child.call(make_counter_engine(1), "add")
    child.call(make_counter_engine(2), "add")
    slow = threading.Thread(target=child.call, args=(make_counter_engine(1), "take", 5.0))
    slow.start()
    child.call(make_counter_engine(2), "add")
    assert slow.is_alive()
    slow.join()


def test_a_call_that_ends_the_child_takes_no_other_along(child: EngineProcess) -> None:
    with expect_repeated_call(child), pytest.raises(EngineDied, match=r"counter-2.*exit status 7"):
        child.call(make_counter_engine(2), "die")


def test_a_call_that_hangs_takes_no_other_along(child: EngineProcess) -> None:
    child.call(make_counter_engine(1), "add")
    child.call(make_counter_engine(2), "add")
    ends: list[str] = []

    def hang() -> None:
        try:
            child.call(make_counter_engine(1), "hang")
        except EngineDied as error:
            ends.append(str(error))

    child.timeout_s = 1.0
    hangs = threading.Thread(target=hang)
    hangs.start()
    time.sleep(0.1)
    child.timeout_s = 20
    assert child.call(make_counter_engine(2), "take", 2.0).value is None
    hangs.join(60)
    assert ends == ["test/counter-1 did not answer within 1 s"]


@pytest.mark.parametrize("what", ["return_unreadable", "raise_unreadable"])
def test_an_answer_that_cannot_be_read_keeps_nobody_waiting(
    child: EngineProcess, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    child.call(make_counter_engine(), "add")
    with pytest.raises(EngineDied):
        child.call(make_counter_engine(), what)
    assert "can't be read" in caplog.text
    assert child.call(make_counter_engine(), "add").value == 1


def test_out_of_memory_is_told_as_that_wherever_it_happens(child: EngineProcess) -> None:
    for where_ in (Pool(), child):
        with pytest.raises(OutOfMemory, match="counter-1"):
            where_.call(make_counter_engine(), "return_too_large")
        with pytest.raises(OutOfMemory, match="too large"):
            where_.call(Engine.of("test/too large", "tests.helpers.small_engines:load_without_memory"), "add")


def test_the_child_imports_nothing_from_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: EngineProcess
) -> None:
    for name in ("tasks.py", "queue.py", "logging.py"):
        (tmp_path / name).write_text("raise SystemExit('somebody else's')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    assert child.call(make_counter_engine(), "add").value == 1


def test_a_script_without_a_guard_for_its_main_part_may_use_engines_in_a_child(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom tasks.engines import calls\nfrom tasks.engines.engine import Engine\nprint('once')\n"
        "calls.configure(run_in='child')\n"
        "counter = Engine.of('test/counter', 'tests.helpers.small_engines:load_counter', step=2)\n"
        "print(calls.call(counter, 'add').value)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("once\n2\n", "")


def test_the_child_ends_with_the_process_that_started_it_however_that_ended(tmp_path: Path) -> None:
    script = (
        "import os, signal\nfrom tasks.engines import calls\nfrom tasks.engines.engine import Engine\n"
        "calls.configure(run_in='child')\n"
        "counter = Engine.of('t', 'tests.helpers.small_engines:load_counter', step=1)\n"
        "ask = lambda what: calls.call(counter, what).value\n"
        "print(ask('pid'), flush=True)\n"
        "import threading\nthreading.Thread(target=ask, args=('hang',)).start()\n"
        "import time\ntime.sleep(0.5)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    pid, until = int(ended.stdout), time.monotonic() + 10
    while time.monotonic() < until and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_weights_that_cannot_be_loaded_are_the_machines_fault_unless_it_may_pass(child: EngineProcess) -> None:
    for where_ in (Pool(), child):
        with pytest.raises(MachineFault, match=r"test/nothing can't be loaded .ValueError: not an archive."):
            where_.call(Engine.of("test/nothing", "tests.helpers.small_engines:load_damaged_weights"), "add")
        with pytest.raises(OSError, match=r"weights\.bin") as late:
            where_.call(Engine.of("test/late", "tests.helpers.small_engines:load_with_timeout"), "add")
        assert is_transient(late.value)
