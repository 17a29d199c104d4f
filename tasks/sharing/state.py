"""A small folder that machines share as a whole, such as the registry of voices: one writer at a time.

    state/<name>.json              the paths of its files, each with its SHA-256; replaced by a conditional write
    state/<name>/<sha256>          the files

Who changes it holds a lease, makes its own copy what the storage has, changes that, and writes `state/<name>.json` by
the condition that it is still what was read. So of two who both believe that they hold the lease one fails, and its
changes are as if they had never been: no change is lost without an error, and readers see one whole state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import TransientError
from tasks.sharing.connect import open_objects
from tasks.sharing.copies import find_url
from tasks.sharing.lease import hold_lease
from tasks.sharing.objects import Conflict, Objects
from tasks.storage import journal
from tasks.storage.files import is_plain_name

LEASE_S = 30.0
ATTEMPTS = 5


@dataclass(slots=True)
class SharedState:
    """A folder whose storage's state is held by this process."""

    objects: Objects
    folder: Path
    tag: str | None
    sums: dict[str, str]

    def push(self) -> None:
        """Make the storage's state what the folder holds now. Raises TransientError where another machine has changed
        it meanwhile; then nothing of this change is kept."""
        name = self.folder.name
        held = {path: (self.folder / path).read_bytes() for path in _list_files(self.folder)}
        sums = {path: hashlib.sha256(data).hexdigest() for path, data in held.items()}
        if sums == self.sums:
            return
        there = set(self.sums.values())
        for path, data in held.items():
            if sums[path] not in there:
                self.objects.put(_name_content(name, sums[path]), data)
        content = json.dumps({"files": sums}, sort_keys=True).encode()
        try:
            if self.tag is None:
                self.tag = self.objects.put_new(_name_state(name), content)
            else:
                self.tag = self.objects.replace(_name_state(name), content, self.tag)
        except Conflict:
            raise TransientError(
                f"{self.objects.url}: the {name} were changed by another machine; try again."
            ) from None
        for digest in there - set(sums.values()):  # what was forgotten is gone
            self.objects.delete(_name_content(name, digest))
        self.sums = sums


@contextmanager
def hold_state(folder: Path, lock: Path, patience_s: float) -> Iterator[SharedState | None]:
    """Hold the state that `folder` is a copy of, for changes in the block, which are shared at its end and by `push`;
    None for a folder that is no copy. `lock`: its journal, held by this process.

    Raises TransientError where another machine holds it for `patience_s`.
    """
    url = find_url(folder)
    if url is None:
        yield None
        return
    objects = open_objects(url)
    journal.recover(lock)
    what = f"{url}: the {folder.name}"
    with hold_lease(objects, f"state/{folder.name}", what, lease_s=LEASE_S, patience_s=patience_s):
        tag, sums = _pull(objects, folder, lock)
        state = SharedState(objects, folder, tag, sums)
        yield state
        state.push()


def refresh_state(folder: Path) -> None:
    """Make a copy what the storage has now, for reading; leave it where another process of this machine is at it."""
    url = find_url(folder)
    if url is None:
        return
    with ExitStack() as held:
        try:
            lock = held.enter_context(journal.lock_journal(folder, 1.0))
        except TransientError:
            return
        journal.recover(lock)
        _pull(open_objects(url), folder, lock)


def _pull(objects: Objects, folder: Path, lock: Path) -> tuple[str | None, dict[str, str]]:
    """Make the folder what the storage has; return the state's tag and the digests of its files."""
    for _ in range(ATTEMPTS):
        state = objects.get(_name_state(folder.name))
        sums = _parse(state.data, objects.url) if state is not None else {}
        here = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in _list_files(folder)}
        contents: dict[Path, bytes] = {}
        for path, digest in sums.items():
            if here.get(path) != digest:
                held = objects.get(_name_content(folder.name, digest))
                if held is None or hashlib.sha256(held.data).hexdigest() != digest:
                    break  # replaced meanwhile
                contents[Path(path)] = held.data
        else:
            leaving = [Path(path) for path in here if path not in sums]
            if contents or leaving:
                journal.commit_publication(lock, folder.name, contents, leaving)
            return (state.tag if state is not None else None), sums
    raise TransientError(f"{objects.url}: the {folder.name} are being replaced; try again.")


def _parse(data: bytes, url: str) -> dict[str, str]:
    try:
        sums = {str(path): str(digest) for path, digest in json.loads(data)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransientError(f"{url}: no state of a folder ({error}); restore it from a copy.") from error
    if not all(all(map(is_plain_name, path.split("/"))) for path in sums):
        raise TransientError(f"{url}: a state with paths that are no names of ours; restore it from a copy.")
    return sums


def _list_files(folder: Path) -> list[str]:
    found = (p.relative_to(folder) for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return [p.as_posix() for p in found if not any(part.startswith(".") for part in p.parts)]


def _name_state(name: str) -> str:
    return f"state/{name}.json"


def _name_content(name: str, digest: str) -> str:
    return f"state/{name}/{digest}"
