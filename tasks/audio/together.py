"""Files that are one recording: their order, the silence between them, and what identifies the whole.

Recorders split a day by the hour or by 2 GB. Files whose clocks are known lie where these say, the gaps between them
as silence; others follow each other in the order of their names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import logging
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.audio.folder import recordings_in
from tasks.audio.probe import probe, slug
from tasks.audio.recorded import from_folders_sidecar, in_zone, zone
from tasks.audio.source import shown
from tasks.errors import PermanentError
from tasks.records import Part, Recording

log = logging.getLogger("daylong.audio")

CLOCKS = frozenset({"given", "sidecar", "name", "metadata"})
"""Sources of `recorded_at` that tell where a file lies in the day. A file's last change is too easily another's."""
JOIN_S = 2.0
"""Clocks tell whole seconds: files this near to each other follow each other without a gap."""
LONGEST_GAP_S = 24 * 3600.0
_GRID_HZ = 16_000
"""Parts begin on samples of what is decoded, so that none is lost between them."""


def probe_together(
    paths: Sequence[Path], *, timezone: str = "UTC", name_pattern: str | None = None, given: str | None = None
) -> Recording:
    """The recording that the files at `paths` make up, in whatever order they are given. Raises what `probe` does.

    `given`: when it starts (ISO 8601), whatever the files tell.
    """
    unique = list(dict.fromkeys(Path(os.path.abspath(p)) for p in paths))
    recording = together([probe(p, timezone=timezone, name_pattern=name_pattern) for p in unique])
    local = zone(timezone)
    at, source = in_zone(datetime.fromisoformat(given), local) if given else None, "given"
    if at is None:
        at, source = in_zone(_of_folder(unique, local), local), "sidecar"
    return recording if at is None else dataclasses.replace(recording, recorded_at=at, recorded_at_source=source)


def _of_folder(paths: Sequence[Path], local: ZoneInfo) -> datetime | None:
    """What the sidecar of the folder says whose recordings these are, all of them."""
    folder, *others = {p.parent for p in paths}
    if others:
        return None
    told = from_folders_sidecar(folder, paths, local)
    return told if told and set(recordings_in(folder)) <= set(paths) else None


def together(files: Sequence[Recording]) -> Recording:
    """One recording out of several of a file each; a single file is what it was.

    Its sha256 is that of a line for each part: the part's own and the seconds of silence before it. Raises
    PermanentError where the clocks leave more than `LONGEST_GAP_S` between two parts.
    """
    if len(files) == 1:
        return files[0]
    ordered, gaps = _laid_out(files)
    parts: list[Part] = []
    for file, gap_s in zip(ordered, gaps, strict=True):
        end_s = parts[-1].start_s + parts[-1].duration_s if parts else 0.0
        start_s = round((end_s + gap_s) * _GRID_HZ) / _GRID_HZ
        (own,) = file.parts
        parts.append(dataclasses.replace(own, start_s=start_s))
    lines = [f"{part.sha256} {gap_s:.3f}\n" for part, gap_s in zip(parts, gaps, strict=True)]
    sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
    folder = Path(os.path.commonpath([Path(f.path).parent for f in files]))
    name = os.fsencode(folder.name).decode("utf-8", "replace") or ordered[0].source_name
    return dataclasses.replace(
        ordered[0],
        recording_id=f"{slug(folder.name or Path(ordered[0].path).stem)}-{sha256[:8]}",
        path=str(folder),
        source_name=name,
        sha256=sha256,
        size_bytes=sum(f.size_bytes for f in files),
        duration_s=parts[-1].start_s + parts[-1].duration_s,
        parts=tuple(parts),
    )


def by_name(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts names as people number them.

    >>> sorted(["day/rec10.wav", "day/rec2.wav", "day/Rec1.wav"], key=by_name)
    ['day/Rec1.wav', 'day/rec2.wav', 'day/rec10.wav']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.casefold())
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def _laid_out(files: Sequence[Recording]) -> tuple[list[Recording], list[float]]:
    """(the files in order, the seconds of silence before each)."""
    named = sorted(files, key=lambda f: (by_name(f.path), f.path))
    without = [0.0] * len(named)
    if not all(f.recorded_at and f.recorded_at_source in CLOCKS for f in files):
        return named, without
    timed = sorted(named, key=_clock)
    gaps = [0.0]
    for before, after in itertools.pairwise(timed):
        gap_s = (_clock(after) - _clock(before)).total_seconds() - before.duration_s
        if gap_s < -JOIN_S:
            log.warning(
                "%s begins, by the times told, %.0f s before %s ends: these clocks can't be right. "
                "The files are taken in the order of their names, without gaps.",
                shown(after.source_name), -gap_s, shown(before.source_name),
            )  # fmt: skip
            return named, without
        if gap_s > LONGEST_GAP_S:
            raise PermanentError(
                f"{shown(after.source_name)}: recorded {gap_s / 3600:.0f} hours after {shown(before.source_name)} "
                "ends; that is another recording. Process the days apart."
            )
        gaps.append(round(gap_s, 3) if gap_s > JOIN_S else 0.0)
    return timed, gaps


def _clock(file: Recording) -> datetime:
    return datetime.fromisoformat(file.recorded_at or "")
