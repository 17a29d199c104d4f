"""Scheduled: process the recordings of the watched folder.

scan -> settle -> claim -> process, one after another so that the models stay warm -> file away -> ledger
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, TypedDict

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.fault import describe_machine_fault, describe_prefect_fault, is_shared
from flows.form import EMPTY_FORM, HideNull, SettingsForm, read_form
from flows.inbox import (
    InboxEvent,
    emit,
    encode_paths,
    format_ledger,
    format_name,
    list_waiting,
    open_intake,
    recover_claims,
)
from flows.locations import resolve_out
from flows.process_recording import process_recording
from flows.recording.preparation import prepare
from flows.report_audio import rewrite_report
from flows.reporting.events import emit_quarantined
from flows.reporting.logging_setup import configure_worker_logging, in_worker
from flows.reporting.outcome import Outcome
from flows.reporting.run_account import log_final_error
from flows.reporting.run_names import make_printable
from flows.serving.crashed_runs import label_run
from flows.serving.signals import watch_signals
from tasks.errors import DaylongError, PermanentError
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.completeness import ScanResult
from tasks.intake.intake import Intake
from tasks.intake.scan import find_stop
from tasks.paths import show_folder_as
from tasks.settings.files import hold_files
from tasks.settings.home import home
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.text import read_first_line

MAX_WAITING_LINES = 20
"""Most lines that a run, one a minute, logs on files that wait in the inbox."""
_open_intakes: list[Intake] = []
"""The watchers that run in this process, one at a time."""


class IngestResult(TypedDict):
    """The result of a run of the folder-watch: numbers of recordings by their final state."""

    done: int
    partial: int
    linked: int
    quarantined: int
    returned: int
    waiting: int
    stopped: str | None
    """Why the run ended before all recordings were taken."""


@flow(name="ingest-inbox", persist_result=False)
def ingest_inbox(settings: Annotated[SettingsForm | None, HideNull()] = EMPTY_FORM) -> IngestResult:
    """Process what lies in the inbox, urgent recordings first, and file each away; what arrives meanwhile, too.

    Args:
        settings: Anything to set for these recordings; what is left alone keeps what daylong.toml, the environment
            and the profile say.
    """
    label_run(flow_run.id, flow_run.run_count)
    try:
        with hold_files(home()):  # for all recordings of this run
            form = read_form(settings)
            loaded = load(form)
            configure_worker_logging(loaded.logging.format)
            intake = open_intake(loaded)
            with closing(intake), _registered(intake), excuse_on_signals():
                return _ingest(intake, form, loaded)
    except DaylongError as error:
        if log_final_error(error):
            return Failed(message=str(error))  # type: ignore[return-value]  # Prefect takes a state for the run's end
        raise


def _ingest(intake: Intake, form: dict[str, object], settings: Settings) -> IngestResult:
    log = get_run_logger()
    filed = recover_claims(intake, resolve_out(settings))
    for each in filed:
        log.info("%s: left by a run that died; now %s", format_name(each.name), each.state)
        _report_closed(each)
    stopped: str | None = None
    prepared = False
    while stopped is None:
        scanned = intake.scan()
        stopped = _find_stop_message(intake)
        if scanned.ready and not (stopped or prepared):
            prepare(settings)  # refuses unusable settings before any recording is taken
            prepared = True
        taken = None if stopped else _take_next(intake, scanned)
        if taken is None:
            due = scanned.due(time.time())
            if stopped or due is None or due > intake.settings.settle_seconds + 1:
                break
            time.sleep(max(due, 0.2))
            continue
        if isinstance(taken, Claim):
            ended, stopped = _process(intake, taken, form)
        else:
            ended = taken
            _report_closed(ended)
        log.info("%s: %s%s", format_name(ended.name), ended.state, f" ({ended.message})" if ended.message else "")
        filed.append(ended)
    scanned = intake.scan()
    waiting = list_waiting(scanned)
    for line in waiting[:MAX_WAITING_LINES]:
        log.info("waiting: %s", line)
    if len(waiting) > MAX_WAITING_LINES:
        log.info("waiting: %s more", f"{len(waiting) - MAX_WAITING_LINES:,}")
    for path, reason in intake.unmovable.items():
        emit(InboxEvent("waiting", format_name(path), text=reason))
    if stopped:
        log.warning("%s", stopped)
        emit(InboxEvent("stopped", text=stopped))
    create_markdown_artifact(
        format_ledger(intake, filed, scanned), key="daylong-inbox", description="The inbox's ledger"
    )
    became = Counter(f.state for f in filed)
    return IngestResult(
        done=became["done"],
        partial=became["partial"],
        linked=became["linked"],
        quarantined=became["quarantined"],
        returned=became["returned"],
        waiting=len(scanned.waiting) + len(scanned.ready),
        stopped=stopped,
    )


def _take_next(intake: Intake, scanned: ScanResult) -> Claim | ClosedClaim | None:
    """Take the first ready recording that no other process takes; None if there is none."""
    for candidate in scanned.ready:
        taken = intake.take(candidate)
        if taken is not None:
            return taken
    return None


def _find_stop_message(intake: Intake) -> str | None:
    stop_file = find_stop(intake.inbox)
    if stop_file is not None:
        return f"The file {stop_file} lies in {intake.inbox}: nothing is taken until it is removed."
    return None


def _process(intake: Intake, claim: Claim, settings: dict[str, object]) -> tuple[ClosedClaim, str | None]:
    """Process a claimed recording; return (its closed claim, why no other should be taken now or None)."""
    name = format_name(claim.note.original)
    get_run_logger().info("%s: taken", name)
    emit(InboxEvent("taken", name))
    first, *more = encode_paths(claim)
    try:
        with show_folder_as(claim.lock.folder, claim.note.original.parent):
            outcome = process_recording(first, settings, more)  # type: ignore[call-overload]
    except Exception as error:
        outcome, stop = None, None
        if is_shared(error):
            # A shared fault: all others would fail as well, and none must be quarantined for that.
            reason = _end_sentence(describe_prefect_fault(error) or _format_error(error))
            ended, stop = intake.release(claim), f"{reason} Nothing more is taken now."
        else:
            # One bad recording never stops the others, whatever the cause.
            ended = intake.close_failed(claim, _format_error(error), lasting=isinstance(error, PermanentError))
    except BaseException:
        intake.release(claim)
        raise
    else:
        ended = intake.close_processed(
            claim, status=outcome["status"], recording_id=outcome["recording_id"], run_id=outcome["run_id"]
        )
        stop = None
        if ended.place is not None and ended.state in ("done", "partial"):
            rewrite_report(Path(outcome["out"]), outcome["recording_id"], ended.place)
    _report_closed(ended, outcome)
    return ended, stop


def _report_closed(filed: ClosedClaim, outcome: Outcome | None = None) -> None:
    name = format_name(filed.name)
    emit(InboxEvent("filed", name, filed, outcome))
    if filed.state == "quarantined":
        emit_quarantined(name, filed.message or "", str(filed.place))


@contextmanager
def _registered(intake: Intake) -> Iterator[None]:
    _open_intakes.append(intake)
    try:
        yield
    finally:
        _open_intakes.remove(intake)


@contextmanager
def excuse_on_signals() -> Iterator[None]:
    """In a worker's process: excuse the open attempts on SIGTERM and SIGINT during the `with` block."""
    if not in_worker():  # commands handle the signals themselves
        yield
        return
    with watch_signals(lambda _number: excuse_attempts(), (signal.SIGTERM, signal.SIGINT)):
        yield


def excuse_attempts() -> None:
    """Excuse the attempts under way: the next scan returns their recordings to the inbox, and they don't count."""
    for intake in list(_open_intakes):
        intake.excuse_begun()


def _format_error(error: Exception) -> str:
    if isinstance(error, DaylongError):
        return "\n".join(map(make_printable, str(error).splitlines()))
    if (fault := describe_machine_fault(error)) is not None:
        return fault
    reason = make_printable(read_first_line(error))[:300]
    return f"failed unexpectedly ({type(error).__name__}: {reason})"


def _end_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
