"""Scheduled: the folder that works by itself.

scan -> settle -> claim -> process, one after another so that the models stay warm -> file away -> ledger
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, TypedDict

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.fault import is_shared, prefect_unwell
from flows.form import NOTHING, LeftAlone, SettingsForm, given
from flows.inbox import Event, opened_intake, paths_of, recovered, shown_name, summary, tell, waits
from flows.locations import out_of
from flows.process_recording import process_recording
from flows.recording.preparation import prepare
from flows.report_audio import tell_report
from flows.reporting.events import emit_quarantined
from flows.reporting.logging_setup import configure_worker_logging, in_worker
from flows.reporting.outcome import Outcome
from flows.reporting.run_account import log_final_error
from flows.reporting.run_names import make_printable
from flows.serving.crashed_runs import label_run
from flows.serving.signals import watch_signals
from tasks.errors import DaylongError, TransientError
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.completeness import ScanResult
from tasks.intake.intake import Intake, is_lasting
from tasks.intake.ledger import Ledger
from tasks.intake.scan import is_stopped
from tasks.settings.load import load
from tasks.settings.schema import Settings

MOST_LINES = 20
"""Of what waits in the inbox: each run, every minute, tells them."""
_under_way: dict[str, Path] = {}
"""Ledgers, by the arrivals that this process works on."""


class Ingested(TypedDict):
    """What a run of the folder-watch came to: how many recordings became what."""

    done: int
    partial: int
    linked: int
    quarantined: int
    returned: int
    waiting: int
    stopped: str | None
    """Why it ended before all was taken."""


@flow(name="ingest-inbox", persist_result=False)
def ingest_inbox(settings: Annotated[SettingsForm | None, LeftAlone()] = NOTHING) -> Ingested:
    """Process what lies in the inbox, urgent recordings first, and file each away; what arrives meanwhile, too.

    Args:
        settings: Anything to set for these recordings; what is left alone keeps what daylong.toml, the environment
            and the profile say.
    """
    label_run(flow_run.id)
    try:
        told = given(settings)
        loaded = load(told)
        configure_worker_logging(loaded.logging.format)
        intake = opened_intake(loaded)
        with closing(intake), excused_at_the_end():
            return _ingested(intake, told, loaded)
    except DaylongError as error:
        if log_final_error(error):
            return Failed(message=str(error))  # type: ignore[return-value]  # Prefect takes a state for the run's end
        raise


def _ingested(intake: Intake, form: dict[str, object], settings: Settings) -> Ingested:
    log = get_run_logger()
    filed = recovered(intake, out_of(settings))
    for each in filed:
        log.info("%s: left by a run that died; now %s", shown_name(each.name), each.state)
        _tell_filed(each)
    stopped: str | None = None
    prepared = False
    while stopped is None:
        scanned = intake.scan()
        stopped = _told_to_stop(intake)
        if scanned.ready and not (stopped or prepared):
            prepare(settings)  # refuses what no recording could be processed with, before any is taken
            prepared = True
        taken = None if stopped else _next(intake, scanned)
        if taken is None:
            due = scanned.due(time.time())
            if stopped or due is None or due > intake.settings.settle_seconds + 1:
                break
            time.sleep(max(due, 0.2))
            continue
        if isinstance(taken, Claim):
            ended, stopped = _processed(intake, taken, form)
        else:
            ended = taken
            _tell_filed(ended)
        log.info("%s: %s%s", shown_name(ended.name), ended.state, f" ({ended.message})" if ended.message else "")
        filed.append(ended)
    scanned = intake.scan()
    waiting = waits(scanned)
    for line in waiting[:MOST_LINES]:
        log.info("waiting: %s", line)
    if len(waiting) > MOST_LINES:
        log.info("waiting: %s more", f"{len(waiting) - MOST_LINES:,}")
    for path, reason in intake.unmovable.items():
        tell(Event("waiting", shown_name(path), text=reason))
    if stopped:
        log.warning("%s", stopped)
        tell(Event("stopped", text=stopped))
    create_markdown_artifact(summary(intake, filed, scanned), key="daylong-inbox", description="The inbox's ledger")
    became = Counter(f.state for f in filed)
    return Ingested(
        done=became["done"],
        partial=became["partial"],
        linked=became["linked"],
        quarantined=became["quarantined"],
        returned=became["returned"],
        waiting=len(scanned.waiting) + len(scanned.ready),
        stopped=stopped,
    )


def _next(intake: Intake, scanned: ScanResult) -> Claim | ClosedClaim | None:
    """The first recording that nobody else takes."""
    for candidate in scanned.ready:
        taken = intake.take(candidate)
        if taken is not None:
            return taken
    return None


def _told_to_stop(intake: Intake) -> str | None:
    if is_stopped(intake.inbox):
        return f"The file STOP lies in {intake.inbox}: nothing is taken until it is removed."
    return None


def _processed(intake: Intake, claim: Claim, settings: dict[str, object]) -> tuple[ClosedClaim, str | None]:
    """(what became of one recording, why no other should be tried now)."""
    name = shown_name(claim.note.original)
    get_run_logger().info("%s: taken", name)
    tell(Event("taken", name))
    first, *more = paths_of(claim)
    _under_way[claim.note.id] = intake.ledger.path
    try:
        outcome = process_recording(first, settings, more)  # type: ignore[call-overload]
    except Exception as error:
        outcome, stop = None, None
        if is_shared(error):
            # Not the recording's fault, nor its alone: all others would fail as well, and none must go for that.
            told = _sentence(prefect_unwell(error) or _reason(error))
            ended, stop = intake.release(claim), f"{told} Nothing more is taken now."
        else:
            # One bad recording never stops the others, whatever is wrong with it or with us.
            ended = intake.close_failed(claim, _reason(error), lasting=is_lasting(error))
    except BaseException:
        intake.release(claim)
        raise
    else:
        ended = intake.close_processed(
            claim, status=outcome["status"], recording_id=outcome["recording_id"], run_id=outcome["run_id"]
        )
        stop = None
        if ended.place is not None and ended.state in ("done", "partial"):
            tell_report(Path(outcome["out"]), outcome["recording_id"], ended.place)
    finally:
        _under_way.pop(claim.note.id, None)
    _tell_filed(ended, outcome)
    return ended, stop


def _tell_filed(filed: ClosedClaim, outcome: Outcome | None = None) -> None:
    name = shown_name(filed.name)
    tell(Event("filed", name, filed, outcome))
    if filed.state == "quarantined":
        emit_quarantined(name, filed.message or "", str(filed.place))


@contextmanager
def excused_at_the_end() -> Iterator[None]:
    """In a worker's process: when it is told to end, what it works on hasn't failed."""
    if not in_worker():  # a command hears the signals by itself
        yield
        return
    with watch_signals(lambda _number: excuse(), (signal.SIGTERM, signal.SIGINT)):
        yield


def excuse() -> None:
    """The process is told to end: what it works on is given back at the next scan, and the attempt doesn't count."""
    for arrival, path in list(_under_way.items()):
        with suppress(TransientError), Ledger(path) as ledger:
            ledger.excuse(arrival)


def _reason(error: Exception) -> str:
    if isinstance(error, DaylongError):
        return "\n".join(map(make_printable, str(error).splitlines()))
    said = make_printable(next(iter(str(error).strip().splitlines()), ""))[:300]
    return f"failed unexpectedly ({type(error).__name__}: {said})"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
