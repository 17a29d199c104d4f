"""An inbox in a temporary folder, with a clock that the test sets, and a disk that crashes at a chosen step.

The ports are simple: a file is complete when it ends in END, opening one that begins with DEADLY raises EngineDied,
and only what the test has published counts as published.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.errors import EngineDied
from tasks.intake import files
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim, InboxPorts, PublishedRun
from tasks.intake.destinations import Destinations
from tasks.intake.intake import Intake
from tasks.intake.ledger import Ledger
from tasks.settings.schema import InboxSettings
from tests.helpers.crashing_disk import SimulatedKill

END = b"END"
DEADLY = b"deadly"


class SimulatedInbox:
    """The folders of an inbox, and the publications of what was processed. Several watchers may be opened on it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.done, self.quarantine = folder / "done", folder / "quarantine"
        self.inbox.mkdir(parents=True)
        self.now = self._stamped = 1_800_000_000.0
        self.given = settings
        self.settings = self.make_settings()
        self.published: dict[str, PublishedRun] = {}
        self.settings_digest = "one"

    def make_settings(self) -> InboxSettings:
        return InboxSettings(**{"settle_seconds": 10, "attempts": 100, **self.given})

    def watcher(self, **settings: Any) -> Intake:
        """A process that watches the inbox."""
        return Intake(
            self.inbox,
            Destinations(self.done, self.quarantine, "UTC", delete=self.settings.after == "delete"),
            self.settings.model_copy(update=settings),
            InboxPorts(self.lacking, self.known, self.settings_digest),
            clock=lambda: self.now,
        )

    def known(self, sha256: str, recording_id: str | None) -> PublishedRun | None:
        found = self.published.get(sha256)
        return found if found and found.run_id.endswith(self.settings_digest) else None

    def lacking(self, path: Path) -> str | None:
        content = path.read_bytes()
        if content.startswith(DEADLY):
            raise EngineDied("the process of audio/opening ended (exit status -11)")
        return None if content.endswith(END) else "its end is not there yet"

    def put(self, name: str, content: bytes = b"sound", *, whole: bool = True) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + END if whole else content)
        self.stamp(path)
        return path

    def stamp(self, path: Path) -> None:
        """Set a modification time later than all before: copies in tests are quicker than the clock's resolution."""
        self._stamped += 0.01
        os.utime(path, (self._stamped, self._stamped))

    def publish(self, claim: Claim, status: str = "complete") -> dict[str, str]:
        sha256 = claim.note.sha256
        row = PublishedRun(f"id-{sha256[:8]}", f"run-{self.settings_digest}", status, self.now)
        self.published[sha256] = row
        return row._asdict()

    def take_first(self, watcher: Intake) -> Claim | ClosedClaim | None:
        """Scan until the files have settled, and take the first."""
        watcher.scan()
        self.now += self.settings.settle_seconds
        ready = watcher.scan().ready
        return watcher.take(ready[0]) if ready else None

    def claim_first(self, watcher: Intake) -> Claim:
        taken = self.take_first(watcher)
        assert isinstance(taken, Claim)
        return taken

    def list_files(self) -> list[str]:
        """All files but the watchers' own, relative to the simulation's folder."""
        return sorted(
            str(f.relative_to(self.folder))
            for f in self.folder.rglob("*")
            if f.is_file() and not f.name.startswith(".") and f.name != "error.json"
        )

    def read_contents(self) -> list[bytes]:
        """The content of every file that the test put there; hard links that a killed move has left count once."""
        there = [f for f in self.folder.rglob("*") if f.is_file() and f.name != "error.json" and f.name[0] != "."]
        return [f.read_bytes() for f in {f.stat().st_ino: f for f in there}.values()]


class CrashingInboxDisk:
    """Counts the changes of disk and ledger; raises SimulatedKill at the chosen one."""

    def __init__(self, world: SimulatedInbox) -> None:
        self._world = world
        self.steps_left: int | None = None
        self.crashed = False
        self.on_another_disk = False
        """Whether done and quarantine are on another disk than the inbox: links and renames then fail."""

    def step(self) -> None:
        if self.crashed:
            raise SimulatedKill
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.crashed = True
                raise SimulatedKill

    def restart(self) -> None:
        self.steps_left, self.crashed = None, False

    def _check_same_disk(self, *paths: Any) -> None:
        inside = [Path(p).is_relative_to(self._world.inbox) for p in paths]
        if self.on_another_disk and len(set(inside)) > 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    @contextmanager
    def patched(self) -> Iterator[CrashingInboxDisk]:
        def changes(what: Any, two: bool = False) -> Any:
            def changed(*arguments: Any, **keywords: Any) -> Any:
                self.step()
                if two:
                    self._check_same_disk(*arguments[:2])
                return what(*arguments, **keywords)

            return changed

        mortal_os = SimpleNamespace(**{n: getattr(os, n) for n in dir(os)})
        for name in ("makedirs", "unlink", "rmdir"):
            setattr(mortal_os, name, changes(getattr(os, name)))
        for name in ("link", "rename", "replace"):
            setattr(mortal_os, name, changes(getattr(os, name), two=True))
        mortal_shutil = SimpleNamespace(**{n: getattr(shutil, n) for n in ("copytree", "copystat", "Error")})
        mortal_shutil.rmtree = changes(shutil.rmtree)
        mortal_shutil.copyfile = changes(shutil.copyfile)
        writing = Ledger.writing

        @contextmanager
        def mortal_writing(ledger: Ledger) -> Iterator[Any]:
            self.step()
            with writing(ledger) as db:
                yield db
                self.step()
            self.step()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", mortal_os)
            patch.setattr(files, "shutil", mortal_shutil)
            patch.setattr(Ledger, "writing", mortal_writing)
            yield self
