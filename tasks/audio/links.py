"""Where the links of a chained file begin, by the marks of its format; its sound is not looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.audio.source import open_source

_BLOCK = 4 << 20

_OGG_FIRST = b"OggS\x00\x02" + bytes(8)
"""A page with which a stream begins: it is marked so, and its clock is at 0."""
_OGG_HEADER = 27
_FLAC_FIRST = b"fLaC\x00\x00\x00\x22"
"""The mark and the STREAMINFO behind it, 34 bytes, which is not the last of its metadata."""
_TS_SYNC, _TS_PACKET = b"\x47", 188
_BACK_S = 1.0
"""A clock that goes back so far starts again; it goes back a little where packets stand out of order."""


def starts_in(path: Path, size: int) -> Iterator[int]:
    """The bytes with which a link begins, the file's first among them; nothing for other kinds of files."""
    with path.open("rb") as file:
        mark = file.read(4)
        if mark == b"OggS":
            yield from _ogg_starts(file)
        elif mark == b"fLaC":
            yield 0
            yield from (at for at in _find_mark(file, _FLAC_FIRST) if at)
        elif _adts(mark) is not None:
            yield from _adts_starts(file, size)
        elif mark[:1] == _TS_SYNC and file.seek(_TS_PACKET) and file.read(1) == _TS_SYNC:
            yield from _ts_starts(file, path)


def _ogg_starts(file: BinaryIO) -> Iterator[int]:
    """A link begins with one such page for each of its streams, one behind the other."""
    behind = -1
    for at in _find_mark(file, _OGG_FIRST):
        if at != behind:
            yield at
        file.seek(at)
        header = file.read(_OGG_HEADER)
        behind = at + _OGG_HEADER + header[-1] + sum(file.read(header[-1])) if len(header) == _OGG_HEADER else -1


def _adts_starts(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the rate or the channels change, and the frames behind agree."""
    at, kind = 0, None
    while at + 7 <= size:
        file.seek(at)
        header = _adts(file.read(7))
        if header is None:
            return  # damaged: what follows is left to the decoder
        own, length = header
        if own != kind:
            file.seek(at + length)
            following = _adts(file.read(7))
            if kind is None or (following is not None and following[0] == own):
                yield at
                kind = own
        at += length


def _adts(header: bytes) -> tuple[int, int] | None:
    """(rate and channels, length in bytes) of an ADTS frame (ISO/IEC 13818-7), or None where there is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    kind = (header[2] & 0x3D) << 8 | header[3] & 0xC0
    if len(header) < 7:
        return kind, 0
    length = (header[3] & 0x03) << 11 | header[4] << 3 | header[5] >> 5
    return (kind, length) if length > 7 else None


def _ts_starts(file: BinaryIO, path: Path) -> Iterator[int]:
    """Where the clock of an MPEG transport stream goes back; a link begins with the table of programmes before."""
    yield 0
    last_s = -math.inf
    with open_source(path) as source:
        for packet in source.packets():
            if packet.pts is None or packet.pos is None:
                continue
            time_s = float(packet.pts * source.stream.time_base)
            if time_s < last_s - _BACK_S and (at := _ts_table(file, packet.pos)) is not None:
                yield at
            last_s = time_s


def _ts_table(file: BinaryIO, before: int) -> int | None:
    """Where the last table of programmes (PID 0) before there begins, at most a block away."""
    start = max(0, before // _TS_PACKET * _TS_PACKET - _BLOCK // _TS_PACKET * _TS_PACKET)
    file.seek(start)
    data = file.read(before - start)
    tables = (at for at in range(0, len(data) - 2, _TS_PACKET) if _is_table(data[at : at + 3]))
    last = max(tables, default=None)
    return None if last is None else start + last


def _is_table(header: bytes) -> bool:
    return header[:1] == _TS_SYNC and header[1] & 0x1F == 0 and header[2] == 0


def _find_mark(file: BinaryIO, mark: bytes) -> Iterator[int]:
    """Where `mark` lies in the file, read a block at a time."""
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
