"""Find the links of a chained file by the start marks of its format, without decoding."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.audio.source import open_source

_BLOCK = 4 << 20

_OGG_FIRST = b"OggS\x00\x02" + bytes(8)
"""Header of a stream's first page: the flag `beginning of stream`, granule position 0."""
_OGG_HEADER = 27
_FLAC_FIRST = b"fLaC\x00\x00\x00\x22"
"""The stream marker and the header of STREAMINFO: 34 bytes, not the last metadata block."""
_TS_SYNC, _TS_PACKET = b"\x47", 188
_BACK_S = 1.0
"""Timestamps that go back this far start again; packets out of order go back less."""


def find_starts(path: Path, size: int) -> Iterator[int]:
    """Yield the offset of each link's first byte, 0 included; nothing for formats without chains."""
    with path.open("rb") as file:
        mark = file.read(4)
        if mark == b"OggS":
            yield from _find_ogg_starts(file)
        elif mark == b"fLaC":
            yield 0
            yield from (at for at in _find_mark(file, _FLAC_FIRST) if at)
        elif _parse_adts(mark) is not None:
            yield from _find_adts_starts(file, size)
        elif mark[:1] == _TS_SYNC and file.seek(_TS_PACKET) and file.read(1) == _TS_SYNC:
            yield from _find_ts_starts(file, path)


def _find_ogg_starts(file: BinaryIO) -> Iterator[int]:
    """A link begins with one first page for each of its streams, in a row."""
    behind = -1
    for at in _find_mark(file, _OGG_FIRST):
        if at != behind:
            yield at
        file.seek(at)
        header = file.read(_OGG_HEADER)
        behind = at + _OGG_HEADER + header[-1] + sum(file.read(header[-1])) if len(header) == _OGG_HEADER else -1


def _find_adts_starts(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield offsets at which the sample rate or channels change and the next frame agrees."""
    at, kind = 0, None
    while at + 7 <= size:
        file.seek(at)
        header = _parse_adts(file.read(7))
        if header is None:
            return  # damaged: the rest is left to the decoder
        own, length = header
        if own != kind:
            file.seek(at + length)
            following = _parse_adts(file.read(7))
            if kind is None or (following is not None and following[0] == own):
                yield at
                kind = own
        at += length


def _parse_adts(header: bytes) -> tuple[int, int] | None:
    """Parse an ADTS header (ISO/IEC 13818-7) into (rate and channels, frame length in bytes); None if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    kind = (header[2] & 0x3D) << 8 | header[3] & 0xC0
    if len(header) < 7:
        return kind, 0
    length = (header[3] & 0x03) << 11 | header[4] << 3 | header[5] >> 5
    return (kind, length) if length > 7 else None


def _find_ts_starts(file: BinaryIO, path: Path) -> Iterator[int]:
    """Yield where timestamps of an MPEG transport stream go back: the offset of the last programme table before."""
    yield 0
    last_s = -math.inf
    with open_source(path) as source:
        for packet in source.read_packets():
            if packet.pts is None or packet.pos is None:
                continue
            time_s = float(packet.pts * source.stream.time_base)
            if time_s < last_s - _BACK_S and (at := _find_ts_table(file, packet.pos)) is not None:
                yield at
            last_s = time_s


def _find_ts_table(file: BinaryIO, before: int) -> int | None:
    """Find the offset of the last programme association table (PID 0) before `before`, at most a block away."""
    start = max(0, before // _TS_PACKET * _TS_PACKET - _BLOCK // _TS_PACKET * _TS_PACKET)
    file.seek(start)
    data = file.read(before - start)
    tables = (at for at in range(0, len(data) - 2, _TS_PACKET) if _is_table(data[at : at + 3]))
    last = max(tables, default=None)
    return None if last is None else start + last


def _is_table(header: bytes) -> bool:
    return header[:1] == _TS_SYNC and header[1] & 0x1F == 0 and header[2] == 0


def _find_mark(file: BinaryIO, mark: bytes) -> Iterator[int]:
    """Yield the offsets of `mark` in the file, read a block at a time."""
    start, kept = 0, b""
    while True:
        file.seek(start + len(kept))
        more = file.read(_BLOCK)
        if not more:
            return
        data, at = kept + more, -1
        while (at := data.find(mark, at + 1)) >= 0:
            yield start + at
        kept = data[-(len(mark) - 1) :]
        start += len(data) - len(kept)
