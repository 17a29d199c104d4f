"""Where a recording goes once it is processed, or can't be: decided beforehand, carried out whenever.

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
from tasks.intake.hold import NOTE, Hold, Note
from tasks.intake.ledger import Ledger
from tasks.intake.rows import SUCCESS, Arrival, Content

ERROR = "error.json"


@dataclass(frozen=True, slots=True)
class Cabinet:
    """Where things are filed; `delete`: recordings that are done for good go."""

    done: Path
    quarantine: Path
    timezone: str
    delete: bool = False

    def place_when_done(self, ledger: Ledger, arrival_id: str, name: str, now: float) -> Path:
        """A place in done/ that is free, and promised to nobody."""
        day = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        folder = self.done / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}"
        return _free(ledger, arrival_id, folder / name)

    def place_in_quarantine(self, ledger: Ledger, arrival_id: str, sha256: str, name: str) -> Path:
        """A place in a folder of its own."""
        return _free(ledger, arrival_id, self.quarantine / sha256[:12]) / name


def carry_out(ledger: Ledger, cabinet: Cabinet, held: Hold, note: Note, arrival: Arrival) -> Path | None:
    """Put what lies in a claim's folder where the ledger says, or remove it; where it is now (None: removed).

    Can be begun again, whatever moment it ended at. Raises OSError where it can't be done now.
    """
    content = ledger.content(arrival.sha256)
    main = held.folder / note.original.name
    target = arrival.destination
    if cabinet.delete and arrival.state in ("done", "linked") and _removed(main, arrival):
        target = None
    if target is not None:
        files.make_folder(target.parent)
        if arrival.state not in SUCCESS:
            files.write(target.parent / ERROR, explained(arrival, content))
        target = _file(ledger, arrival, main, target)
    for item in held.items():
        if target is None:
            files.remove(item)
        elif item.name != main.name:
            _beside(item, target, main.name)
    files.flush(target.parent if target else held.folder)
    if target != arrival.destination:
        ledger.send_to(arrival.id, target)
    ledger.filed(arrival.id)
    files.remove(held.folder / NOTE)
    return target


def _removed(main: Path, arrival: Arrival) -> bool:
    """Remove a recording; whether nothing is left of it."""
    if main.is_dir():
        return folders.discard(main, arrival.sha256)
    files.remove(main)
    return True


def explained(arrival: Arrival, content: Content | None) -> str:
    """error.json: what happened, in plain words."""
    error = (content.error if content else None) or "It could not be processed."
    kind, _, what = error.partition(": ")
    lasting = kind == "permanent"
    told = {
        "file": names.shown(arrival.name.name),
        "came_from": names.shown(arrival.name),
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
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _free(ledger: Ledger, arrival_id: str, wanted: Path) -> Path:
    number = 1
    while True:
        place = wanted.with_name(names.numbered(wanted.name, number))
        if not os.path.lexists(place) and not ledger.is_promised(place, arrival_id):
            return place
        number += 1


def _file(ledger: Ledger, arrival: Arrival, source: Path, target: Path) -> Path:
    """Move the recording to `target`, or to a free name beside it, which the ledger then knows."""
    while os.path.lexists(source):
        try:
            files.move(source, target)
        except FileExistsError:
            # Promised to this arrival alone, so what has its content there is it: a move that died before its end.
            if _same(source, target, arrival.sha256):
                files.remove(source)
                break
            target = _free(ledger, arrival.id, target.with_name(source.name))
            ledger.send_to(arrival.id, target)
    return target


def _same(source: Path, target: Path, sha256: str) -> bool:
    if os.path.samefile(source, target):
        return True
    return source.is_dir() == target.is_dir() and files.digest_of(target) == sha256


def _beside(sidecar: Path, target: Path, original: str) -> None:
    """A sidecar keeps its recording's name, number and all."""
    wanted = target.with_name(names.sidecar_of(target.name, sidecar.name, original))
    number = 1
    while True:
        place = wanted.with_name(names.numbered(wanted.name, number))
        try:
            files.move(sidecar, place)
            return
        except FileExistsError:
            if files.digest_of(place) == files.digest_of(sidecar):
                files.remove(sidecar)
                return
            number += 1
