"""Process recordings with the flow, one after another, in this process: shared by `run` and `demo`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flows.cli.exit_status import handle_interrupts
from flows.cli.progress import show_progress
from flows.cli.sources import find_single_recordings, group_recordings
from flows.cli.summary import show_outcome
from flows.cli.terminal import Terminal, escape
from flows.environment import import_prefect
from flows.serving.own_server import RunServer
from tasks.audio.folder import encode_path, name_recording
from tasks.errors import DaylongError, UnreadableAudio, UsageError
from tasks.sharing.lease import Busy, LostLease
from tasks.sharing.patience import without_waiting
from tasks.sharing.publication import Superseded

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome


@dataclass(slots=True)
class ProcessingResult:
    """The outcomes of a command's recordings."""

    outcomes: list[Outcome] = field(default_factory=list)
    failed: int = 0
    """Recordings without a transcript, or with one that lacks chunks."""
    _last_reason: str = ""

    def shorten(self, line: str, name: str) -> str:
        """Shorten the line on the failure of a recording if only its name tells it from the last one's."""
        reason = line.replace(name, "")
        if reason == self._last_reason:
            return f"{name}: failed for the same reason."
        self._last_reason = reason
        return line


def process(
    names: Iterable[str],
    settings: dict[str, Any],
    terminal: Terminal,
    *,
    together: bool = False,
) -> ProcessingResult:
    """Process the recordings that `names` stand for; print each result as it comes, and each failure in one line.

    `together`: the files named are one recording, and so are each folder's.
    Raises UsageError where the settings need something that this machine lacks: no other recording is tried then. Nor
    is one after a failure that all would meet.
    """
    found, errors = group_recordings(names) if together else find_single_recordings(names)
    for error in errors:
        terminal.fail(str(error))
    if not found and all(isinstance(error, UsageError) for error in errors):
        raise UsageError("nothing to process.")
    server = RunServer()
    if found:
        check_before_start(settings, len(found), server)
    done = ProcessingResult(failed=len(errors))
    with handle_interrupts(terminal) as interrupted:
        waiting, busy = deque(enumerate(found, start=1)), 0
        while waiting and not interrupted.is_set():
            number, files = waiting.popleft()
            position = f"{number} of {len(found)}" if len(found) > 1 else ""
            # What another machine works on comes last; where nothing else is left, it is waited for.
            may_wait = busy >= len(waiting)
            tried = _process_one(files, settings, terminal, position, done, server, may_wait=may_wait)
            if tried == "busy":
                waiting.append((number, files))
                busy += 1
                continue
            busy = 0
            if tried == "hopeless":
                done.failed += len(waiting)
                if waiting:
                    rest = _format_rest(len(waiting))
                    terminal.note(f"Not tried, since they would fail in the same way: {rest}.")
                break
    if done.failed:
        if len(found) + len(errors) > 1:
            terminal.note(f"{done.failed} of {len(found) + len(errors)} failed.")
        if terminal.log and terminal.log.stat().st_size:
            terminal.note(f"What the libraries said is in {terminal.log}")
            terminal.keep_log = True
    return done


def check_before_start(settings: dict[str, Any], recordings: int, server: RunServer) -> None:
    """Refuse what would fail for each recording, before anything is started. Raises UsageError, MachineFault."""
    from flows.locations import resolve_device
    from flows.recording.preparation import check_engines, check_recogniser
    from tasks.settings.load import load
    from tasks.weights.requirements import format_fetch_command, list_deferred, list_required
    from tasks.weights.resolve import check_available, check_names

    loaded = load(settings)
    if recordings > 1 and (at := loaded.audio.recorded_at) is not None:
        raise UsageError(
            f"audio.recorded_at = {at}: so would all {recordings} recordings begin at once. Process one at a time, "
            "say --together where they are one, or put name.json beside each."
        )
    server.check_named()
    device = resolve_device(loaded)
    check_engines(loaded, device)
    required = list_required(loaded, device)
    check_names([*required, *list_deferred(loaded)])
    check_available(required, format_fetch_command(loaded, device))
    check_recogniser(loaded)
    server.check()


def _process_one(
    files: tuple[str, ...],
    settings: dict[str, Any],
    terminal: Terminal,
    position: str,
    done: ProcessingResult,
    server: RunServer,
    *,
    may_wait: bool,
) -> Literal["tried", "busy", "hopeless"]:
    """Process a recording; return whether it was tried, or another process works on it, or no other one may succeed.

    `may_wait`: whether to wait where another process works on it. Raises UsageError; with --debug, any error.
    """
    try:
        with show_progress(terminal, position) as show, nullcontext() if may_wait else without_waiting():
            outcome = _run_flow(files, settings, show, server)
    except UsageError:
        raise
    except (Busy, LostLease, Superseded):
        return "busy"
    except Exception as error:  # a recording must not stop the rest, whatever the cause
        if terminal.debug:
            raise
        done.failed += 1
        name = escape(name_recording(files))
        line, others_may_succeed = explain_failure(error, name)
        terminal.fail(line if isinstance(error, UnreadableAudio) else done.shorten(line, name))
        return "tried" if others_may_succeed else "hopeless"
    done.outcomes.append(outcome)
    show_outcome(outcome, terminal)
    done.failed += outcome["status"] != "complete"
    return "tried"


def explain_failure(error: Exception, name: str) -> tuple[str, bool]:
    """Explain why a recording failed, in a line that names it; and whether another recording may succeed."""
    from flows.fault import describe_machine_fault, is_shared

    if isinstance(error, DaylongError):
        message = str(error)
        return message if name in message else f"{name}: {message}", not is_shared(error)
    if (reason := describe_machine_fault(error)) is not None:
        return f"{name}: {reason}", not is_shared(error)
    reason = (str(error).strip().splitlines() or [""])[0][:300]
    return f"{name}: failed unexpectedly ({type(error).__name__}: {reason}); --debug shows more.", True


def _format_rest(number: int) -> str:
    return f"{number} more recording{'' if number == 1 else 's'}"


def _run_flow(files: tuple[str, ...], settings: dict[str, Any], show: Any, server: RunServer) -> Outcome:
    is_starting = server.begin()  # it starts while Prefect is imported
    # Imported here, below the bar: Prefect takes a second to import and several to start.
    import_prefect()
    from flows.process_recording import process_recording
    from flows.recording.early_engines import load_before_run
    from flows.reporting.progress import subscribe

    first, *more = map(encode_path, files)
    if is_starting:
        load_before_run([first, *more], settings)
    server.wait()
    with subscribe(show):
        # Prefect validates the mapping into the form that the signature names.
        outcome: Outcome = process_recording(first, settings, more)  # type: ignore[call-overload]
    return outcome
