"""A publication's plan: what of the new files goes where, and what is removed.

A plan stays on the disk until it is carried out, and may be edited by anybody or damaged by a failing disk. A plan
that `journal.commit_publication` could not have written is refused as a whole (`DamagedPlan`). A plan whose target
paths are blocked is detected before it changes anything (`check_plan`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import NoRoom, TransientError
from tasks.storage.files import is_plain_name


class DamagedPlan(ValueError):
    """No plan of ours: why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Raises Damaged where a name is none that could be meant, so that nothing is planned that isn't carried out."""

    recording_id: str
    aside: str
    """The folder beside the plan that holds the new files: this plan's and no other's."""
    moves: tuple[tuple[str, str], ...]
    """(name in `aside`, path below the root)."""
    removals: tuple[str, ...]
    """Paths below the root."""

    def __post_init__(self) -> None:
        names = [self.recording_id, self.aside, *(name for name, _ in self.moves)]
        paths = [*(target for _, target in self.moves), *self.removals]
        odd = [n for n in names if not is_plain_name(n)] + [
            p for p in paths if not all(map(is_plain_name, p.split("/")))
        ]
        if odd:
            raise DamagedPlan(f"{odd[0][:80]!a} is no name of a file of ours")
        if not self.aside.endswith(".aside"):
            raise DamagedPlan(f"{self.aside[:80]!a} is no folder of new files")

    def text(self) -> bytes:
        return json.dumps({
            "recording_id": self.recording_id, "aside": self.aside, "moves": self.moves, "removals": self.removals,
        }).encode()  # fmt: skip


def read_plan(path: Path) -> Plan:
    """The plan that lies there, for the recording that its name says. Raises Damaged, and OSError where it can't be
    read now."""
    data = path.read_bytes()
    try:
        held = json.loads(data)
        moves = tuple(
            (_expect_text(name), _expect_text(target))
            for name, target in map(_expect_list, _expect_list(held["moves"]))
        )
        removals = tuple(_expect_text(p) for p in _expect_list(held["removals"]))
        # Before each plan had a folder of its own, it had its recording's.
        plan = Plan(
            _expect_text(held["recording_id"]), _expect_text(held.get("aside", f"{path.stem}.aside")), moves, removals
        )
    except DamagedPlan:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise DamagedPlan("not the JSON of a plan") from err
    if plan.recording_id != path.stem:
        raise DamagedPlan(f"it is of another recording, {plan.recording_id[:80]!a}")
    aside = path.parent / plan.aside
    if aside.is_symlink() or not aside.is_dir():  # the plan goes before its folder does
        raise DamagedPlan(f"there is no folder {plan.aside} of its new files")
    return plan


def check_plan(folder: Path, plan: Plan) -> None:
    """Raise TransientError where the rest of the plan in this folder could not be carried out to its end: what is in
    the way, and what to do. Changes nothing."""
    out, aside = folder.parent, folder / plan.aside
    left = [(aside / name, out / target) for name, target in plan.moves if (aside / name).exists()]
    places = [target for _, target in left]
    for place in (folder / f"{plan.recording_id}.json", *places, *(out / p for p in plan.removals)):
        check_file(place)
    for parent in sorted({place.parent for place in (*places, *(out / p for p in plan.removals))}):
        check_folder(out, parent)
    needed: Counter[Path] = Counter()
    for source, target in left:
        needed[_nearest_existing(out, target.parent)] += source.stat().st_size
    for place, size in needed.items():  # files are copied to where they can't be renamed to
        if place.stat().st_dev != aside.stat().st_dev and shutil.disk_usage(place).free < size:
            raise NoRoom(f"{place}: lies on another disk, and {size / 1e6:.1f} MB are not free there; make room")


def check_file(place: Path) -> None:
    """Raise TransientError where a folder stands in a file's place."""
    if place.is_dir() and not place.is_symlink():
        raise TransientError(f"{place}: a folder stands where a file belongs; move it away")


def check_folder(out: Path, folder: Path) -> None:
    """Raise TransientError where files can't be put into a folder below `out`, which needn't be there yet."""
    if not os.path.lexists(out):
        return
    place = _nearest_existing(out, folder)
    if not place.is_dir():
        raise TransientError(f"{place}: no folder, and one is needed there; move it away")
    way = [f for f in (*reversed(place.parents), place) if f.is_relative_to(out)]
    link = next((f for f in way if not f.resolve().is_relative_to(out.resolve())), None)
    if link is not None:
        raise TransientError(
            f"{link}: a link that leads out of {out}; make it a folder (another disk can be mounted there), or keep "
            "all of the results on that disk"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise TransientError(f"{place}: nothing can be written there; see to its rights")


def _nearest_existing(out: Path, folder: Path) -> Path:
    """The folder, or the first above it that is there: whatever it is."""
    return next(f for f in (folder, *folder.parents) if f == out or os.path.lexists(f))


def _expect_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise DamagedPlan("not the JSON of a plan")
    return value


def _expect_text(value: object) -> str:
    if not isinstance(value, str):
        raise DamagedPlan("not the JSON of a plan")
    return value
