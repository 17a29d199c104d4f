"""Objects that several machines share: whole values under names, written and replaced by conditions.

An object is seen whole or not at all. Beside the plain `put` there are two conditional writes, of which of several
writers exactly one succeeds: `put_new` (If-None-Match: *) and `replace` (If-Match). `bucket.py` has them on S3,
`folder.py` in a folder that several machines mount; both pass the same tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tasks.errors import TransientError

OTHER = '"0"'
"""A tag that no content has."""


class Conflict(TransientError):
    """Another writer was first."""


@dataclass(frozen=True, slots=True)
class Held:
    """An object's content. `tag` says which: other contents have other tags. `modified_at`: seconds since the epoch,
    by the clock of the store."""

    data: bytes
    tag: str
    modified_at: float


@dataclass(frozen=True, slots=True)
class Facts:
    """An object without its content; `size` in bytes."""

    name: str
    size: int
    modified_at: float


class Objects(Protocol):
    """A store of objects. Names are relative paths with `/`.

    All methods raise TransientError where the store can't be reached or fails, `NoRoom` where it is full, and
    MachineFault where it refuses for good (no such bucket, no rights).
    """

    @property
    def url(self) -> str: ...

    def get(self, name: str) -> Held | None:
        """Read an object; None where there is none."""

    def find(self, name: str) -> Facts | None:
        """Look an object up without reading it."""

    def put(self, name: str, data: bytes) -> str:
        """Write an object, replacing what is there; return its tag."""

    def put_new(self, name: str, data: bytes) -> str:
        """Write an object that isn't there yet; return its tag. Raises Conflict where another one is."""

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Replace the content with this tag; return the new tag. Raises Conflict where it isn't there any more."""

    def delete(self, name: str) -> None:
        """Remove an object if it is there."""

    def list(self, prefix: str) -> Iterator[Facts]:
        """All objects whose names begin so, sorted by name."""
