"""WAV files longer than their header can say.

RIFF counts bytes in 32 bits: a day of stereo at 44.1 kHz wraps around four times, and a reader that believes
the header stops after hours. RF64 and W64 have room; recorders that write plain RIFF all the same are common.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

LIMIT = 2**32
_HEADER = 1 << 20
"""Where the sound must have begun."""


class UnboundedWav(io.FileIO):
    """The same file with 0 as its length of sound, which readers take for "to the end"."""

    def __init__(self, path: Path, length_at: int) -> None:
        super().__init__(path)
        self._length_at = length_at

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(-1 if size is None else size) or b""
        first, last = max(self._length_at, start), min(self._length_at + 4, start + len(data))
        if first >= last:
            return data
        return data[: first - start] + bytes(last - first) + data[last - start :]


def unbounded(path: Path) -> UnboundedWav | None:
    """`path`, opened so that its sound goes on to the end, if it is a RIFF WAV past 4 GiB; else None."""
    if path.stat().st_size <= LIMIT:
        return None
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return None
        at = 12
        while at < _HEADER:
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                return None
            if head[:4] == b"data":
                return UnboundedWav(path, at + 4)
            (size,) = struct.unpack("<I", head[4:])
            at += 8 + size + size % 2
    return None
