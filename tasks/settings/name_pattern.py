"""Parse start times out of file names: patterns as `strptime` has them, or regular expressions."""

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


class NameTime(NamedTuple):
    """A time in a name and its resolution: the start is at `at` or up to `open_s` s later (0: to the second)."""

    at: datetime
    open_s: float


class NameCounter(NamedTuple):
    """A day, and the ascending numbers in the names of its files."""

    day: date
    numbers: tuple[int, ...]
    times_s: tuple[float, ...]
    """The numbers read as times of day (HHMM or HHMMSS), in seconds."""
    open_s: float
    """Resolution of `times_s`, as in `NameTime`."""


@lru_cache(maxsize=16)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern to a regular expression. Raises ValueError with what would be right.

    >>> compile_pattern("ZOOM%y%m%d-%H%M").search("ZOOM260301-0915.wav")["hour"]
    '09'
    """
    strptime = "(?P<" not in pattern
    try:
        found = re.compile(_translate_directives(pattern) if strptime else pattern)
    except re.error as error:
        raise ValueError(f"{pattern} can't be read ({error}). Write %Y%m%d_%H%M%S, say, or mend it") from None
    groups = set(found.groupindex)
    if not groups >= _NEEDED or groups - _KNOWN:
        raise ValueError(
            f"{pattern} must tell year, month and day, and may tell hour, half (AM or PM), minute, second and "
            "zone: write as %Y%m%d_%H%M%S, or (?P<year>\\d{4})(?P<month>\\d\\d)(?P<day>\\d\\d)"
        )
    return found


def find_time(text: str, pattern: re.Pattern[str], local: ZoneInfo) -> NameTime | None:
    """Find the first valid time in the text by the pattern; without a zone of its own, in `local`."""
    for match in pattern.finditer(text):
        groups = match.groupdict()
        try:
            year = int(groups["year"])
            at = datetime(
                year + 2000 if year < 100 else year,
                int(groups["month"]),
                int(groups["day"]),
                _parse_hour(groups.get("hour"), groups.get("half")),
                int(groups.get("minute") or 0),
                int(groups.get("second") or 0),
                tzinfo=parse_zone(groups.get("zone")) or local,
            )
            return NameTime(at, next((s for unit, s in _OPEN_S.items() if groups.get(unit)), 24 * 3600.0))
        except (ValueError, TypeError):
            continue
    return None


def _parse_hour(text: str | None, half: str | None) -> int:
    """Parse the hour of the day; `half`: AM or PM, ignored unless the hour is 1–12."""
    hour = int(text or 0)
    if not half or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half.upper() == "PM" else 0)


def parse_zone(text: str | None) -> timezone | None:
    """Parse Z, GMT or an offset as +01:00; None for offsets that no zone has (a counter, say).

    >>> str(parse_zone("+01:00")), str(parse_zone("Z")), parse_zone(None), parse_zone("-2534"), parse_zone("-0012")
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


def find_counter(stems: Sequence[str]) -> NameCounter | None:
    """Find the numbers after one common date that ascend in equal steps; None for other names.

    Whether they count or are times of day (a file each minute), the files' durations decide.

    >>> find_counter(["20260301-0009", "20260301-0010", "20260301-0011"]).numbers
    (9, 10, 11)
    >>> find_counter(["2026-03-01_0900", "2026-03-01_0906", "2026-03-01_0911"])
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
    return NameCounter(day, numbers, times_s, 0.0 if seconds else 60.0)


def _translate_directives(pattern: str) -> str:
    def translate(found: re.Match[str]) -> str:
        if found[1] is None:
            return re.escape(found[0])
        if found[1] not in _DIRECTIVES:
            raise ValueError(f"{pattern}: %{found[1]} isn't known here; there are %Y %y %m %d %H %I %p %M %S %z")
        return _DIRECTIVES[found[1]]

    return r"(?<!\d)" + re.sub(r"%(.)|[^%]+|%$", translate, pattern) + r"(?!\d)"
