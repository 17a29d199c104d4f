"""Open a range of a file's bytes as a file of its own."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a chained file: the bytes from `first` up to `end`, a complete stream."""

    first: int
    end: int


class Slice(io.FileIO):
    """The bytes of a link as a file; positions count from its first byte."""

    def __init__(self, path: Path, link: Link) -> None:
        super().__init__(path)
        self._link = link
        super().seek(link.first)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._link.end - super().tell())
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._link.end - self._link.first}[whence]
        return super().seek(self._link.first + max(0, base + offset)) - self._link.first

    def tell(self) -> int:
        return super().tell() - self._link.first
