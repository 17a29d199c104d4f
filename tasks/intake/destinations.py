"""Destinations of recordings: decided before publication, moved to after it.

done        data/done/YYYY/MM/DD/<its own name>, a numbered one where that is taken; or removed, where that was asked:
            what else lay in its folder is filed there all the same
quarantine  data/quarantine/<sha12>/<its own name>, with error.json beside it

What stays where it is (`inbox.after = keep`) is not filed, unless it goes to the quarantine.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.intake import files, folders, names
from tasks.intake.claim_lock import NOTE, ClaimLock, ClaimNote
from tasks.intake.ledger import Ledger
from tasks.intake.rows import SUCCESS, Arrival, Content
from tasks.sidecars import rename_sidecar
from tasks.storage.atomic import write_atomically

ERROR = "error.json"


@dataclass(frozen=True, slots=True)
class Destinations:
    """The folders that recordings are moved to. `delete`: recordings that are complete are removed instead."""

    done: Path
    quarantine: Path
    timezone: str
    delete: bool = False

    def place_when_done(self, ledger: Ledger, arrival_id: str, name: str, now: float) -> Path:
        """A path in done/ that is free, and no other arrival's destination."""
        day = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        folder = self.done / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}"
        return _find_free_place(ledger, arrival_id, folder / name)

    def place_in_quarantine(self, ledger: Ledger, arrival_id: str, sha256: str, name: str) -> Path:
        """A path in a folder of quarantine/ that holds nothing else."""
        return _find_free_place(ledger, arrival_id, self.quarantine / sha256[:12]) / name


def move_to_destination(
    ledger: Ledger, destinations: Destinations, lock: ClaimLock, note: ClaimNote, arrival: Arrival
) -> Path | None:
    """Move a claim's recording and sidecars to the arrival's destination, or remove them.

    Returns the new path; None where they were removed. Idempotent. Raises OSError where it can't be done now.
    """
    content = ledger.content(arrival.sha256)
    main = lock.folder / note.original.name
    target = arrival.destination
    if destinations.delete and arrival.state in ("done", "linked") and _discard_recording(main, arrival):
        target = None
    if target is not None:
        files.make_folder(target.parent)
        if arrival.state not in SUCCESS:
            write_atomically(target.parent / ERROR, format_error(arrival, content))
        target = _move_recording(ledger, arrival, main, target)
    for item in lock.items():
        if target is None:
            files.remove(item)
        elif item.name != main.name:
            _move_sidecar(item, target, main.name)
    files.flush(target.parent if target else lock.folder)
    if target != arrival.destination:
        ledger.send_to(arrival.id, target)
    ledger.mark_filed(arrival.id)
    files.remove(lock.folder / NOTE)
    return target


def _discard_recording(main: Path, arrival: Arrival) -> bool:
    """Remove a recording. False where other files of its folder are left."""
    if main.is_dir():
        return folders.discard(main, arrival.sha256)
    files.remove(main)
    return True


def format_error(arrival: Arrival, content: Content | None) -> str:
    """The text of error.json: what failed, why, and what to do."""
    error = (content.error if content else None) or "It could not be processed."
    kind, _, what = error.partition(": ")
    lasting = kind == "permanent"
    fields = {
        "file": names.format_path(arrival.name.name),
        "came_from": names.format_path(arrival.name),
        "what": what or error,
        "why": "The file is at fault: trying again would fail in the same way."
        if lasting
        else f"It was tried {content.attempts if content else 1} times, and failed each time.",
        "what_to_do": "Mend or replace the file, then put it into the inbox again."
        if lasting
        else "Look into the cause; then put the file into the inbox again, and it is tried anew.",
        "when": datetime.fromtimestamp(arrival.ended or arrival.taken).astimezone().isoformat(timespec="seconds"),
        "run_id": content.run_id if content else None,
        "attempts": content.attempts if content else None,
        "sha256": arrival.sha256,
    }
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _find_free_place(ledger: Ledger, arrival_id: str, wanted: Path) -> Path:
    number = 1
    while True:
        place = wanted.with_name(names.add_number(wanted.name, number))
        if not os.path.lexists(place) and not ledger.is_promised(place, arrival_id):
            return place
        number += 1


def _move_recording(ledger: Ledger, arrival: Arrival, source: Path, target: Path) -> Path:
    """Move the recording to `target`, or to a free name beside it, which is written to the ledger first."""
    while os.path.lexists(source):
        try:
            files.move(source, target)
        except FileExistsError:
            # Promised to this arrival alone, so what has its content there is it: a move that died before its end.
            if _is_same_recording(source, target, arrival.sha256):
                files.remove(source)
                break
            target = _find_free_place(ledger, arrival.id, target.with_name(source.name))
            ledger.send_to(arrival.id, target)
    return target


def _is_same_recording(source: Path, target: Path, sha256: str) -> bool:
    if os.path.samefile(source, target):
        return True
    return source.is_dir() == target.is_dir() and files.digest_of(target) == sha256


def _move_sidecar(sidecar: Path, target: Path, original: str) -> None:
    """Move a sidecar beside its recording, under the recording's new name."""
    wanted = target.with_name(rename_sidecar(sidecar.name, original, target.name))
    number = 1
    while True:
        place = wanted.with_name(names.add_number(wanted.name, number))
        try:
            files.move(sidecar, place)
            return
        except FileExistsError:
            if files.digest_of(place) == files.digest_of(sidecar):
                files.remove(sidecar)
                return
            number += 1
