"""Repair the headers of WAV files.

RIFF counts bytes in 32 bits: a day of stereo at 44.1 kHz wraps around four times, and a reader that uses the header's
length stops after hours. RF64 and W64 have 64 bits; recorders that write plain RIFF are common nevertheless.
Where the header's bytes per second are wrong, a reader that seeks by them lands at a wrong time.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

RIFF_LIMIT = 2**32
_HEADER = 1 << 20
"""Bytes from the start within which the data chunk must begin."""
_PLAIN = {0x0001, 0x0003, 0x0006, 0x0007}
"""Codecs with a fixed number of bytes per sample: PCM, floats, A-law, µ-law."""
_EXTENSIBLE = 0xFFFE
"""WAVE_FORMAT_EXTENSIBLE: the codec is in the subformat."""


class RepairedWav(io.FileIO):
    """A file with some bytes of its header replaced. `repairs`: bytes by offset."""

    def __init__(self, path: Path, repairs: Mapping[int, bytes]) -> None:
        super().__init__(path)
        self._repairs = repairs

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(-1 if size is None else size) or b""
        for at, repairs in self._repairs.items():
            first, last = max(at, start), min(at + len(repairs), start + len(data))
            if first < last:
                data = data[: first - start] + repairs[first - at : last - at] + data[last - start :]
        return data


def open_repaired(path: Path) -> RepairedWav | None:
    """Open `path` with its header repaired, if it is a WAV with a wrong header; else return None.

    Past 4 GiB the data length becomes 0, which readers take for "to the end".
    """
    long = path.stat().st_size > RIFF_LIMIT
    repairs: dict[int, bytes] = {}
    with path.open("rb") as file:
        riff = file.read(4)
        if riff not in (b"RIFF", b"RF64"):
            return None
        for name, at in _iterate_chunks(file):
            if name == b"fmt " and len(header := file.read(26)) >= 16:
                repairs |= _find_width_repairs(header, at + 8)
            elif name == b"data":
                if long and riff == b"RIFF":
                    repairs[at + 4] = bytes(4)
                break
    return RepairedWav(path, repairs) if repairs else None


def _find_width_repairs(header: bytes, at: int) -> dict[int, bytes]:
    """Corrected bytes per second and block size, by offset, of a format chunk whose content begins at `at`."""
    codec, channels, rate_hz, *widths, bits = struct.unpack_from("<HHIIHH", header)
    if codec == _EXTENSIBLE:
        codec = int.from_bytes(header[24:], "little")
    width = channels * ((bits + 7) // 8)
    true = [rate_hz * width, width]
    if codec not in _PLAIN or widths == true or not (0 < true[0] < RIFF_LIMIT and width < 2**16):
        return {}
    return {at + 8: struct.pack("<IH", *true)}


def _iterate_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield (name, offset) of each chunk; the file is then at the chunk's content."""
    at = 12
    while at < _HEADER:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        yield head[:4], at
        (size,) = struct.unpack("<I", head[4:])
        at += 8 + size + size % 2
