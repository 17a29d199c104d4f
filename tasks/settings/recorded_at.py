"""The one check of start times, from whatever source: settings, sidecars, names, metadata, modification times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Older than any digital recorder's file: clocks that were never set tell 1904, 1970 or 1980."""
GRACE = timedelta(days=1)
"""So far ahead may a recorder's clock or zone be of the clock of the machine that processes the recording."""


def describe_impossible(when: datetime, now: datetime | None = None) -> str | None:
    """Why nothing that is processed at `now` was recorded from `when` on; None where it may have been. Both with a
    zone.

    >>> now = datetime(2026, 3, 1, tzinfo=UTC)
    >>> [describe_impossible(datetime(year, 1, 1, tzinfo=UTC), now) for year in (2037, 1980)]
    ['is in the future', 'is before 1990']
    >>> describe_impossible(now + timedelta(hours=23), now)
    """
    if when > (now or datetime.now(UTC)) + GRACE:
        return "is in the future"
    return f"is before {EARLIEST.year}" if when < EARLIEST else None
