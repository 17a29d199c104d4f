"""Whether a file's end is there: what containers promise in their headers, beside what has arrived.

Files are copied from their beginning; until the end is there, a player may well open them. What a container can't
tell (raw streams, recorders that write no lengths) counts as there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tasks.audio.duration import last_packet_s, promised_s
from tasks.audio.source import opened
from tasks.errors import DaylongError

_STREAMED = ((0x7FFF_0000, 0x8000_0100), (0xFFFF_0000, 0x1_0000_0000))
"""Lengths within these are written by recorders that don't know theirs yet; a day of sound has others as large."""
_IN_DS64 = 0xFFFF_FFFF
"""The length is too long for its place, and stands in the chunk `ds64` (EBU Tech 3306)."""
_OGG_PAGE = 65_307
"""Longest page, bytes."""
_SLACK_S = 2.0
_MOST_CHUNKS = 1_000_000
"""No container has more of them: a file that has is made to keep us."""


def lacking(path: Path) -> str | None:
    """What is missing of the file, in a few words; None where nothing is, or nothing tells."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
            if told := _promised(file, start, path.stat().st_size):
                return told
    except OSError:
        return None
    try:
        with opened(path) as source:
            if start[:4] != b"fLaC":
                return None
            promised = promised_s(source)
            there = last_packet_s(source)
    except DaylongError:
        return "nothing yet that opens as sound"
    if promised is not None and promised - (there or 0.0) > _SLACK_S:
        return f"{promised - (there or 0.0):,.0f} s of its sound are not there yet"
    return None


def _promised(file: BinaryIO, start: bytes, size: int) -> str | None:
    for magic, at, missing in _KINDS:
        if start[at : at + len(magic)] == magic:
            try:
                return missing(file, size)
            except (struct.error, ValueError, IndexError, OverflowError):
                return None  # too short for its own header: whoever opens it will tell
    return None


def _bytes_of(count: int) -> str:
    return f"{count:,} bytes of it are not there yet"


def _riff(file: BinaryIO, size: int, order: str = "<") -> str | None:
    """WAV, AIFF: chunks of a name and a length."""
    at, data_bytes = 12, 0
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            break
        file.seek(at)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if not any(name):  # room that a recorder has taken ahead
            return None
        if name == b"ds64":
            (data_bytes,) = struct.unpack("<8xQ", file.read(16))
        if name == b"data" and length == _IN_DS64 and 0 < data_bytes < 1 << 62:
            length = data_bytes
        elif any(first <= length < end for first, end in _STREAMED) or (name == b"data" and length == 0):
            return None  # by a recorder that doesn't know
        at += 8 + length + length % 2
    missing = at - size
    return _bytes_of(missing) if missing > 1 else None


def _aiff(file: BinaryIO, size: int) -> str | None:
    return _riff(file, size, ">")


def _mp4(file: BinaryIO, size: int) -> str | None:
    """MP4, MOV: boxes of a length and a name; `moov` tells where everything is, and often comes last."""
    at, found = 0, set()
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            break
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        found.add(name)
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        if length == 0:  # to the end
            at = size
            break
        at += max(length, 8)
    if at > size:
        return _bytes_of(at - size)
    return None if found & {b"moov", b"moof"} else "its table of contents is not there yet"


def _ogg(file: BinaryIO, size: int) -> str | None:
    """Ogg (Opus, Vorbis): the last page says that it is the last."""
    begun = max(0, size - 2 * _OGG_PAGE)
    file.seek(begun)
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return "its last page is not there yet"
    flags, segments = tail[at + 5], tail[at + 26]
    ends = at + 27 + segments + sum(tail[at + 27 : at + 27 + segments])
    if not flags & 4 or ends > len(tail):
        return "its last page is not there yet"
    return None


def _matroska(file: BinaryIO, size: int) -> str | None:
    """Matroska, WebM: the segment's length, where it isn't of the kind that streams have."""
    file.seek(0)
    head = file.read(4096)
    at = head.find(b"\x18\x53\x80\x67")
    if at < 0 or at + 12 > len(head) or not head[at + 4]:
        return None
    width = 9 - head[at + 4].bit_length()
    length = int.from_bytes(head[at + 4 : at + 4 + width], "big") & ((1 << 7 * width) - 1)
    if length == (1 << 7 * width) - 1:
        return None
    missing = at + 4 + width + length - size
    return _bytes_of(missing) if missing > 0 else None


def _mp3(file: BinaryIO, size: int) -> str | None:
    """MP3 with a Xing header, which tells the bytes of the sound."""
    file.seek(0)
    head = file.read(10)
    begun = 0
    if head[:3] == b"ID3":
        begun = 10 + sum((b & 0x7F) << shift for b, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(begun)
    frame = file.read(2048)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or not frame[at + 7] & 2:
        return None
    (length,) = struct.unpack_from(">I", frame, at + (12 if frame[at + 7] & 1 else 8))
    missing = begun + length - size
    return _bytes_of(missing) if missing > 0 else None


_KINDS: tuple[tuple[bytes, int, Callable[[BinaryIO, int], str | None]], ...] = (
    (b"RIFF", 0, _riff),
    (b"RF64", 0, _riff),
    (b"BW64", 0, _riff),
    (b"FORM", 0, _aiff),
    (b"ftyp", 4, _mp4),
    (b"OggS", 0, _ogg),
    (b"\x1a\x45\xdf\xa3", 0, _matroska),
    (b"ID3", 0, _mp3),
    (b"\xff", 0, _mp3),
)
"""What a file begins with, and where; and who knows whether it ends."""
