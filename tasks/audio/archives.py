"""Archives that are taken for recordings: told by their first bytes."""

from __future__ import annotations

from pathlib import Path

_KINDS = (
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"PK\x05\x06", "ZIP"),
    (0, b"PK\x07\x08", "ZIP"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (257, b"ustar", "tar"),
)
"""(offset, bytes there, name)."""
_HEAD_BYTES = 512


def describe_archive(path: Path) -> str | None:
    """What an archive is, and what to do; None for other files, and those that can't be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    kind = next((name for at, magic, name in _KINDS if head[at : at + len(magic)] == magic), None)
    return f"an archive ({kind}): unpack it, and put the recordings in it in its place" if kind else None
