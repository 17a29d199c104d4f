"""What lies in an inbox, or is gone from it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tasks.intake.leftovers import COPYING, LONE_SIDECAR, STOP_BELOW, TOGETHER_AT_TOP
from tasks.intake.place import refuse_lost_mount
from tasks.intake.service_folders import NAMES
from tests.helpers.simulated_inbox import SimulatedInbox
from tests.operators.case import Case


def put(*names: str) -> Callable[[Path], str]:
    """Put files into an inbox, wait, and look: what may be taken, what waits, what the status says of the rest."""

    def act(folder: Path) -> str:
        world = SimulatedInbox(folder)
        for name in names:
            world.put(name, name.encode())
        return look(world)

    return act


def look(world: SimulatedInbox) -> str:
    watcher = world.watcher()
    watcher.scan()
    world.now += 60
    scanned = watcher.scan()
    ready = "stopped" if scanned.stopped else f"taken: {[str(c.path) for c in scanned.ready]}"
    left = [f"{path}: {reason}" for path, reason, _ in watcher.ledger.leftovers()]
    watcher.close()
    return "; ".join([ready, *left])


def put_link_and_pipe(folder: Path) -> str:
    world = SimulatedInbox(folder)
    (world.inbox / "a.wav").symlink_to("/etc/hostname")
    os.mkfifo(world.inbox / "b.wav")
    return look(world)


def take_sidecar(name: str) -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        world = SimulatedInbox(folder)
        world.put("a.wav")
        (world.inbox / name).write_text('{"recorded_at": "2026-03-01T09:15:00"}')
        return f"with it: {[sidecar.name for sidecar in world.claim_first(world.watcher()).sidecars]}"

    return act


def unmount(folder: Path) -> str:
    """Watch an empty folder that was the mount point of an inbox."""
    (folder / "inbox").mkdir()
    record = folder / "places.json"
    record.write_text(json.dumps({str(folder / "inbox"): str(folder / "inbox")}))
    refuse_lost_mount(folder / "inbox", record)
    return "begun anew"


def take_away(folder: Path) -> str:
    """Take the inbox away while it is watched."""
    world = SimulatedInbox(folder)
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    world.inbox.rename(folder / "away")
    watcher.release(claim)
    return "nothing said"


BINS = sorted({name for names in NAMES.values() for name in names})
CASES = (
    Case("bins", f"files in {', '.join(BINS)}", "taken: []", put(*(f"m/{name.swapcase()}/a.wav" for name in BINS))),
    *(Case("control", name, "stopped", put("a.wav", name)) for name in ("STOP.txt", "stop")),
    *(Case("control", name, "taken: ['m']", put("m/1.wav", name)) for name in ("m/_TOGETHER", "m/_together.txt")),
    *(Case("control", name, f"with it: ['{name}']", take_sidecar(name)) for name in ("a.JSON", "a.json.txt")),
    Case("leftovers", "a sidecar alone", f"b.json: {LONE_SIDECAR}", put("a.wav", "b.json")),
    Case("leftovers", "a copy under way", f"a.wav.part: {COPYING}", put("a.wav.part")),
    Case("leftovers", "STOP in a folder", f"m/STOP: {STOP_BELOW}", put("m/STOP")),
    Case("leftovers", "_together at the top", f"_together: {TOGETHER_AT_TOP}", put("_together")),
    Case("leftovers", "a file 20 folders deep", "lies more than 16 folders deep", put("d/" * 20 + "a.wav")),
    Case("leftovers", "a link, a pipe", "b.wav: not a regular file", put_link_and_pipe),
    Case("mounts", "an empty mount point", "…/inbox is not mounted", unmount),
    Case("mounts", "gone while it is watched", "…/inbox: the folder is gone. Is its disk mounted?", take_away),
)  # fmt: skip
