"""Objects in memory, with the conditions of a bucket: for tests of what is made of many writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tasks.sharing.objects import Conflict, Facts, Held


class MemoryObjects:
    """`url` names them; each instance has its own."""

    def __init__(self, url: str = "memory://tests") -> None:
        self.url = url
        self.held: dict[str, Held] = {}
        self.now = 0.0
        """The time of what is written next, seconds since the epoch."""

    def get(self, name: str) -> Held | None:
        return self.held.get(name)

    def find(self, name: str) -> Facts | None:
        held = self.held.get(name)
        return None if held is None else Facts(name, len(held.data), held.modified_at)

    def put(self, name: str, data: bytes) -> str:
        tag = hashlib.sha256(data).hexdigest()
        self.held[name] = Held(data, tag, self.now)
        return tag

    def put_new(self, name: str, data: bytes) -> str:
        if name in self.held:
            raise Conflict(name)
        return self.put(name, data)

    def replace(self, name: str, data: bytes, tag: str) -> str:
        if name not in self.held or self.held[name].tag != tag:
            raise Conflict(name)
        return self.put(name, data)

    def delete(self, name: str) -> None:
        self.held.pop(name, None)

    def list(self, prefix: str) -> Iterator[Facts]:
        for name in sorted(self.held):
            if name.startswith(prefix):
                yield Facts(name, len(self.held[name].data), self.held[name].modified_at)
