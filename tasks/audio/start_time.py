"""Find the start time of a recording: in a sidecar, else its name, container metadata or modification time."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.audio.copy_stamps import remove_copy_stamps
from tasks.errors import UsageError
from tasks.paths import format_origin, format_path
from tasks.settings.name_pattern import NameTime, compile_pattern, find_time, parse_zone
from tasks.settings.recorded_at import describe_impossible
from tasks.sidecars import locate_sidecars

log = logging.getLogger("daylong.audio")

_NAME_PATTERNS = (
    re.compile(
        r"(?P<zone>GMT)?(?<!\d)(?P<year>(?:19|20)\d\d)([-_.]?)(?P<month>[01]\d)\3(?P<day>[0-3]\d)"  # 2026-03-01
        r"(?:[T _.-]|-_-_| - | at )?"
        r"(?P<hour>[0-2]\d|\d(?=[.:][0-5]\d(?:[.:][0-5]\d)?[ ._\u202f]?[AP]M))([-_.:h]?)(?P<minute>[0-5]\d)"
        r"(?:\7(?P<second>[0-5]\d))?(?!\d)"  # 09-15-00, 0915, 09h15
        r"(?:[ ._\u202f]?(?P<half>[AP]M)(?![0-9A-Za-z]))?",  # 9.15.00 PM
        re.IGNORECASE,
    ),
    # 260301_091500: Sony, Zoom, Samsung. Without seconds it may as well be a counter.
    re.compile(
        r"(?<!\d)(?P<year>[0-9]\d)(?P<month>[01]\d)(?P<day>[0-3]\d)[_-](?P<hour>[0-2]\d)(?P<minute>[0-5]\d)"
        r"(?P<second>[0-5]\d)(?!\d)"
    ),
)
_DATE_AND_TIME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)([-_.]?)(?P<month>\d\d)\2(?P<day>\d\d)(?:[T _.-]|-_-_| - | at )?"
    r"(?P<hour>\d\d|\d(?=[.:]\d\d(?:[.:]\d\d)?[ ._\u202f]?[AP]M))(?P<mark>[-_.:h]?)(?P<minute>\d\d)"
    r"(?:(?P=mark)(?P<second>\d\d))?(?!\d)",
    re.IGNORECASE,
)
"""Digits in the form of a date and time, possible or not."""
_DATE = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)([-_.])(?P<month>\d\d)\2(?P<day>\d\d)(?!\d)")
"""Digits in the form of a date, possible or not."""
_OFFSET = re.compile(r"(?P<zone>Z|[+-]\d{2}:\d{2}|\+\d{4}|(?<=T\d{6})-\d{4})(?![0-9A-Za-z])")
"""UTC offset after a time. Four digits after a hyphen may be a counter or the end time: they are an offset only in
ISO 8601's basic format."""
_SIDECAR_BYTES = 1 << 16
_SOURCES = {
    "sidecar": "is told by its sidecar",
    "name": "is told by its name",
    "metadata": "is read from its metadata",
    "mtime": "is taken from its modification time",
    None: "is not known",
}
_PLACES = {
    "sidecar": "in its sidecar",
    "name": "in its name",
    "metadata": "in its metadata",
    "mtime": "by its modification time",
}


def load_zone(name: str) -> ZoneInfo:
    """Load the IANA time zone `name`. Raises UsageError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"timezone {name!r} is not known. Write an IANA name such as Europe/Berlin.") from error


def find_start_time(
    metadata: Mapping[str, str],
    path: Path,
    mtime_s: float,
    duration_s: float,
    timezone: str,
    name_pattern: str | None = None,
    now: datetime | None = None,
) -> tuple[str | None, str | None]:
    """Return (ISO 8601 start time in `timezone`, its source: sidecar, name, metadata or mtime); (None, None) where
    no source tells a time at which a recording may have begun that is processed at `now` (the present).

    `name_pattern`: the format of times in names, tried before the built-in ones. Writing ended at `mtime_s`, so the
    start is `duration_s` earlier. What can't be is not used, and one line says so.
    """
    local = load_zone(timezone)
    written = _subtract(mtime_s, duration_s)
    times = [*_list_times(metadata, path, local, name_pattern, now), (written, "mtime")]
    at, source, impossible = _choose(times, local, now)
    if impossible:
        log.warning(
            "%s: %s, and not used. When it was recorded %s.",
            format_path(path.name), "; ".join(impossible), _SOURCES[source],
        )  # fmt: skip
    elif source not in ("sidecar", "name") and (wrong := find_impossible_time(path.stem, name_pattern)):
        log.warning(
            "%s: %s in its name is no possible date and time, and is not used. When it was recorded %s.",
            format_path(path.name), format_path(wrong), _SOURCES[source],
        )  # fmt: skip
    return at, source


def find_repeated_hour(
    at: str | None, metadata: Mapping[str, str], path: Path, timezone: str, name_pattern: str | None = None
) -> str | None:
    """Return the second reading of the start `at` (ISO 8601) in the hour that is repeated when clocks are put back;
    None outside that hour, and for times with an offset."""
    local = load_zone(timezone)
    first = datetime.fromisoformat(at).astimezone(local) if at else None
    if first is None or first.utcoffset() == first.replace(fold=1).utcoffset():
        return None
    for found, _ in _list_times(metadata, path, local, name_pattern):
        if format_in_zone(found, local) == at:
            return first.replace(fold=1).isoformat() if found and isinstance(found.tzinfo, ZoneInfo) else None
    return None


def _list_times(
    metadata: Mapping[str, str],
    path: Path,
    local: ZoneInfo,
    name_pattern: str | None,
    now: datetime | None = None,
) -> list[tuple[datetime | None, str]]:
    """(time, its source) of the sources that a recorder or a person wrote, the best first."""
    return [
        (read_sidecar(path, local, now), "sidecar"),
        (read_time_in_name(path.stem, local, name_pattern), "name"),
        *((found, "metadata") for found in _read_metadata(metadata, local)),
    ]


def _choose(
    times: Iterable[tuple[datetime | None, str]], local: ZoneInfo, now: datetime | None
) -> tuple[str | None, str | None, list[str]]:
    """(ISO 8601 of the first possible time, its source, a description of each impossible one before it)."""
    impossible: list[str] = []
    for found, source in times:
        at = format_in_zone(found, local)
        if at is None:
            continue
        why = describe_impossible(datetime.fromisoformat(at), now)
        if why is None:
            return at, source, impossible
        impossible.append(f"{at}, {_PLACES[source]}, {why}")
    return None, None, impossible


def _subtract(mtime_s: float, duration_s: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(mtime_s, UTC) - timedelta(seconds=duration_s)
    except (ValueError, OverflowError, OSError):
        return None


def format_in_zone(when: datetime | None, local: ZoneInfo) -> str | None:
    """Format a time as ISO 8601 in the zone `local`, which is that of times without one; None for invalid dates."""
    if when is None:
        return None
    try:
        return (when if when.tzinfo else when.replace(tzinfo=local)).astimezone(local).isoformat()
    except OverflowError:
        return None


def read_sidecar(path: Path, local: ZoneInfo, now: datetime | None = None) -> datetime | None:
    """Read `{"recorded_at": "2026-03-01T09:15:00"}` from `name.wav.json` or `name.json` beside the recording, in any
    letter case."""
    return _read_sidecars(locate_sidecars(path), local, now)


def read_folder_sidecar(folder: Path, files: Collection[Path], local: ZoneInfo) -> datetime | None:
    """Read the sidecar of a folder whose files are one recording: `folder.json` beside the folder, or in it, unless
    that is the sidecar of one of the files."""
    if not folder.name:
        return None
    inside = (
        [] if any(f.stem == folder.name for f in files) else locate_sidecars(folder / folder.name, is_folder=True)
    )
    return _read_sidecars([*locate_sidecars(folder, is_folder=True), *inside], local)


def _read_sidecars(sidecars: Iterable[Path], local: ZoneInfo, now: datetime | None = None) -> datetime | None:
    """Read `recorded_at` from the first sidecar that holds one that may be.

    An invalid sidecar is logged and skipped. JSON without `recorded_at` is ignored.
    """
    for sidecar in sidecars:
        try:
            with open(sidecar, "rb") as file:
                content = json.loads(file.read(_SIDECAR_BYTES))
        except OSError:
            continue
        except (ValueError, RecursionError) as error:
            log.warning("%s: not valid JSON (%s), and not used. Write it anew.", format_origin(sidecar), error)
            continue
        if not isinstance(content, dict) or "recorded_at" not in content:
            continue
        try:
            when = datetime.fromisoformat(content["recorded_at"])
            when = when if when.tzinfo else when.replace(tzinfo=local)
            why = describe_impossible(when.astimezone(UTC), now)  # raises for dates out of range
            if why is None:
                return when
            log.warning(
                "%s: recorded_at = %s %s, and is not used.",
                format_origin(sidecar), format_path(content["recorded_at"][:100]), why,
            )  # fmt: skip
        except (ValueError, TypeError, OverflowError):
            log.warning(
                "%s: recorded_at = %s is no time, and is not used. Write it as 2026-03-01T09:15:00.",
                format_origin(sidecar), format_path(json.dumps(content["recorded_at"], ensure_ascii=False)[:100]),
            )  # fmt: skip
    return None


def read_time_in_name(stem: str, local: ZoneInfo, pattern: str | None = None) -> datetime | None:
    """Read the date and time in a file's name, in the format `pattern`, or one that recorders use.

    >>> read_time_in_name("desk_2026-03-01_09-15-00", ZoneInfo("UTC")).isoformat()
    '2026-03-01T09:15:00+00:00'
    >>> read_time_in_name("20260301T0915", ZoneInfo("UTC")).isoformat()
    '2026-03-01T09:15:00+00:00'
    >>> read_time_in_name("0103 26 lecture", ZoneInfo("UTC"), "%d%m %y").isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> read_time_in_name("order 4711 of 2026-03-01", ZoneInfo("UTC"))
    """
    found = read_name(stem, local, pattern)
    return found.at if found else None


def find_impossible_time(stem: str, pattern: str | None = None) -> str | None:
    """Find what has the form of a date, or a date and time, in a file's name but is none, by `pattern` or in a common
    format; for names in which `read_time_in_name` finds none.

    Digits after a possible date, without marks between them, may count files.

    >>> find_impossible_time("desk_2026-02-30_09-15-00"), find_impossible_time("desk_20261301 1515")
    ('2026-02-30_09-15-00', '20261301 1515')
    >>> find_impossible_time("desk 2026-03-01 25.15"), find_impossible_time("desk 20260301-0060")
    ('2026-03-01 25.15', None)
    >>> find_impossible_time("2026-02-30"), find_impossible_time("2026-06-31 at 9.15.00 PM")
    ('2026-02-30', '2026-06-31 at 9.15.00')
    """
    stem = remove_copy_stamps(stem)
    own = compile_pattern(pattern).search(stem) if pattern is not None else None
    if own is not None:
        return own[0]
    forms = (_DATE_AND_TIME, _NAME_PATTERNS[1], _DATE)
    for match in itertools.chain.from_iterable(form.finditer(stem) for form in forms):
        groups = match.groupdict()
        try:
            date(2000 + int(groups["year"][-2:]), int(groups["month"]), int(groups["day"]))
        except ValueError:
            return match[0]
        if groups.get("mark"):
            return match[0]
    return None


def read_name(stem: str, local: ZoneInfo, pattern: str | None = None) -> NameTime | None:
    """Read the time in a file's name, with its resolution in seconds.

    >>> read_name("20260301T0915", ZoneInfo("UTC")).open_s
    60.0
    """
    stem = remove_copy_stamps(stem)
    if pattern is not None:
        found = find_time(stem, compile_pattern(pattern), local)
        if found is not None:
            return found
    for known in _NAME_PATTERNS:
        for match in known.finditer(stem):
            found = find_time(match[0], known, local)
            if found is None:
                continue
            offset = _OFFSET.match(stem, match.end())
            own = parse_zone(offset["zone"]) if offset else None
            return found._replace(at=found.at.replace(tzinfo=own)) if own else found
    return None


def _read_metadata(metadata: Mapping[str, str], local: ZoneInfo) -> list[datetime]:
    tags = {k.lower(): v.strip() for k, v in metadata.items()}
    candidates = [tags.get("com.apple.quicktime.creationdate"), tags.get("creation_time")]
    if "creation_time" in tags and "date" in tags:  # broadcast WAV: day and time are separate
        candidates.append(f"{tags['date']}T{tags['creation_time']}")
    found = []
    for text in candidates:
        with contextlib.suppress(ValueError):
            when = datetime.fromisoformat(text or "")
            found.append(when if when.tzinfo else when.replace(tzinfo=local))
    return found
