"""What the cache holds: records of steps, and the artifacts that they name."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tasks.storage.artifacts import ArtifactStore, is_artifact_name

_OURS = re.compile(r"[^/]+/v[0-9]+/[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Record:
    """A step's result. `used_at`: seconds since the epoch when it was made or last believed."""

    key: str
    """`<step>/v<version>/<digest>`."""
    size: int
    """Bytes of the record itself."""
    used_at: float
    artifacts: tuple[str, ...] = ()

    @property
    def step(self) -> str:
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact, or what was left of one half-written."""

    name: str
    size: int
    made_at: float


@dataclass(frozen=True)
class Inventory:
    records: tuple[Record, ...] = ()
    stored: tuple[Stored, ...] = ()
    recordings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Keys of each recording's records, by its id; of its last run, as far as that has come."""

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each artifact."""
        return {s.name: s.size for s in self.stored}

    @property
    def size(self) -> int:
        return sum(r.size for r in self.records) + sum(self.sizes.values())

    def size_of(self, records: list[Record]) -> int:
        """Bytes of these records and their artifacts, each counted once."""
        named = {a for r in records for a in r.artifacts}
        return sum(r.size for r in records) + sum(self.sizes.get(a, 0) for a in named)


def inventory(results: Path, store: ArtifactStore, recordings: Mapping[str, frozenset[str]]) -> Inventory:
    """What lies in the folder of records and in the store, of ours: both may hold other people's files, too."""
    records = [found for file in sorted(results.glob("*/v*/*")) if (found := _record(results, file))]
    stored = tuple(Stored(name, size, made_at) for name, size, made_at in store.listing())
    return Inventory(tuple(records), stored, recordings)


def bytes_there(results: Path, values: Path, keys: Collection[str]) -> int:
    """Bytes of these records and of the values that they name, as far as they lie in these folders."""
    records = [found for key in keys if _OURS.fullmatch(key) and (found := _record(results, results / key))]
    named = {name for record in records for name in record.artifacts if is_artifact_name(name)}
    return sum(record.size for record in records) + sum(_size(values / name) for name in named)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _record(results: Path, file: Path) -> Record | None:
    key = file.relative_to(results).as_posix()
    if not _OURS.fullmatch(key):
        return None
    try:
        facts = file.stat()
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None  # gone meanwhile, or a folder
    try:
        named = json.loads(json.loads(text)["result"])["artifacts"].values()
        artifacts = tuple(str(name) for name in named)
    except (ValueError, KeyError, TypeError, AttributeError):
        artifacts = ()  # half-written, or not ours: it is never believed
    return Record(key, facts.st_size, facts.st_mtime, artifacts)
