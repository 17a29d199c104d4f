"""Objects in a folder that several machines mount, or several processes share."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.errors import FULL, RIGHTS, MachineFault, NoRoom, TransientError
from tasks.sharing.objects import Conflict, Facts, Held
from tasks.storage import files
from tasks.storage.atomic import write_atomically

LOCK = ".lock"
LOCK_PATIENCE_S = 60.0


class Folder:
    """The objects under `file:///folder`. Conditional writes hold the system's own lock (flock) on `.lock`: the file
    system must have locks that all machines see, as NFS 4 and SMB have."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._root = Path(url.removeprefix("file://"))

    def __repr__(self) -> str:
        return f"Folder({self.url!r})"

    def get(self, name: str) -> Held | None:
        with self._translating():
            try:
                with open(self._root / name, "rb") as file:
                    data = file.read()
                    return Held(data, _tag(data), os.fstat(file.fileno()).st_mtime)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def find(self, name: str) -> Facts | None:
        with self._translating():
            try:
                stat = (self._root / name).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return Facts(name, stat.st_size, stat.st_mtime)

    def put(self, name: str, data: bytes) -> str:
        with self._translating():
            files.make_folder((self._root / name).parent)
            write_atomically(self._root / name, data)
            return _tag(data)

    def put_new(self, name: str, data: bytes) -> str:
        return self._write_if(name, data, None)

    def replace(self, name: str, data: bytes, tag: str) -> str:
        return self._write_if(name, data, tag)

    def _write_if(self, name: str, data: bytes, tag: str | None) -> str:
        with self._translating(), self._locked():
            held = self.get(name)
            if (held and held.tag) != tag:
                raise Conflict(f"{self.url}: {name} was written by another process meanwhile")
            return self.put(name, data)

    def delete(self, name: str) -> None:
        with self._translating():
            files.remove(self._root / name)

    def list(self, prefix: str) -> Iterator[Facts]:
        folder = self._root / prefix.rpartition("/")[0]
        with self._translating():
            found = sorted(p.relative_to(self._root).as_posix() for p in folder.rglob("*") if p.is_file())
        for name in found:
            if name.startswith(prefix) and name != LOCK and not name.endswith(".part"):
                facts = self.find(name)
                if facts is not None:
                    yield facts

    @contextmanager
    def _locked(self) -> Iterator[None]:
        files.make_folder(self._root)
        try:
            with FileLock(self._root / LOCK, LOCK_PATIENCE_S, poll_interval=0.01, fallback_to_soft=False):
                yield
        except Timeout:
            raise TransientError(f"{self.url}: its lock is held by another process; try again") from None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in FULL:
                raise NoRoom(
                    f"{self.url}: its disk is full. Make room, or prune the cache (daylong cache prune); the same "
                    "command then goes on from here."
                ) from error
            if error.errno in RIGHTS:
                raise MachineFault(f"{self.url}: access is refused ({reason}). See to its rights.") from error
            raise TransientError(f"{self.url}: fails now ({reason}); try again when it is there.") from error


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
