"""What the folder-watch needs of the other rooms, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.locations import out_of
from flows.reporting.outcome import Outcome
from tasks.audio.isolated_open import IsolatedOpener
from tasks.audio.start_time import load_zone
from tasks.dataset.publish import recover
from tasks.dataset.read import find_row
from tasks.errors import UsageError
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim, InboxPorts, Publication
from tasks.intake.completeness import ScanResult
from tasks.intake.destinations import Destinations
from tasks.intake.intake import Intake
from tasks.intake.ledger import read_only
from tasks.intake.names import LEDGER
from tasks.settings import home
from tasks.settings.home import keep_private
from tasks.settings.schema import Settings
from tasks.text import escape_unprintable_json

Kind = Literal["taken", "filed", "waiting", "stopped"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the folder-watch has done, for whoever listens."""

    kind: Kind
    name: str = ""
    filed: ClosedClaim | None = None
    outcome: Outcome | None = None
    text: str = ""


_listeners: list[Callable[[Event], None]] = []


@contextmanager
def hearing(listener: Callable[[Event], None]) -> Iterator[None]:
    """Hear all events of the folder-watch in this process for a while."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: Event) -> None:
    for listener in list(_listeners):
        listener(event)


def inbox_of(settings: Settings) -> Path:
    """The folder that is watched."""
    given = settings.inbox.folder
    if given is None:
        return home.inbox()
    folder = Path(given).expanduser()
    return folder if folder.is_absolute() else home.home() / folder


def check(settings: Settings) -> None:
    """Raise UsageError where the inbox that was named isn't there, the results lie in it, or the settings are for one
    recording; TransientError where its ledger can't be read. Changes nothing."""
    if settings.audio.recorded_at is not None:
        raise UsageError(
            f"audio.recorded_at = {settings.audio.recorded_at}: so would all recordings of the inbox begin at once. "
            'Put name.json with {"recorded_at": …} beside each instead.'
        )
    inbox, out = inbox_of(settings), out_of(settings)
    if settings.inbox.folder is not None and not inbox.is_dir():
        raise UsageError(f"inbox.folder = {inbox}: no such folder. Make it, or mount its disk.")
    if out.resolve().is_relative_to(inbox.resolve()):
        raise UsageError(f"inbox.folder = {inbox}: the results, {out}, lie in it. Keep them opener.")
    load_zone(settings.timezone)
    with read_only(inbox / LEDGER) or nullcontext():
        pass


def opened_intake(settings: Settings) -> Intake:
    """The folder-watch, with what other rooms tell it. Raises what `check` does.

    The default inbox is made; one that was named must be there: it may be a disk that isn't mounted.
    """
    keep_private()
    check(settings)
    inbox, out = inbox_of(settings), out_of(settings)
    if settings.inbox.folder is None:
        inbox.mkdir(parents=True, exist_ok=True)
    digest, opener = settings.digest(), IsolatedOpener()
    destinations = Destinations(
        home.done(), home.quarantine(), settings.timezone, delete=settings.inbox.after == "delete"
    )
    ports = InboxPorts(
        opener.find_missing, lambda sha256, known: published(out, sha256, known, digest), digest, rest=opener.close
    )
    return Intake(inbox, destinations, settings.inbox, ports)


def recovered(intake: Intake, out: Path) -> list[ClosedClaim]:
    """Finish what runs that died were about: first what they had begun to publish, then what they had claimed."""
    if intake.claims():
        recover(out)
    return intake.recover()


def published(out: Path, sha256: str, recording_id: str | None, settings_digest: str) -> Publication | None:
    """What the tables under `out` hold of a recording, if it was made with settings of that digest."""
    row = find_row(out, sha256, recording_id)
    if row is None or row["settings_digest"] != settings_digest:
        return None
    return Publication(row["recording_id"], row["run_id"], row["status"], row["processed_at"].timestamp())


def shown_name(path: Path) -> str:
    """A path in the inbox as Prefect and JSON can keep it."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def waits(scanned: ScanResult) -> list[str]:
    """A line for each thing in the inbox that isn't taken."""
    lines = [f"{shown_name(v.candidate.path)}: {v.waits_for}" for v in scanned.waiting]
    return lines + [f"{shown_name(r.path)}: never taken: {r.reason}" for r in scanned.refused]


def summary(intake: Intake, filed: list[ClosedClaim], scanned: ScanResult) -> str:
    """The ledger as Markdown, for Prefect."""
    rows = [
        f"| {cell(shown_name(f.name))} | {f.state} | {cell(f.recording_id or '')} | {cell(str(f.place or ''))} "
        f"| {cell(f.message or '')} |"
        for f in filed
    ]
    counts = ", ".join(f"{n:,} {state}" for state, n in intake.ledger.counts().items()) or "nothing yet"
    lines = ["## Inbox", "", f"`{shown_name(intake.inbox).replace('`', '')}`: {counts} since the ledger began.", ""]
    if rows:
        lines += ["| file | became | recording | lies in | why |", "| --- | --- | --- | --- | --- |", *rows, ""]
    if waiting := waits(scanned):
        lines += ["Waiting:", "", *(f"- {cell(line)}" for line in waiting[:100])]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Text of strangers, safe in a Markdown table: nothing in it is Markdown or HTML.

    >>> cell("a|b<i>*c*")
    'a\\\\|b&lt;i&gt;\\\\*c\\\\*'
    """
    plain = escape_unprintable_json(text)
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + c if c in "\\`*_[]|#!~" else c for c in plain)


def paths_of(claim: Claim) -> list[str]:
    """The files of a claim, as Prefect can keep them."""
    from tasks.audio.folder import encode_path

    return [encode_path(str(path)) for path in claim.recordings]
