"""Check whether a file's end has arrived, by comparing the lengths in its container's headers with its size.

A partly copied file may well open. Where a container holds no lengths (raw streams, some recorders) the file counts
as complete.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tasks.audio.archives import describe_archive
from tasks.audio.duration import find_last_packet_s, read_header_duration_s
from tasks.audio.source import open_source
from tasks.errors import DaylongError

_STREAMED = ((0x7FFF_0000, 0x8000_0100), (0xFFFF_0000, 0x1_0000_0000))
"""Ranges of placeholder lengths that recorders write while recording; real lengths of a day may lie between."""
_IN_DS64 = 0xFFFF_FFFF
"""Placeholder of RF64: the length is in the chunk `ds64` (EBU Tech 3306)."""
_OGG_PAGE = 65_307
"""Longest page, bytes."""
_SLACK_S = 2.0
_MOST_CHUNKS = 1_000_000
"""Limit of chunks or boxes that are read: a file with more is hostile."""


def find_missing(path: Path) -> str | None:
    """Describe what is missing of the file; None where nothing is, or its container holds no lengths."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
            if missing := _find_missing_bytes(file, start, path.stat().st_size):
                return missing
    except OSError:
        return None
    try:
        with open_source(path) as source:
            if start[:4] != b"fLaC":
                return None
            promised = read_header_duration_s(source)
            there = find_last_packet_s(source)
    except DaylongError:
        return describe_archive(path) or "nothing yet that opens as sound"
    if promised is not None and promised - (there or 0.0) > _SLACK_S:
        return f"{promised - (there or 0.0):,.0f} s of its sound are not there yet"
    return None


def _find_missing_bytes(file: BinaryIO, start: bytes, size: int) -> str | None:
    for magic, at, check in _KINDS:
        if start[at : at + len(magic)] == magic:
            try:
                return check(file, size)
            except (struct.error, ValueError, IndexError, OverflowError):
                return None  # too short for its own header: opening it fails
    return None


def _format_missing(count: int) -> str:
    return f"{count:,} bytes of it are not there yet"


def _check_riff(file: BinaryIO, size: int, order: str = "<") -> str | None:
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
            return None  # a placeholder
        at += 8 + length + length % 2
    missing = at - size
    return _format_missing(missing) if missing > 1 else None


def _check_aiff(file: BinaryIO, size: int) -> str | None:
    return _check_riff(file, size, ">")


def _check_mp4(file: BinaryIO, size: int) -> str | None:
    """MP4, MOV: boxes of a length and a name; `moov` is the index of all samples, and often comes last."""
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
        return _format_missing(at - size)
    return None if found & {b"moov", b"moof"} else "its table of contents is not there yet"


def _check_ogg(file: BinaryIO, size: int) -> str | None:
    """Ogg (Opus, Vorbis): the last page has the end-of-stream flag (RFC 3533)."""
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


def _check_matroska(file: BinaryIO, size: int) -> str | None:
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
    return _format_missing(missing) if missing > 0 else None


def _check_mp3(file: BinaryIO, size: int) -> str | None:
    """MP3 with a Xing header, which holds the number of bytes of the sound."""
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
    return _format_missing(missing) if missing > 0 else None


_KINDS: tuple[tuple[bytes, int, Callable[[BinaryIO, int], str | None]], ...] = (
    (b"RIFF", 0, _check_riff),
    (b"RF64", 0, _check_riff),
    (b"BW64", 0, _check_riff),
    (b"FORM", 0, _check_aiff),
    (b"ftyp", 4, _check_mp4),
    (b"OggS", 0, _check_ogg),
    (b"\x1a\x45\xdf\xa3", 0, _check_matroska),
    (b"ID3", 0, _check_mp3),
    (b"\xff", 0, _check_mp3),
)
"""(magic bytes, their offset, the check of that container)."""
