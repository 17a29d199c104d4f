"""Choose what to remove from the cache. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tasks.pruning.inventory import Inventory, Record, StoredArtifact
from tasks.pruning.usage import LiveRun

MIN_ORPHAN_AGE_S = 24 * 3600.0
"""Artifacts without a record are removed only at this age: a step stores its artifacts before its record."""


@dataclass(frozen=True, slots=True)
class Removal:
    records: tuple[Record, ...] = ()
    stored: tuple[StoredArtifact, ...] = ()

    @property
    def size(self) -> int:
        return sum(r.size for r in self.records) + sum(s.size for s in self.stored)


def choose(
    held: Inventory,
    now: float,
    *,
    older_than_s: float | None = None,
    max_size: int | None = None,
    recordings: Collection[str] = (),
    in_use_since: float | None = None,
) -> Removal:
    """Choose records not used for `older_than_s`; those that only these `recordings` use; then the least recently
    used ones until `max_size` bytes are left. And all artifacts to which no record refers any more.

    Records used after `in_use_since` are kept: a running run may need them.
    """
    free = [r for r in held.records if in_use_since is None or r.used_at < in_use_since]
    removed = {r.key for r in free if older_than_s is not None and now - r.used_at > older_than_s}
    removed |= _find_exclusive_records(held, recordings) & {r.key for r in free}
    if max_size is not None:
        named = _count_references(held, removed)
        size = held.size - sum(r.size for r in held.records if r.key in removed) - _measure_unreferenced(held, named)
        for record in sorted(free, key=lambda r: (r.used_at, r.key)):
            if size <= max_size:
                break
            if record.key in removed:
                continue
            removed.add(record.key)
            size -= record.size
            for name in record.artifacts:
                named[name] -= 1
                size -= held.sizes.get(name, 0) if named[name] == 0 else 0
    referenced = {name for name, count in _count_references(held, removed).items() if count}
    known = {name for r in held.records for name in r.artifacts}
    orphaned_before = now - MIN_ORPHAN_AGE_S if in_use_since is None else min(now - MIN_ORPHAN_AGE_S, in_use_since)
    return Removal(
        tuple(r for r in held.records if r.key in removed),
        tuple(
            s for s in held.stored if s.name not in referenced and (s.name in known or s.made_at < orphaned_before)
        ),
    )


def choose_erased(held: Inventory, recordings: Collection[str], live: Sequence[LiveRun]) -> Removal:
    """Choose everything that can hold what was measured of these recordings: all records that they use, shared with
    others or not; records that no recording's last run used (earlier settings' may be of these); and all artifacts to
    which no record refers any more.

    What a live run uses is kept.
    """
    claimed = {key for keys in held.recordings.values() for key in keys}
    mine = {key for name in recordings for key in held.recordings.get(name, ())}
    removed = {
        r.key
        for r in held.records
        if (r.key in mine or r.key not in claimed) and not any(run.may_use(r.key, r.used_at) for run in live)
    }
    referenced = {name for name, count in _count_references(held, removed).items() if count}
    known = {name for r in held.records for name in r.artifacts}
    oldest = min((run.since for run in live), default=None)  # only a live run is about to write an artifact's record
    return Removal(
        tuple(r for r in held.records if r.key in removed),
        tuple(
            s
            for s in held.stored
            if s.name not in referenced and (s.name in known or oldest is None or s.made_at < oldest)
        ),
    )


def _find_exclusive_records(held: Inventory, recordings: Collection[str]) -> set[str]:
    mine = {key for name in recordings for key in held.recordings.get(name, ())}
    others = {key for name, keys in held.recordings.items() if name not in recordings for key in keys}
    return mine - others


def _count_references(held: Inventory, removed: Collection[str]) -> dict[str, int]:
    """Count the remaining records that refer to each artifact."""
    counts = {name: 0 for r in held.records for name in r.artifacts}
    for record in held.records:
        if record.key not in removed:
            for name in record.artifacts:
                counts[name] += 1
    return counts


def _measure_unreferenced(held: Inventory, named: dict[str, int]) -> int:
    return sum(s.size for s in held.stored if s.name in named and not named[s.name])
