"""Combine the files of one recording.

Recorders split a day by the hour or by 2 GB. Files with known start times are placed by these, gaps between them
become silence; others follow each other in the order of their names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.audio.chain import find_links
from tasks.audio.folder import list_recordings
from tasks.audio.order import arrange_files
from tasks.audio.probe import probe, slugify
from tasks.audio.source import open_source
from tasks.audio.start_time import format_in_zone, load_zone, read_folder_sidecar
from tasks.paths import format_path
from tasks.records import SAMPLE_RATE_HZ, Part, Recording
from tasks.text import decode_file_name

log = logging.getLogger("daylong.audio")


def probe_files(
    paths: Sequence[Path],
    *,
    timezone: str = "UTC",
    name_pattern: str | None = None,
    given: str | None = None,
    track: int | None = None,
) -> Recording:
    """Probe the files of one recording, in any order. Raises as `probe` does.

    `track`: as for `probe`. `given`: the start time (ISO 8601), which overrides those of the files.
    """
    unique = list(dict.fromkeys(Path(os.path.abspath(p)) for p in paths))
    recording = combine(
        [probe(p, timezone=timezone, name_pattern=name_pattern, track=track) for p in unique], name_pattern
    )
    local = load_zone(timezone)
    at, source = format_in_zone(datetime.fromisoformat(given), local) if given else None, "given"
    if at is None:
        at, source = format_in_zone(_read_folder_start(unique, local), local), "sidecar"
    return recording if at is None else dataclasses.replace(recording, recorded_at=at, recorded_at_source=source)


def _read_folder_start(paths: Sequence[Path], local: ZoneInfo) -> datetime | None:
    """Read the start time in the folder's sidecar, if `paths` are all the recordings of one folder."""
    folder, *others = {p.parent for p in paths}
    if others:
        return None
    started = read_folder_sidecar(folder, paths, local)
    return started if started and set(list_recordings(folder)) <= set(paths) else None


def combine(files: Sequence[Recording], name_pattern: str | None = None) -> Recording:
    """Combine recordings of a file each into one; a single one is returned unchanged.

    The sha256 is that of a line for each part: the part's own and the seconds of silence before it. Raises
    PermanentError where the clocks leave more than `LONGEST_GAP_S` between two parts. `name_pattern`: as for `probe`.
    """
    if len(files) == 1:
        return files[0]
    ordered, gaps = arrange_files(files, name_pattern)
    parts: list[Part] = []
    for file, gap_s in zip(ordered, gaps, strict=True):
        end_s = parts[-1].start_s + parts[-1].duration_s if parts else 0.0
        if gap_s:
            log.info(
                "%s begins %s after %s ended: silence between them.",
                format_path(file.source_name), _format_gap(gap_s), format_path(parts[-1].name),
            )  # fmt: skip
        # Parts begin on samples of what is decoded, so that none is lost between them.
        start_s = round((end_s + gap_s) * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        (own,) = file.parts
        parts.append(dataclasses.replace(own, start_s=start_s))
    lines = [f"{part.sha256} {gap_s:.3f}\n" for part, gap_s in zip(parts, gaps, strict=True)]
    sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
    folder = Path(os.path.commonpath([Path(f.path).parent for f in files]))
    name = decode_file_name(folder.name) or ordered[0].source_name
    return dataclasses.replace(
        ordered[0],
        recording_id=f"{slugify(folder.name or Path(ordered[0].path).stem)}-{sha256[:8]}",
        path=str(folder),
        source_name=name,
        sha256=sha256,
        size_bytes=sum(f.size_bytes for f in files),
        duration_s=parts[-1].start_s + parts[-1].duration_s,
        parts=tuple(parts),
        told_again_at=None,
    )


def count_channels(parts: Sequence[Part]) -> list[int]:
    """Count the channels of each file. Raises as `open_source` does."""
    found = []
    for part in parts:
        path = Path(part.path)
        with open_source(path, find_links(path, part.track)[0].link, part.track) as source:
            found.append(source.channels)
    return found


def _format_gap(seconds: float) -> str:
    """Format a gap of a second or more.

    >>> _format_gap(750), _format_gap(3600), _format_gap(7.4), _format_gap(59.7)
    ('12 min 30 s', '1 h', '7 s', '1 min')
    """
    minutes, s = divmod(round(seconds), 60)
    units = zip((*divmod(minutes, 60), s), ("h", "min", "s"), strict=True)
    return " ".join(f"{number} {unit}" for number, unit in units if number)
