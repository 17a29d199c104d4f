"""How names tell when something was recorded: patterns as `strptime` has them, or regular expressions."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_DIRECTIVES = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<year>\d{2})",
    "m": r"(?P<month>\d{2})",
    "d": r"(?P<day>\d{2})",
    "H": r"(?P<hour>\d{2})",
    "M": r"(?P<minute>\d{2})",
    "S": r"(?P<second>\d{2})",
    "z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}
FARTHEST = timedelta(hours=14)
"""No zone is farther from Greenwich."""
_NEEDED = {"year", "month", "day"}
_KNOWN = _NEEDED | {"hour", "minute", "second", "zone"}


@lru_cache(maxsize=16)
def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression that a pattern means. Raises ValueError with what would be right.

    >>> compiled("ZOOM%y%m%d-%H%M").search("ZOOM260301-0915.wav")["hour"]
    '09'
    """
    strptime = "(?P<" not in pattern
    try:
        found = re.compile(_translated(pattern) if strptime else pattern)
    except re.error as error:
        raise ValueError(f"{pattern} can't be read ({error}). Write %Y%m%d_%H%M%S, say, or mend it") from None
    groups = set(found.groupindex)
    if not groups >= _NEEDED or groups - _KNOWN:
        raise ValueError(
            f"{pattern} must tell year, month and day, and may tell hour, minute, second and zone: write as "
            "%Y%m%d_%H%M%S, or (?P<year>\\d{4})(?P<month>\\d\\d)(?P<day>\\d\\d)"
        )
    return found


def times_in(text: str, pattern: re.Pattern[str], local: ZoneInfo) -> datetime | None:
    """The first time in the text that the pattern tells and that exists; without a zone of its own, `local`'s."""
    for match in pattern.finditer(text):
        told = match.groupdict()
        try:
            year = int(told["year"])
            return datetime(
                year + 2000 if year < 100 else year,
                int(told["month"]),
                int(told["day"]),
                int(told.get("hour") or 0),
                int(told.get("minute") or 0),
                int(told.get("second") or 0),
                tzinfo=zone_of(told.get("zone")) or local,
            )
        except (ValueError, TypeError):
            continue
    return None


def zone_of(text: str | None) -> timezone | None:
    """The zone that a Z, GMT or +01:00 means; None where no clock is set so: it may be a counter.

    >>> str(zone_of("+01:00")), str(zone_of("Z")), zone_of(None), zone_of("-2534")
    ('UTC+01:00', 'UTC', None, None)
    """
    if not text:
        return None
    if text[0] not in "+-":
        return timezone.utc  # noqa: UP017
    digits = text.replace(":", "")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    if int(digits[3:5]) > 59 or offset > FARTHEST:
        return None
    return timezone(-offset if text[0] == "-" else offset)


def _translated(pattern: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] is None:
            return re.escape(found[0])
        if found[1] not in _DIRECTIVES:
            raise ValueError(f"{pattern}: %{found[1]} isn't known here; there are %Y %y %m %d %H %M %S %z")
        return _DIRECTIVES[found[1]]

    return r"(?<!\d)" + re.sub(r"%(.)|[^%]+|%$", one, pattern) + r"(?!\d)"
