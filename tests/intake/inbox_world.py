"""An inbox in a folder of its own, with a clock that the test moves, and processes that die where the test says.

What the other rooms tell is simple here: a file is whole when it ends in END, a decoder dies of one that begins with
DEADLY, and published is what the test says is.
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
from tasks.intake.ending import Carried, Filed, Published
from tasks.intake.filing import Cabinet
from tasks.intake.intake import Intake
from tasks.intake.ledger import Ledger
from tasks.settings.schema import InboxSettings

END = b"END"
DEADLY = b"deadly"


class Killed(BaseException):
    """The process has been killed; it does nothing any more."""


class World:
    """The disk, and what is published. Watchers come and go."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.done, self.quarantine = folder / "done", folder / "quarantine"
        self.inbox.mkdir(parents=True)
        self.now = self._stamped = 1_800_000_000.0
        self.given = settings
        self.settings = self.settings_of()
        self.published: dict[str, Published] = {}
        self.settings_digest = "one"

    def settings_of(self) -> InboxSettings:
        return InboxSettings(**{"settle_seconds": 10, "attempts": 100, **self.given})

    def watcher(self, **settings: Any) -> Intake:
        """A process that watches the inbox."""
        return Intake(
            self.inbox,
            Cabinet(self.done, self.quarantine, "UTC", delete=self.settings.after == "delete"),
            self.settings.model_copy(update=settings),
            Carried(self.lacking, self.known, self.settings_digest),
            clock=lambda: self.now,
        )

    def known(self, sha256: str, recording_id: str | None) -> Published | None:
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
        """Changed now: later than all before, as it is where copies take longer than in tests."""
        self._stamped += 0.01
        os.utime(path, (self._stamped, self._stamped))

    def publish(self, claim: Claim, status: str = "complete") -> dict[str, str]:
        sha256 = claim.note.sha256
        row = Published(f"id-{sha256[:8]}", f"run-{self.settings_digest}", status, self.now)
        self.published[sha256] = row
        return row._asdict()

    def settled(self, watcher: Intake) -> Claim | Filed | None:
        """Scan until what lies there has settled, and take the first."""
        watcher.scan()
        self.now += self.settings.settle_seconds
        ready = watcher.scan().ready
        return watcher.take(ready[0]) if ready else None

    def claimed(self, watcher: Intake) -> Claim:
        taken = self.settled(watcher)
        assert isinstance(taken, Claim)
        return taken

    def found(self) -> list[str]:
        """All files but the watchers' own, relative to the world's folder."""
        return sorted(
            str(f.relative_to(self.folder))
            for f in self.folder.rglob("*")
            if f.is_file() and not f.name.startswith(".") and f.name != "error.json"
        )

    def contents(self) -> list[bytes]:
        """Of every file that somebody put there, each once however many names a killed move has left it."""
        there = [f for f in self.folder.rglob("*") if f.is_file() and f.name != "error.json" and f.name[0] != "."]
        return [f.read_bytes() for f in {f.stat().st_ino: f for f in there}.values()]


class Mortal:
    """Everything that changes a disk or a ledger, counted; dies at the step it is told to die at."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.left: int | None = None
        self.dead = False
        self.across = False
        """done and quarantine are on another disk."""

    def step(self) -> None:
        if self.dead:
            raise Killed
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.dead = True
                raise Killed

    def reborn(self) -> None:
        self.left, self.dead = None, False

    def _within(self, *paths: Any) -> None:
        inside = [Path(p).is_relative_to(self._world.inbox) for p in paths]
        if self.across and len(set(inside)) > 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    @contextmanager
    def patched(self) -> Iterator[Mortal]:
        def changes(what: Any, two: bool = False) -> Any:
            def changed(*arguments: Any, **keywords: Any) -> Any:
                self.step()
                if two:
                    self._within(*arguments[:2])
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
