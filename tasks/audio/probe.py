"""What a file is, before any work on it: its digest, how long its sound really is, when it was recorded.

What cannot work is refused here, in one line.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from pathlib import Path

from tasks.audio.decode import stream
from tasks.audio.recorded import recorded_at, zone
from tasks.audio.source import Source, opened, raise_if_gone, shown
from tasks.errors import TransientError, UnreadableAudio
from tasks.records import Part, Recording

_SLUG_LENGTH = 60
_TAIL_S = 5.0
"""How much of a recording's end is decoded to see where it ends."""
_TRUSTED_S = 0.5
"""A header that promises at most so much more than there is counts as true: codecs pad."""


def probe(path: Path, *, timezone: str = "UTC") -> Recording:
    """The recording at `path`; `timezone` is where a clock time in its name was told.

    Raises UnreadableAudio for what is no recording, TransientError where the file is gone or still changes,
    UsageError for an unknown `timezone`.
    """
    zone(timezone)
    before = _look(path)
    sha256 = _digest(path)
    with opened(path) as source:
        context = source.stream.codec_context
        metadata = {**source.stream.metadata, **source.container.metadata}
        rate_hz, channels = source.rate_hz, source.channels
        duration_s = _duration_s(source)
    after = _look(path)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise TransientError(f"{shown(path)}: it changed while it was read. Start again once it is written.")
    name, where = os.fsencode(path.name).decode("utf-8", "replace"), str(path.absolute())
    at, at_source = recorded_at(metadata, path.stem, before.st_mtime, duration_s, timezone)
    return Recording(
        recording_id=f"{slug(path.stem)}-{sha256[:8]}",
        path=where,
        source_name=name,
        sha256=sha256,
        size_bytes=before.st_size,
        duration_s=duration_s,
        sample_rate_hz=rate_hz,
        channels=channels,
        codec=context.codec.canonical_name,
        parts=(Part(name, sha256, 0.0, duration_s, where),),
        recorded_at=at,
        recorded_at_source=at_source,
        timezone=timezone,
    )


def slug(stem: str) -> str:
    """A name that is safe in paths, URLs and shells: lower case ASCII letters, digits and hyphens.

    >>> slug("-Réunion d'équipe 🎙 (1)"), slug("🎙"), slug("")
    ('reunion-d-equipe-1', 'recording', 'recording')
    """
    ascii_ = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")[:_SLUG_LENGTH].strip("-") or "recording"


def _look(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise UnreadableAudio(f"{shown(path)}: no such file. Check the name.") from error
    except (OSError, ValueError) as error:
        raise_if_gone(path, error)
        raise UnreadableAudio(f"{shown(path)}: cannot be looked at ({error}). Check the name.") from error
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableAudio(f"{shown(path)}: a folder, not a recording. Name the files in it.")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableAudio(f"{shown(path)}: not a regular file. Copy the sound into one.")
    if found.st_size == 0:
        raise UnreadableAudio(f"{shown(path)}: the file is empty (zero bytes). Copy or record it again.")
    return found


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise_if_gone(path, error)
        raise UnreadableAudio(f"{shown(path)}: could not be read ({error.strerror}). Copy it again.") from error


def _duration_s(source: Source) -> float:
    """Where the sound ends. The header is believed only if sound is found at the end it promises."""
    promised_s = _promised_s(source)
    if promised_s is not None:
        end_s = _end_near(source, promised_s)
        if end_s is not None and end_s >= promised_s - _TRUSTED_S:
            return end_s
    counted_s = _last_packet_s(source)
    end_s = None if counted_s is None else _end_near(source, counted_s)
    if end_s is None:  # no clock in it, or not to be sought: count samples
        end_s = sum(len(block) for block in stream(source.path)) / 16_000
    return end_s


def _promised_s(source: Source) -> float | None:
    if source.stream.duration is not None and source.stream.time_base is not None:
        start = source.stream.start_time or 0
        return float((start + source.stream.duration) * source.stream.time_base) - source.origin_s
    if source.container.duration is not None:
        return source.container.duration / 1_000_000
    return None


def _end_near(source: Source, time_s: float) -> float | None:
    """The end of the last frame that decodes, sought a little before `time_s`; None if there is none."""
    end_s = None
    if not source.seek(max(0.0, time_s - _TAIL_S)):
        return None
    for frame, at_s in source.frames():
        if at_s is None:
            return None
        end_s = max(end_s or 0.0, at_s + frame.samples / frame.sample_rate)
    return end_s


def _last_packet_s(source: Source) -> float | None:
    """The time of the last packet, by reading all of them without decoding any."""
    if not source.seek(0.0):
        return None
    last = max((p.pts for p in source.packets() if p.pts is not None and p.size), default=None)
    return None if last is None else float(last * source.stream.time_base) - source.origin_s
