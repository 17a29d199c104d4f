"""The watched folder: its checks, its intake with the ports to tables and decoder, its events and its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.locations import resolve_out
from flows.reporting.outcome import Outcome
from tasks.audio.isolated_open import IsolatedOpener
from tasks.audio.start_time import load_zone
from tasks.dataset.publish import recover
from tasks.dataset.read import find_row
from tasks.errors import UsageError
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim, InboxPorts, PublishedRun
from tasks.intake.completeness import ScanResult
from tasks.intake.destinations import Destinations
from tasks.intake.intake import Intake
from tasks.intake.ledger import read_only
from tasks.intake.names import LEDGER
from tasks.intake.place import record_mount, refuse_lost_mount
from tasks.settings import home
from tasks.settings.home import keep_private
from tasks.settings.schema import Settings
from tasks.text import escape_unprintable_json

EventKind = Literal["taken", "filed", "waiting", "stopped"]


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An action of the folder-watch, for listeners in this process."""

    kind: EventKind
    name: str = ""
    filed: ClosedClaim | None = None
    outcome: Outcome | None = None
    text: str = ""


_listeners: list[Callable[[InboxEvent], None]] = []


@contextmanager
def listen_to_inbox(listener: Callable[[InboxEvent], None]) -> Iterator[None]:
    """Call `listener` with every event of the folder-watch in this process during the `with` block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def emit(event: InboxEvent) -> None:
    """Call all listeners with the event."""
    for listener in list(_listeners):
        listener(event)


def resolve_inbox(settings: Settings) -> Path:
    """Resolve the watched folder as an absolute path."""
    if settings.inbox.folder is None:
        return home.inbox()
    folder = Path(settings.inbox.folder).expanduser()
    return folder if folder.is_absolute() else home.home() / folder


def check_inbox(settings: Settings) -> None:
    """Check the settings of the watched folder without changing anything.

    Raises UsageError for a named folder that doesn't exist or contains the results, for one whose file system is
    gone, and for settings that suit one recording only; TransientError where the ledger can't be read.
    """
    if settings.audio.recorded_at is not None:
        raise UsageError(
            f"audio.recorded_at = {settings.audio.recorded_at}: so would all recordings of the inbox begin at once. "
            'Put name.json with {"recorded_at": …} beside each instead.'
        )
    inbox, out = resolve_inbox(settings), resolve_out(settings)
    refuse_lost_mount(inbox, home.inbox_places())
    if settings.inbox.folder is not None and not os.path.isdir(inbox):
        raise UsageError(f"inbox.folder = {inbox}: no such folder. Make it, or mount its disk.")
    if out.resolve().is_relative_to(inbox.resolve()):
        raise UsageError(f"inbox.folder = {inbox}: the results, {out}, lie in it. Keep them apart.")
    load_zone(settings.timezone)
    with read_only(inbox / LEDGER) or nullcontext():
        pass


def open_intake(settings: Settings) -> Intake:
    """Open the intake of the watched folder. Raises as `check_inbox` does.

    The default inbox is created; a named one must exist: it may be a disk that isn't mounted.
    """
    keep_private()
    check_inbox(settings)
    inbox, out = resolve_inbox(settings), resolve_out(settings)
    if settings.inbox.folder is None:
        inbox.mkdir(parents=True, exist_ok=True)
    digest, opener = settings.digest(), IsolatedOpener()
    destinations = Destinations(
        home.done(), home.quarantine(), settings.timezone, delete=settings.inbox.after == "delete"
    )
    ports = InboxPorts(
        opener.find_missing,
        lambda sha256, known: find_publication(out, sha256, known, digest),
        digest,
        rest=opener.close,
    )
    intake = Intake(inbox, destinations, settings.inbox, ports)
    record_mount(inbox, home.inbox_places())
    return intake


def recover_claims(intake: Intake, out: Path) -> list[ClosedClaim]:
    """Finish the work of runs that died: first their interrupted publications, then their claims."""
    if intake.claims():
        recover(out)
    return intake.recover()


def find_publication(out: Path, sha256: str, recording_id: str | None, settings_digest: str) -> PublishedRun | None:
    """Find a recording's published run under `out`; None if it was made with settings of another digest."""
    row = find_row(out, sha256, recording_id)
    if row is None or row["settings_digest"] != settings_digest:
        return None
    return PublishedRun(row["recording_id"], row["run_id"], row["status"], row["processed_at"].timestamp())


def format_name(path: Path) -> str:
    """Format a path in the inbox as valid UTF-8, for Prefect and JSON."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def list_waiting(scanned: ScanResult) -> list[str]:
    """List in one line each the files in the inbox that aren't taken, with the reason."""
    lines = [f"{format_name(v.candidate.path)}: {v.waits_for}" for v in scanned.waiting]
    return lines + [f"{format_name(r.path)}: never taken: {r.reason}" for r in scanned.refused]


def format_ledger(intake: Intake, filed: list[ClosedClaim], scanned: ScanResult) -> str:
    """Format the ledger as Markdown, for Prefect's UI."""
    rows = [
        f"| {escape_cell(format_name(f.name))} | {f.state} | {escape_cell(f.recording_id or '')} "
        f"| {escape_cell(str(f.place or ''))} | {escape_cell(f.message or '')} |"
        for f in filed
    ]
    counts = ", ".join(f"{n:,} {state}" for state, n in intake.ledger.counts().items()) or "nothing yet"
    lines = ["## Inbox", "", f"`{format_name(intake.inbox).replace('`', '')}`: {counts} since the ledger began.", ""]
    if rows:
        lines += ["| file | became | recording | lies in | why |", "| --- | --- | --- | --- | --- |", *rows, ""]
    if waiting := list_waiting(scanned):
        lines += ["Waiting:", "", *(f"- {escape_cell(line)}" for line in waiting[:100])]
    return "\n".join(lines)


def escape_cell(text: str) -> str:
    """Escape untrusted text for a cell of a Markdown table: nothing in it is Markdown or HTML.

    >>> escape_cell("a|b<i>*c*")
    'a\\\\|b&lt;i&gt;\\\\*c\\\\*'
    """
    printable = escape_unprintable_json(text)
    printable = printable.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + c if c in "\\`*_[]|#!~" else c for c in printable)


def encode_paths(claim: Claim) -> list[str]:
    """Encode the paths of a claim's recordings as text that Prefect can store."""
    from tasks.audio.folder import encode_path

    return [encode_path(str(path)) for path in claim.recordings]
