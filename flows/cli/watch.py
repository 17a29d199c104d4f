"""`daylong watch`: the folder that works by itself, without a server to start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import FAILED, interruptible, told
from flows.cli.progress import shown
from flows.cli.run import Debug, lines_of, settings_of
from flows.cli.session import opened
from flows.cli.terminal import Terminal, plain, terminal
from flows.reporting.progress import format_duration
from tasks.errors import DaylongError, MachineFault, TransientError

if TYPE_CHECKING:
    from flows.inbox import Event
    from flows.ingest_inbox import Ingested
    from tasks.intake.close_claim import ClosedClaim
    from tasks.intake.completeness import ScanResult
    from tasks.intake.intake import Intake
    from tasks.settings.schema import Settings

FUTILE_S = 60.0
"""Where nothing could be taken of what is ready, this long until the next try."""
IDLE_S = 900.0
"""Engines stay in memory for so long after their last recording."""

EXAMPLES = """Examples:

daylong watch

daylong watch --once --set inbox.folder=/srv/recorder

touch data/inbox/STOP     (finish the one under way, take no more)
"""


def watch(
    once: Annotated[bool, typer.Option("--once", help="Process what lies there now, then end.")] = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard or demo: which weights to use. [standard]")
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
    with told(terminal(debug)):
        from flows.inbox import opened_intake
        from tasks.settings.load import load

        settings = settings_of({"profile": profile}, assignments or [])
        opened_intake(load(settings)).close()
    with opened(debug, lines_of(settings)) as screen, told(screen), interruptible(screen, _excuse):
        failed = _Watch(settings, load(settings), screen).until_done(once)
    if failed:
        raise typer.Exit(FAILED)


class _Watch:
    """Looks now and then, and starts Prefect and the engines only when there is something to process."""

    def __init__(self, given: dict[str, Any], settings: Settings, screen: Terminal) -> None:
        self._given, self._settings, self._screen = given, settings, screen
        self._told: dict[str, str] = {}
        self._futile: dict[str, str] = {}
        self._failed = 0
        self._worked: float | None = None
        self._trouble = ""
        self._stopped = ""

    def until_done(self, once: bool) -> int:
        """How many recordings failed; without `once` it never returns of itself."""
        from flows.inbox import opened_intake, recovered
        from flows.locations import out_of

        intake = opened_intake(self._settings)
        try:
            self._screen.note(f"Watching {plain(intake.inbox)}{'' if once else '; Ctrl-C ends it'}.")
            while True:
                try:
                    for filed in recovered(intake, out_of(self._settings)):
                        self._screen.note(f"{plain(filed.name)}: left by a run that died.")
                        self._tell(filed)
                    if self._round(intake, once):
                        return self._failed
                    self._trouble = ""
                except (TransientError, MachineFault) as error:
                    if once:
                        raise
                    self._wait_out(str(error))
        finally:
            intake.close()

    def _wait_out(self, trouble: str) -> None:
        """Something is away or broken (a disk, a network, Prefect's server): who watches for weeks waits for it."""
        if trouble != self._trouble:
            self._screen.fail(f"{trouble}\n  It is tried again every {FUTILE_S:.0f} s.")
        self._trouble = trouble
        time.sleep(FUTILE_S)

    def _round(self, intake: Intake, once: bool) -> bool:
        """One look, and what follows from it; whether that was all, with `once`."""
        from tasks.intake.scan import is_stopped

        scanned = intake.scan()
        self._tell_waiting(scanned)
        settle_s = self._settings.inbox.settle_seconds
        due = scanned.due(time.time())
        if scanned.ready and not scanned.stopped:
            ended = self._processed()
            stopped = "" if is_stopped(intake.inbox) else ended["stopped"] or ""
            if stopped and stopped != self._stopped:
                self._screen.fail(stopped)
                self._failed += 1
            self._stopped = stopped
            if any(ended[state] for state in ("done", "partial", "linked", "quarantined")):
                return False
            if once:  # somebody else has it, or it can't be taken
                return True
            time.sleep(FUTILE_S)
            return False
        if once and (scanned.stopped or due is None or due > settle_s + 1):
            return True
        self._rest()
        time.sleep(max(0.2, min(due if due is not None else 60.0, max(settle_s, 1.0), 60.0)))
        return False

    def _processed(self) -> Ingested:
        """Run the flow; what it came to. Raises TransientError where Prefect isn't well."""
        with shown(self._screen) as show:
            from flows.fault import prefect_unwell
            from flows.inbox import hearing
            from flows.ingest_inbox import ingest_inbox
            from flows.reporting.progress import subscribe

            try:
                with subscribe(show), hearing(self._hear):
                    ended: Ingested = ingest_inbox(self._given)  # type: ignore[call-overload]
            except Exception as error:
                unwell = None if isinstance(error, DaylongError) else prefect_unwell(error)
                if unwell is None:
                    raise
                raise TransientError(unwell) from error
        self._worked = time.monotonic()
        self._screen.shorten_log()
        return ended

    def _rest(self) -> None:
        """Engines that nobody has asked for long give their memory back."""
        if self._worked is not None and time.monotonic() - self._worked > IDLE_S:
            from tasks.engines import calls

            calls.unload()
            self._worked = None

    def _hear(self, event: Event) -> None:
        from flows.cli.summary import summarise

        if event.kind == "taken":
            self._screen.note(f"{plain(event.name)}: taken.")
        if event.kind == "waiting" and self._futile.get(event.name) != event.text:
            self._futile[event.name] = event.text
            self._screen.note(f"{plain(event.name)}: not taken: {plain(event.text)}.")
        if event.outcome is not None:
            summarise(event.outcome, self._screen)
        if event.filed is not None:
            self._tell(event.filed)

    def _tell(self, filed: ClosedClaim) -> None:
        name, place = plain(filed.name), plain(filed.place) if filed.place else None
        self._told.pop(str(filed.name), None)
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

    def _tell_waiting(self, scanned: ScanResult) -> None:
        now: dict[str, str] = {}
        for waiting in scanned.waiting:
            reason = waiting.waits_for or ""
            left = f"; in {format_duration(waiting.due - time.time())} at the earliest" if waiting.due else ""
            settling = reason in ("just seen", "settling", "still changing")
            now[str(waiting.candidate.path)] = (
                "seen; it is taken when it stops changing." if settling else reason + left
            )
        now |= {str(r.path): f"not taken: {r.reason}." for r in scanned.refused}
        if scanned.stopped:
            now["STOP"] = "nothing is taken until this file is removed."
        for name, line in now.items():
            before = self._told.get(name)
            if before is None or before.split(";")[0] != line.split(";")[0]:
                self._screen.note(f"{plain(name)}: {plain(line)}")
        self._told = now


def _excuse() -> None:
    import sys

    ingest = sys.modules.get("flows.ingest_inbox")
    if ingest is not None:  # else nothing was taken yet
        ingest.excuse()
