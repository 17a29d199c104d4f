"""Probe a file before any work on it: digest, measured duration, start time.

Files that cannot be processed are refused here, with a message of one line.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import unicodedata
from pathlib import Path

from tasks.audio.chain import find_links
from tasks.audio.duration import measure_duration_s
from tasks.audio.source import describe_tracks, open_source, raise_if_inaccessible
from tasks.audio.start_time import find_repeated_hour, find_start_time, load_zone
from tasks.errors import TransientError, UnreadableAudio
from tasks.paths import format_path, suggest_path
from tasks.records import Part, Recording
from tasks.text import decode_file_name

log = logging.getLogger("daylong.audio")

_SLUG_LENGTH = 60


def probe(
    path: Path, *, timezone: str = "UTC", name_pattern: str | None = None, track: int | None = None
) -> Recording:
    """Probe the recording at `path`; a time in its name is in `timezone`, in the format of `name_pattern`.

    `track`: number of its sound track, from 1; by default the one that players take. Of several, one line is logged.

    Raises UnreadableAudio for files that are no recordings, TransientError where the file is gone or still changes,
    UsageError for an unknown `timezone`.
    """
    load_zone(timezone)
    before = _stat_file(path)
    sha256 = _hash_file(path)
    places = find_links(path, track)
    with open_source(path, places[0].link, track) as source:
        context = source.stream.codec_context
        metadata = {**source.stream.metadata, **source.container.metadata}
        if tracks := describe_tracks(source):
            log.warning("%s: %s.", format_path(path.name), tracks)
        rate_hz, channels = source.rate_hz, source.channels
        duration_s = measure_duration_s(source) if len(places) == 1 else places[-1].end_s
    after = _stat_file(path)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise TransientError(f"{format_path(path)}: it changed while it was read. Start again once it is written.")
    name, where = decode_file_name(path.name), str(path.absolute())
    at, at_source = find_start_time(metadata, path, before.st_mtime, duration_s, timezone, name_pattern)
    return Recording(
        recording_id=f"{slugify(path.stem)}-{sha256[:8]}",
        path=where,
        source_name=name,
        sha256=sha256,
        size_bytes=before.st_size,
        duration_s=duration_s,
        sample_rate_hz=rate_hz,
        channels=channels,
        codec=context.codec.canonical_name,
        parts=(Part(name, sha256, 0.0, duration_s, where, before.st_size, track),),
        recorded_at=at,
        recorded_at_source=at_source,
        timezone=timezone,
        told_again_at=find_repeated_hour(at, metadata, path, timezone, name_pattern),
    )


def slugify(stem: str) -> str:
    """Turn a name into one that is safe in paths, URLs and shells: lower case ASCII letters, digits and hyphens.

    >>> slugify("-Réunion d'équipe 🎙 (1)"), slugify("🎙"), slugify("")
    ('reunion-d-equipe-1', 'recording', 'recording')
    """
    ascii_ = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")[:_SLUG_LENGTH].strip("-") or "recording"


def _stat_file(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            to = format_path(os.readlink(path))
            raise UnreadableAudio(f"{format_path(path)}: a link to {to}, which isn't there. Put it back.") from error
        raise UnreadableAudio(f"{format_path(path)}: no such file. {suggest_path(path)}") from error
    except (OSError, ValueError) as error:
        raise_if_inaccessible(path, error)
        raise UnreadableAudio(f"{format_path(path)}: cannot be looked at ({error}). Check the name.") from error
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableAudio(f"{format_path(path)}: a folder, not a recording. Name the files in it.")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableAudio(f"{format_path(path)}: not a regular file. Copy the sound into one.")
    if found.st_size == 0:
        raise UnreadableAudio(f"{format_path(path)}: the file is empty (zero bytes). Copy or record it again.")
    return found


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise_if_inaccessible(path, error)
        raise UnreadableAudio(f"{format_path(path)}: could not be read ({error.strerror}). Copy it again.") from error
