"""When a recording started: what its container says, else its name, else the file's last change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.errors import UsageError

_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)([01]\d)\2([0-3]\d)"  # 2026-03-01, 20260301
    r"(?:[T _.-]|_-_| - )?"
    r"([0-2]\d)([-_.:h]?)([0-5]\d)(?:\6([0-5]\d))?(?!\d)",  # 09-15-00, 091500, 09h15
    re.IGNORECASE,
)
_EARLIEST = 1990
"""Containers without a clock say 1904 or 1970."""


def zone(name: str) -> ZoneInfo:
    """The IANA time zone called `name`; UsageError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"timezone {name!r} is not known. Write an IANA name such as Europe/Berlin.") from error


def recorded_at(
    metadata: Mapping[str, str], stem: str, mtime_s: float, duration_s: float, timezone: str
) -> tuple[str, str]:
    """(ISO 8601 time of the start in `timezone`, source: metadata, name or mtime).

    A file's mtime is when writing it ended, so its start lies `duration_s` earlier.
    """
    local = zone(timezone)
    found = _from_metadata(metadata, local)
    if found is not None:
        return found.astimezone(local).isoformat(), "metadata"
    found = from_name(stem, local)
    if found is not None:
        return found.isoformat(), "name"
    started = datetime.fromtimestamp(mtime_s, UTC) - timedelta(seconds=duration_s)
    return started.astimezone(local).isoformat(), "mtime"


def from_name(stem: str, local: ZoneInfo) -> datetime | None:
    """A date with a time of day in a file's name.

    >>> from_name("desk_2026-03-01_09-15-00", ZoneInfo("UTC")).isoformat()
    '2026-03-01T09:15:00+00:00'
    >>> from_name("20260301T0915", ZoneInfo("UTC")).isoformat()
    '2026-03-01T09:15:00+00:00'
    >>> from_name("order 4711 of 2026-03-01", ZoneInfo("UTC"))
    """
    for match in _IN_NAME.finditer(stem):
        year, _, month, day, hour, _, minute, second = match.groups()
        try:
            return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=local)
        except ValueError:
            continue
    return None


def _from_metadata(metadata: Mapping[str, str], local: ZoneInfo) -> datetime | None:
    tags = {k.lower(): v.strip() for k, v in metadata.items()}
    candidates = [tags.get("com.apple.quicktime.creationdate"), tags.get("creation_time")]
    if "creation_time" in tags and "date" in tags:  # broadcast WAV has the day and the time apart
        candidates.append(f"{tags['date']}T{tags['creation_time']}")
    for text in candidates:
        try:
            when = datetime.fromisoformat(text or "")
        except ValueError:
            continue
        if when.year >= _EARLIEST:
            return when if when.tzinfo else when.replace(tzinfo=local)
    return None
