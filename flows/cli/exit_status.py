"""How a command ends: errors as one or two lines and an exit status; a traceback only with --debug."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer

from flows.cli.terminal import Terminal, make_terminal
from flows.serving.signals import watch_signals
from tasks.engines.child import forbid_new_children
from tasks.errors import DaylongError, UsageError
from tasks.process_tree import find_descendants, is_running, terminate
from tasks.storage.artifacts import discard_unfinished

FAILED, WRONG_USAGE = 1, 2
SIGNAL_EXITS = {
    signal.SIGINT: ("Interrupted.", 130),
    signal.SIGTERM: ("Stopped.", 143),
    signal.SIGHUP: ("The terminal was closed.", 129),
}
"""Signal -> (the line for people, the exit status: 128 + its number)."""


def list_stop_signals() -> list[signal.Signals]:
    """List the signals that end a command: those of `SIGNAL_EXITS`, without SIGHUP where `nohup` ignores it."""
    return [each for each in SIGNAL_EXITS if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]


GRACE_S = 8.0
"""Seconds that a run may take to close after Ctrl-C before the process is ended."""


@contextmanager
def open_terminal(debug: bool = False) -> Iterator[Terminal]:
    """Yield the terminal of a command that loads no engine; errors in the `with` block are translated."""
    screen = make_terminal(debug)
    with translate_errors(screen):
        yield screen


@contextmanager
def translate_errors(screen: Terminal) -> Iterator[None]:
    """Translate errors in the `with` block into lines on stderr and an exit status; with --debug they are raised."""
    try:
        yield
    except DaylongError as error:
        if screen.debug:
            raise
        screen.fail(str(error))
        raise typer.Exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED) from None
    except BrokenPipeError:
        # The reader of our output has closed the pipe, as in `daylong … | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
    except OSError as error:
        if screen.debug:
            raise
        screen.fail(f"{error.filename or 'file system'}: {error.strerror or error}")
        raise typer.Exit(FAILED) from None


@contextmanager
def handle_interrupts(screen: Terminal, also: Callable[[], None] | None = None) -> Iterator[threading.Event]:
    """End the command and its children on Ctrl-C, SIGTERM or SIGHUP: one line, and status 130, 143 or 129.

    This also works while an engine computes. Published files are replaced atomically, so ending at any moment is
    safe; `GRACE_S` seconds are left for Prefect to record the end of the run. `also` is called at the signal. Yields
    an event that is set by then.
    """

    interrupted = threading.Event()
    received = [signal.SIGINT]

    def begin_exit(number: int) -> None:
        if interrupted.is_set():
            return
        interrupted.set()
        received[0] = signal.Signals(number)
        with suppress(OSError):  # the terminal may be gone
            screen.note(
                f"{SIGNAL_EXITS[received[0]][0]} Finished steps are kept: the same command goes on from there."
            )
        watchdog = threading.Timer(GRACE_S, _exit_now, [screen, received[0]])
        watchdog.daemon = True
        watchdog.start()
        if also is not None:
            also()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        begin_exit(number)
        raise KeyboardInterrupt

    signals = list_stop_signals()
    previous_handlers = {each: signal.signal(each, on_signal) for each in signals}
    try:
        with watch_signals(begin_exit, signals):
            yield interrupted
    except KeyboardInterrupt:
        pass
    finally:
        # Set without the exception: code in the block swallowed it.
        if interrupted.is_set():
            _exit_now(screen, received[0])
        for each, handler in previous_handlers.items():
            signal.signal(each, handler)


def _exit_now(screen: Terminal, received: signal.Signals) -> None:
    """End this process and its children at once: threads that compute in an engine can't be stopped otherwise."""
    forbid_new_children()
    for _ in range(3):  # a thread may start one (a decoder) while others end
        terminate([pid for pid in find_descendants() if is_running(pid)])
    discard_unfinished()
    with suppress(OSError):
        screen.err.show_cursor()
    if screen.log:
        screen.log.unlink(missing_ok=True)
    os._exit(SIGNAL_EXITS[received][1])
