"""Inventory of the cache: records of steps, and the artifacts to which they refer."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tasks.storage.artifacts import ArtifactStore, is_artifact_name

_RECORD_KEY = re.compile(r"[^/]+/v[0-9]+/[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Record:
    """A step's result. `used_at`: seconds since the epoch when it was written or last used."""

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
class StoredArtifact:
    """An artifact, or a partly written one."""

    name: str
    size: int
    made_at: float


@dataclass(frozen=True)
class Inventory:
    records: tuple[Record, ...] = ()
    stored: tuple[StoredArtifact, ...] = ()
    recordings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Keys of the records that each recording's last run has used so far, by recording id."""

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


def build_inventory(results: Path, store: ArtifactStore, recordings: Mapping[str, frozenset[str]]) -> Inventory:
    """List the records in `results` and the artifacts in `store`, ignoring other files in either."""
    records = [found for file in sorted(results.glob("*/v*/*")) if (found := _read_record(results, file))]
    stored = tuple(StoredArtifact(name, size, made_at) for name, size, made_at in store.listing())
    return Inventory(tuple(records), stored, recordings)


def measure_size(results: Path, values: Path, keys: Collection[str]) -> int:
    """Measure the bytes of these records and of their artifacts, as far as they are in these folders."""
    records = [
        found for key in keys if _RECORD_KEY.fullmatch(key) and (found := _read_record(results, results / key))
    ]
    named = {name for record in records for name in record.artifacts if is_artifact_name(name)}
    return sum(record.size for record in records) + sum(_read_size(values / name) for name in named)


def _read_size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _read_record(results: Path, file: Path) -> Record | None:
    key = file.relative_to(results).as_posix()
    if not _RECORD_KEY.fullmatch(key):
        return None
    try:
        facts = file.stat()
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None  # removed meanwhile, or a folder
    try:
        manifest = json.loads(text)["result"]
    except (ValueError, KeyError, TypeError):
        manifest = ""  # partly written, or another program's: steps never use it
    return Record(key, facts.st_size, facts.st_mtime, parse_artifacts(manifest))


def parse_artifacts(manifest: str | bytes) -> tuple[str, ...]:
    """The names of a manifest's artifacts; none of what is no manifest."""
    try:
        return tuple(str(name) for name in json.loads(manifest)["artifacts"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
