"""`daylong watch`: process the watched folder without a server."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.progress import show_progress
from flows.cli.run import Debug, parse_settings, read_log_format
from flows.cli.session import open_session
from flows.cli.terminal import Terminal, escape
from flows.environment import import_prefect
from flows.serving.own_server import RunServer
from tasks.errors import DaylongError, MachineFault, TransientError, UsageError
from tasks.intervals import format_duration
from tasks.settings.files import hold_files, list_changed
from tasks.settings.home import home

if TYPE_CHECKING:
    from pathlib import Path

    from flows.inbox import InboxEvent
    from flows.ingest_inbox import IngestResult
    from tasks.intake.close_claim import ClosedClaim
    from tasks.intake.completeness import ScanResult
    from tasks.intake.intake import Intake
    from tasks.settings.schema import Settings

RETRY_S = 60.0
"""Seconds until the next scan if nothing could be taken or a fault persists."""
IDLE_S = 900.0
"""Seconds that engines stay in memory after their last recording."""

EXAMPLES = """Examples:

daylong watch

daylong watch --once --set inbox.folder=/srv/recorder

touch data/inbox/STOP     (finish the one under way, take no more)
"""


def watch(
    once: Annotated[bool, typer.Option("--once", help="Process what lies there now, then end.")] = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard, light or demo: which weights to use. [standard]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as inbox.settle_seconds=30. Repeatable."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Process the recordings that are put into data/inbox, and file them away; until Ctrl-C.

    What is processed goes to data/done, what can't be to data/quarantine, with an error.json that says why.
    Several may watch one folder. Exit status: 0 all done, 1 some recording failed, 2 wrong usage or settings.
    """
    with ExitStack() as held:
        with open_terminal(debug):
            from flows.inbox import open_intake
            from tasks.settings.load import load

            held.enter_context(hold_files(home()))  # what is watched and how stays what it is
            settings = parse_settings({"profile": profile}, assignments or [])
            open_intake(load(settings)).close()
        with open_session(debug, read_log_format(settings)) as screen, handle_interrupts(screen, _excuse_attempts):
            failed = _InboxWatcher(settings, load(settings), screen).run(once)
    if failed:
        raise typer.Exit(FAILED)


class _InboxWatcher:
    """Scans the inbox; Prefect and the engines are started only for a recording that is ready."""

    def __init__(self, given: dict[str, Any], settings: Settings, screen: Terminal) -> None:
        self._given, self._settings, self._screen = given, settings, screen
        self._server = RunServer()
        self._printed: dict[str, str] = {}
        self._not_taken: dict[str, str] = {}
        self._failed = 0
        self._last_work: float | None = None
        self._last_fault = ""
        self._stopped = ""
        self._changed: list[Path] = []

    def run(self, once: bool) -> int:
        """Watch the folder, without `once` forever; return how many recordings failed."""
        from flows.inbox import open_intake, recover_claims
        from flows.locations import resolve_out

        intake = open_intake(self._settings)
        try:
            self._screen.note(f"Watching {escape(intake.inbox)}{'' if once else '; Ctrl-C ends it'}.")
            while True:
                self._report_changed_settings()
                try:
                    if intake.is_displaced():
                        intake = self._reopen(intake)
                    for filed in recover_claims(intake, resolve_out(self._settings)):
                        self._screen.note(f"{escape(filed.name)}: left by a run that died.")
                        self._report_closed(filed)
                    if self._scan_and_process(intake, once):
                        return self._failed
                    self._last_fault = ""
                except (TransientError, MachineFault) as error:
                    if once:
                        raise
                    self._wait_out(str(error))
        finally:
            intake.close()

    def _reopen(self, intake: Intake) -> Intake:
        """Open the inbox anew, whose disk was away or whose ledger was removed. Raises TransientError where it can't
        be now."""
        from flows.inbox import open_intake

        try:
            new = open_intake(self._settings)
        except UsageError as error:
            raise TransientError(str(error)) from error
        intake.close()
        self._screen.note(f"{escape(new.inbox)}: opened anew: another folder or disk is there than before.")
        return new

    def _report_changed_settings(self) -> None:
        """Print once which settings files are no longer what they were when the watch began."""
        changed = list_changed()
        for path in changed:
            if path not in self._changed:
                self._screen.note(
                    f"{escape(path)} has changed: this watch goes on with what it said before. Start it again for "
                    "what it says now."
                )
        self._changed = changed

    def _wait_out(self, fault: str) -> None:
        """Print a fault (of a disk, the network, Prefect's server) once, and wait for `RETRY_S`."""
        if fault != self._last_fault:
            self._screen.fail(f"{fault}\n  It is tried again every {RETRY_S:.0f} s.")
        self._last_fault = fault
        time.sleep(RETRY_S)

    def _scan_and_process(self, intake: Intake, once: bool) -> bool:
        """Scan once and process what is ready; return whether nothing is left to do, with `once`."""
        from tasks.intake.scan import is_stopped

        scanned = intake.scan()
        self._report_waiting(scanned)
        settle_s = self._settings.inbox.settle_seconds
        due = scanned.due(time.time())
        if scanned.ready and not scanned.stopped:
            ended = self._run_flow()
            stopped = "" if is_stopped(intake.inbox) else ended["stopped"] or ""
            if stopped and stopped != self._stopped:
                self._screen.fail(stopped)
                self._failed += 1
            self._stopped = stopped
            if any(ended[state] for state in ("done", "partial", "linked", "quarantined")):
                return False
            if once:  # another process has it, or it can't be taken
                return True
            time.sleep(RETRY_S)
            return False
        if once and (scanned.stopped or due is None or due > settle_s + 1):
            return True
        self._unload_idle_engines()
        time.sleep(max(0.2, min(due if due is not None else 60.0, max(settle_s, 1.0), 60.0)))
        return False

    def _run_flow(self) -> IngestResult:
        """Run the flow and return its result. Raises TransientError for a fault of Prefect."""
        with show_progress(self._screen) as show:
            self._server.begin()
            import_prefect()
            from flows.fault import describe_prefect_fault
            from flows.inbox import listen_to_inbox
            from flows.ingest_inbox import ingest_inbox
            from flows.reporting.progress import subscribe

            self._server.wait()
            try:
                with subscribe(show), listen_to_inbox(self._report_event):
                    ended: IngestResult = ingest_inbox(self._given)  # type: ignore[call-overload]
            except Exception as error:
                reason = None if isinstance(error, DaylongError) else describe_prefect_fault(error)
                if reason is None:
                    raise
                raise TransientError(reason) from error
        self._last_work = time.monotonic()
        self._screen.shorten_log()
        return ended

    def _unload_idle_engines(self) -> None:
        """Unload the engines `IDLE_S` after the last recording."""
        if self._last_work is not None and time.monotonic() - self._last_work > IDLE_S:
            from tasks.engines import calls

            calls.unload()
            self._last_work = None

    def _report_event(self, event: InboxEvent) -> None:
        from flows.cli.summary import show_outcome

        if event.kind == "taken":
            self._screen.note(f"{escape(event.name)}: taken.")
        if event.kind == "waiting" and self._not_taken.get(event.name) != event.text:
            self._not_taken[event.name] = event.text
            self._screen.note(f"{escape(event.name)}: not taken: {escape(event.text)}.")
        if event.outcome is not None:
            show_outcome(event.outcome, self._screen)
        if event.filed is not None:
            self._report_closed(event.filed)

    def _report_closed(self, filed: ClosedClaim) -> None:
        name, place = escape(filed.name), escape(filed.place) if filed.place else None
        self._printed.pop(str(filed.name), None)
        if filed.state in ("done", "partial", "linked"):
            known = "the same content was processed before; " if filed.state == "linked" else ""
            self._screen.say(f"{name}: {known}{f'now {place}' if place else 'removed'}")
            self._failed += filed.state == "partial"
        elif filed.state == "quarantined":
            self._failed += 1
            self._screen.fail(f"{filed.name}: {filed.message}\n  It lies in {filed.place}, with error.json.")
        elif filed.message:
            self._failed += 1
            self._screen.fail(f"{filed.name}: {filed.message} It is back in the inbox, and tried again.")
        else:
            self._screen.note(f"{name}: back in the inbox.")

    def _report_waiting(self, scanned: ScanResult) -> None:
        now: dict[str, str] = {}
        for waiting in scanned.waiting:
            reason = waiting.waits_for or ""
            left = f"; in {format_duration(waiting.due - time.time())} at the earliest" if waiting.due else ""
            settling = reason in ("just seen", "settling", "still changing")
            now[str(waiting.candidate.path)] = (
                "seen; it is taken when it stops changing." if settling else reason + left
            )
        now |= {str(r.path): f"not taken: {r.reason}." for r in scanned.refused}
        if scanned.stop_file is not None:
            now[scanned.stop_file] = "nothing is taken until this file is removed."
        for name, line in now.items():
            before = self._printed.get(name)
            if before is None or before.split(";")[0] != line.split(";")[0]:
                self._screen.note(f"{escape(name)}: {escape(line)}")
        self._printed = now


def _excuse_attempts() -> None:
    import sys

    ingest = sys.modules.get("flows.ingest_inbox")
    if ingest is not None:  # else nothing was taken yet
        ingest.excuse_attempts()
