"""The store of large values in shared storage, with a bounded copy of what this machine used last.

Names and digests are those of `tasks.storage.artifacts`. A value read from the bucket, or written there, also lies in
a folder of this machine, so that steps which follow don't fetch it again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import DaylongError
from tasks.sharing.connect import open_objects
from tasks.storage.artifacts import ArtifactStore, DamagedArtifact, is_artifact_name

FOLDER = "artifacts"
SWEEP_EVERY = 64
"""Values kept between two looks at the size of the copies."""

_kept: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class SharedArtifactStore(ArtifactStore):
    """Values under `root`, the URL of a shared storage; copies in the folder `scratch`, of `max_bytes` at most."""

    scratch: str
    max_bytes: int

    def put(self, step: str, data: bytes, suffix: str) -> str:
        digest = hashlib.sha256(data).hexdigest()
        name = f"{step}/{digest[:2]}/{digest}{suffix}"
        if not is_artifact_name(name):
            raise ValueError(f"{name}: not of the form by which a value is known as ours")
        # Written also where it is there already: from now on it counts as just made, so that pruning leaves it alone.
        open_objects(self.root).put(f"{FOLDER}/{name}", data)
        self._keep(step, data, suffix)
        return name

    def get(self, name: str) -> bytes:
        with suppress(OSError, DaylongError):  # a disk of this machine is no reason to fail
            return ArtifactStore(self.scratch).get(name)
        held = open_objects(self.root).get(f"{FOLDER}/{name}")
        if held is None:
            raise DamagedArtifact(f"{name} is gone from {self.root}; run again to make it anew")
        if hashlib.sha256(held.data).hexdigest() != os.path.basename(name).partition(".")[0]:
            raise DamagedArtifact(f"{name} in {self.root} is damaged; run again to make it anew")
        self._keep(name.partition("/")[0], held.data, os.path.splitext(name)[1])
        return held.data

    def has(self, name: str, size: int | None = None) -> bool:
        facts = open_objects(self.root).find(f"{FOLDER}/{name}")
        return facts is not None and size in (None, facts.size)

    def intact(self, name: str) -> bool:
        """Whether the value is in the bucket, and whole by its digest: here, or read from there."""
        return self.has(name) and ArtifactStore.intact(self, name)

    def discard(self, name: str) -> None:
        with suppress(OSError):
            ArtifactStore(self.scratch).discard(name)
        open_objects(self.root).delete(f"{FOLDER}/{name}")

    def made_at(self, name: str) -> float | None:
        facts = open_objects(self.root).find(f"{FOLDER}/{name}")
        return None if facts is None else facts.modified_at

    def listing(self) -> Iterator[tuple[str, int, float]]:
        for facts in open_objects(self.root).list(f"{FOLDER}/"):
            name = facts.name.removeprefix(f"{FOLDER}/")
            if is_artifact_name(name):
                yield name, facts.size, facts.modified_at

    def _keep(self, step: str, data: bytes, suffix: str) -> None:
        if len(data) > self.max_bytes:
            return
        with suppress(OSError, DaylongError):
            ArtifactStore(self.scratch).put(step, data, suffix)
        _kept[self.scratch] = _kept.get(self.scratch, 0) + 1
        if _kept[self.scratch] % SWEEP_EVERY == 1:
            sweep(Path(self.scratch), self.max_bytes)


def sweep(folder: Path, max_bytes: int) -> None:
    """Remove the copies used longest ago, down to `max_bytes`."""
    found = []
    for path in folder.glob("*/??/*"):
        with suppress(OSError):
            stat = path.stat()
            found.append((max(stat.st_mtime, stat.st_atime), stat.st_size, path))
    size = sum(one for _, one, _ in found)
    for _, one, path in sorted(found):
        if size <= max_bytes:
            return
        with suppress(OSError):
            path.unlink()
        size -= one
