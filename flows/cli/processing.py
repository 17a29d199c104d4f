"""Process recordings with the flow, one after another, in this process: shared by `run` and `demo`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.exit_status import handle_interrupts
from flows.cli.progress import show_progress
from flows.cli.sources import find_single_recordings, group_recordings
from flows.cli.summary import show_outcome
from flows.cli.terminal import Terminal, escape
from tasks.audio.folder import encode_path, name_recording
from tasks.errors import DaylongError, UsageError

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome


@dataclass(slots=True)
class ProcessingResult:
    """The outcomes of a command's recordings."""

    outcomes: list[Outcome] = field(default_factory=list)
    failed: int = 0
    """Recordings without a transcript, or with one that lacks chunks."""


def process(
    names: Iterable[str], settings: dict[str, Any], terminal: Terminal, *, together: bool = False
) -> ProcessingResult:
    """Process the recordings that `names` stand for; print each result as it comes, and each failure in one line.

    `together`: the files named are one recording, and so are each folder's.
    Raises UsageError where the settings need something that this machine lacks: no other recording is tried then.
    """
    found, errors = group_recordings(names) if together else find_single_recordings(names)
    for error in errors:
        terminal.fail(str(error))
    if not found and all(isinstance(error, UsageError) for error in errors):
        raise UsageError("nothing to process.")
    from tasks.settings.load import load

    if len(found) > 1 and (at := load(settings).audio.recorded_at) is not None:
        raise UsageError(
            f"audio.recorded_at = {at}: so would all {len(found)} recordings begin at once. Process one at a time, "
            "say --together where they are one, or put name.json beside each."
        )
    done = ProcessingResult(failed=len(errors))
    with handle_interrupts(terminal) as interrupted:
        for number, files in enumerate(found, start=1):
            if interrupted.is_set():
                break
            _process_one(files, settings, terminal, f"{number} of {len(found)}" if len(found) > 1 else "", done)
    if done.failed:
        if len(found) + len(errors) > 1:
            terminal.note(f"{done.failed} of {len(found) + len(errors)} failed.")
        if terminal.log and terminal.log.stat().st_size:
            terminal.note(f"What the libraries said is in {terminal.log}")
            terminal.keep_log = True
    return done


def _process_one(
    files: tuple[str, ...], settings: dict[str, Any], terminal: Terminal, position: str, done: ProcessingResult
) -> None:
    name = escape(name_recording(files))
    try:
        with show_progress(terminal, position) as show:
            outcome = _run_flow(files, settings, show)
    except UsageError:
        raise
    except DaylongError as error:
        if terminal.debug:
            raise
        message = str(error)
        terminal.fail(message if name in message else f"{name}: {message}")
        done.failed += 1
        return
    except Exception as error:
        # A recording must not stop the rest, whatever the cause.
        if terminal.debug:
            raise
        reason = (str(error).strip().splitlines() or [""])[0][:300]
        terminal.fail(f"{name}: failed unexpectedly ({type(error).__name__}: {reason}); --debug shows more.")
        done.failed += 1
        return
    done.outcomes.append(outcome)
    show_outcome(outcome, terminal)
    done.failed += outcome["status"] != "complete"


def _run_flow(files: tuple[str, ...], settings: dict[str, Any], show: Any) -> Outcome:
    home = os.environ.get("PREFECT_HOME")
    if home:
        try:  # Prefect creates the folder without its parents, and would wait for its server in vain
            Path(home).expanduser().mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"PREFECT_HOME={escape(home)}: no folder can be made there ({error.strerror})"
            ) from error
    # Imported here, below the bar: Prefect takes a second to import and several to start.
    from flows.process_recording import process_recording
    from flows.reporting.progress import subscribe

    first, *more = map(encode_path, files)
    with subscribe(show):
        # Prefect validates the mapping into the form that the signature names.
        outcome: Outcome = process_recording(first, settings, more)  # type: ignore[call-overload]
    return outcome
