"""What to remove from the cache: pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tasks.pruning.inventory import Inventory, Record, Stored

SETTLED_S = 24 * 3600.0
"""What no record names is removed only when it is so old: a step keeps its artifacts before its record."""


@dataclass(frozen=True, slots=True)
class Removal:
    records: tuple[Record, ...] = ()
    stored: tuple[Stored, ...] = ()

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
    """What goes: records not used for `older_than_s`; those of these `recordings` that no other uses; then, down to
    `max_size` bytes, those not used for longest. And every artifact that no record names any more.

    What was used after `in_use_since` stays: a run that is under way may need it.
    """
    free = [r for r in held.records if in_use_since is None or r.used_at < in_use_since]
    gone = {r.key for r in free if older_than_s is not None and now - r.used_at > older_than_s}
    gone |= _of_recordings(held, recordings) & {r.key for r in free}
    if max_size is not None:
        named = _names(held, gone)
        size = held.size - sum(r.size for r in held.records if r.key in gone) - _unnamed_size(held, named)
        for record in sorted(free, key=lambda r: (r.used_at, r.key)):
            if size <= max_size:
                break
            if record.key in gone:
                continue
            gone.add(record.key)
            size -= record.size
            for name in record.artifacts:
                named[name] -= 1
                size -= held.sizes.get(name, 0) if named[name] == 0 else 0
    left = {name for name, count in _names(held, gone).items() if count}
    known = {name for r in held.records for name in r.artifacts}
    settled = now - SETTLED_S if in_use_since is None else min(now - SETTLED_S, in_use_since)
    return Removal(
        tuple(r for r in held.records if r.key in gone),
        tuple(s for s in held.stored if s.name not in left and (s.name in known or s.made_at < settled)),
    )


def _of_recordings(held: Inventory, recordings: Collection[str]) -> set[str]:
    mine = {key for name in recordings for key in held.recordings.get(name, ())}
    others = {key for name, keys in held.recordings.items() if name not in recordings for key in keys}
    return mine - others


def _names(held: Inventory, gone: Collection[str]) -> dict[str, int]:
    """How many of the records that stay name each artifact."""
    counts = {name: 0 for r in held.records for name in r.artifacts}
    for record in held.records:
        if record.key not in gone:
            for name in record.artifacts:
                counts[name] += 1
    return counts


def _unnamed_size(held: Inventory, named: dict[str, int]) -> int:
    return sum(s.size for s in held.stored if s.name in named and not named[s.name])
