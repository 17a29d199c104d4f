"""How names tell when something was recorded: patterns as `strptime` has them, or regular expressions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DIRECTIVES = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<year>\d{2})",
    "m": r"(?P<month>\d{2})",
    "d": r"(?P<day>\d{2})",
    "H": r"(?P<hour>\d{2})",
    "M": r"(?P<minute>\d{2})",
    "S": r"(?P<second>\d{2})",
    "I": r"(?P<hour>\d{1,2})",
    "p": r"(?P<half>[AaPp][Mm])",
    "z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}
FARTHEST = timedelta(hours=14)
"""No zone is farther from Greenwich."""
_QUARTERS = (0, 30, 45)
"""Minutes by which zones differ from whole hours."""
_NEEDED = {"year", "month", "day"}
_KNOWN = _NEEDED | {"hour", "minute", "second", "half", "zone"}
_OPEN_S = {"second": 0.0, "minute": 60.0, "hour": 3600.0}
_DATED_NUMBER = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)([01]\d)\2([0-3]\d)(?:[ _.-]|-_-_| - )?(\d{4}(?:\d\d)?)(?!\d)"
)
_LARGEST_STEP = 10


class Told(NamedTuple):
    """A time, and what it leaves open: it was at `at` or up to `open_s` seconds later (0: whole seconds are told)."""

    at: datetime
    open_s: float


class Counted(NamedTuple):
    """A day, and numbers that count up in the names of files of that day."""

    day: date
    numbers: tuple[int, ...]
    times_s: tuple[float, ...]
    """The same as times of day, HHMM or HHMMSS: these they would be if they were a clock's."""
    open_s: float
    """What such a clock leaves open, as in `Told`."""


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
            f"{pattern} must tell year, month and day, and may tell hour, half (AM or PM), minute, second and "
            "zone: write as %Y%m%d_%H%M%S, or (?P<year>\\d{4})(?P<month>\\d\\d)(?P<day>\\d\\d)"
        )
    return found


def times_in(text: str, pattern: re.Pattern[str], local: ZoneInfo) -> Told | None:
    """The first time in the text that the pattern tells and that exists; without a zone of its own, `local`'s."""
    for match in pattern.finditer(text):
        told = match.groupdict()
        try:
            year = int(told["year"])
            at = datetime(
                year + 2000 if year < 100 else year,
                int(told["month"]),
                int(told["day"]),
                _hour(told.get("hour"), told.get("half")),
                int(told.get("minute") or 0),
                int(told.get("second") or 0),
                tzinfo=zone_of(told.get("zone")) or local,
            )
            return Told(at, next((s for unit, s in _OPEN_S.items() if told.get(unit)), 24 * 3600.0))
        except (ValueError, TypeError):
            continue
    return None


def _hour(text: str | None, half: str | None) -> int:
    """The hour of the day; `half`: AM or PM, which doesn't count where the hour is none of a clock with twelve."""
    hour = int(text or 0)
    if not half or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half.upper() == "PM" else 0)


def zone_of(text: str | None) -> timezone | None:
    """The zone that a Z, GMT or +01:00 means; None where no clock is set so: it may be a counter.

    >>> str(zone_of("+01:00")), str(zone_of("Z")), zone_of(None), zone_of("-2534"), zone_of("-0012")
    ('UTC+01:00', 'UTC', None, None, None)
    """
    if not text:
        return None
    if text[0] not in "+-":
        return timezone.utc  # noqa: UP017
    digits = text.replace(":", "")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    if int(digits[3:5]) not in _QUARTERS or offset > FARTHEST or (digits[1:3] == "00" and digits != "+0000"):
        return None
    return timezone(-offset if text[0] == "-" else offset)


def counted(stems: Sequence[str]) -> Counted | None:
    """The numbers after one and the same date that count these names up, always by as many; None for other names.

    Whether they only count or are a clock's after all (a file each minute) is for the files' lengths to say.

    >>> counted(["20260301-0009", "20260301-0010", "20260301-0011"]).numbers
    (9, 10, 11)
    >>> counted(["2026-03-01_0900", "2026-03-01_0906", "2026-03-01_0911"])
    """
    found = [match for stem in stems if (match := _DATED_NUMBER.search(stem))]
    days = {(m[1], m[3], m[4]) for m in found}
    if not stems or len(found) < len(stems) or len(days) > 1 or len({len(m[5]) for m in found}) > 1:
        return None
    try:
        (day,) = (date(int(y), int(m), int(d)) for y, m, d in days)
    except ValueError:
        return None
    numbers = tuple(int(m[5]) for m in found)
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    if len(steps) != 1 or not 1 <= steps.pop() <= _LARGEST_STEP:
        return None
    seconds = len(found[0][5]) == 6
    whole = [n if seconds else 100 * n for n in numbers]  # HHMMSS
    times_s = tuple(3600.0 * (n // 10_000) + 60 * (n // 100 % 100) + n % 100 for n in whole)
    return Counted(day, numbers, times_s, 0.0 if seconds else 60.0)


def _translated(pattern: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] is None:
            return re.escape(found[0])
        if found[1] not in _DIRECTIVES:
            raise ValueError(f"{pattern}: %{found[1]} isn't known here; there are %Y %y %m %d %H %I %p %M %S %z")
        return _DIRECTIVES[found[1]]

    return r"(?<!\d)" + re.sub(r"%(.)|[^%]+|%$", one, pattern) + r"(?!\d)"
