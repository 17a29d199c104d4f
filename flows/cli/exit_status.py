"""How a command ends: errors as one or two lines, an exit status, no traceback unless asked for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer

from flows.cli.terminal import Terminal
from flows.serving.signals import watch_signals
from tasks.engines.child import forbid_new_children
from tasks.errors import DaylongError, UsageError
from tasks.process_tree import find_descendants, is_running, terminate
from tasks.storage.artifacts import discard_unfinished

FAILED, WRONG_USAGE = 1, 2
STOPPED = {
    signal.SIGINT: ("Interrupted.", 130),
    signal.SIGTERM: ("Stopped.", 143),
    signal.SIGHUP: ("The terminal was closed.", 129),
}
"""What each signal is called, and the exit status that shells know it by."""


def stopping() -> list[signal.Signals]:
    """The signals that end a command: all of these, but the terminal's end where `nohup` has it ignored."""
    return [each for each in STOPPED if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]


GRACE_S = 8.0
"""So long may the run take to close after Ctrl-C; then the process ends anyway."""


@contextmanager
def told(terminal: Terminal) -> Iterator[None]:
    """Turns what goes wrong into lines on stderr and an exit status; with --debug it rises."""
    try:
        yield
    except DaylongError as error:
        if terminal.debug:
            raise
        terminal.fail(str(error))
        raise typer.Exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED) from None
    except BrokenPipeError:
        # Whoever read our output has seen enough, as in `daylong … | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
    except OSError as error:
        if terminal.debug:
            raise
        terminal.fail(f"{error.filename or 'file system'}: {error.strerror or error}")
        raise typer.Exit(FAILED) from None


@contextmanager
def interruptible(terminal: Terminal, also: Callable[[], None] | None = None) -> Iterator[threading.Event]:
    """Ctrl-C, SIGTERM or the terminal's end ends the command with one line and status 130, 143 or 129, with its
    children, even where an engine is at work.

    Everything that is published is written aside and renamed, so ending at any moment is safe; a moment is given
    all the same, for Prefect to note that the run has ended; `also` is called then. Yields what tells that it
    happened.
    """

    interrupted = threading.Event()
    number = [signal.SIGINT]

    def begin(signalled: int) -> None:
        if interrupted.is_set():
            return
        interrupted.set()
        number[0] = signal.Signals(signalled)
        with suppress(OSError):  # the terminal may be gone
            terminal.note(f"{STOPPED[number[0]][0]} Finished steps are kept: the same command goes on from there.")
        watchdog = threading.Timer(GRACE_S, _end, [terminal, number[0]])
        watchdog.daemon = True
        watchdog.start()
        if also is not None:
            also()

    def on_signal(signalled: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        begin(signalled)
        raise KeyboardInterrupt

    numbers = stopping()
    before = {each: signal.signal(each, on_signal) for each in numbers}
    try:
        with watch_signals(begin, numbers):
            yield interrupted
    except KeyboardInterrupt:
        pass
    finally:
        # Set without the exception: somebody below swallowed it.
        if interrupted.is_set():
            _end(terminal, number[0])
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(terminal: Terminal, number: signal.Signals) -> None:
    """End this process and its children at once: threads that are inside an engine can't be stopped otherwise."""
    forbid_new_children()
    for _ in range(3):  # a thread may start one (a decoder) while others end
        terminate([pid for pid in find_descendants() if is_running(pid)])
    discard_unfinished()
    with suppress(OSError):
        terminal.err.show_cursor()
    if terminal.log:
        terminal.log.unlink(missing_ok=True)
    os._exit(STOPPED[number][1])
