"""Times at which nothing can have been recorded: one check for every source, and one line."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.audio.combine import probe_files
from tasks.audio.probe import probe
from tasks.audio.start_time import find_start_time
from tasks.errors import UsageError
from tasks.settings.load import load
from tests.helpers.sound_files import make_noise, write_sound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITTEN = datetime(2026, 3, 1, 9, 15, tzinfo=UTC)
YEARS = [1875, 1904, 1970, 1980, 1989, 2037, 2206, 9998]
SOURCES = ["sidecar", "sidecar of the file", "name", "metadata", "mtime"]


def start(folder: Path, source: str, when: datetime, written: datetime = WRITTEN) -> tuple[str | None, str | None]:
    """The start time of a file whose `source` tells `when`; its modification time is `written`."""
    path, metadata = folder / "interview.wav", {}
    if source == "name":
        path = folder / f"interview_{when:%Y-%m-%d_%H-%M-%S}.wav"
    elif source == "metadata":
        metadata = {"creation_time": when.isoformat()}
    elif source == "mtime":
        written = when
    else:
        name = "interview.json" if source == "sidecar" else "interview.wav.json"
        (folder / name).write_text(json.dumps({"recorded_at": when.isoformat()}))
    return find_start_time(metadata, path, written.timestamp(), 0.0, "UTC", now=NOW)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "daylong.audio"]


@pytest.mark.parametrize(
    ("source", "year"),
    # Other digits of a name are read as no year.
    [(source, year) for source in SOURCES for year in YEARS if source != "name" or 1900 <= year < 2100],
)
def test_no_source_tells_a_time_that_cannot_be(
    tmp_path: Path, source: str, year: int, caplog: pytest.LogCaptureFixture
) -> None:
    at, by = start(tmp_path, source, datetime(year, 1, 1, tzinfo=UTC))
    assert (at, by) == ((None, None) if source == "mtime" else (WRITTEN.isoformat(), "mtime"))
    (line,) = lines(caplog)
    assert line.startswith("interview") or "interview" in line.partition(": ")[0]
    assert str(year) in line
    assert ("is in the future" if year > 2000 else "is before 1990") in line
    assert "not used" in line


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=14), timedelta(hours=23, minutes=59)])
def test_a_clock_that_is_ahead_by_less_than_a_day_is_believed(
    tmp_path: Path, source: str, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    at, by = start(tmp_path, source, NOW + ahead)
    assert at == (NOW + ahead).isoformat()
    assert by == source.partition(" ")[0]
    assert lines(caplog) == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_day_and_more_ahead_is_not(tmp_path: Path, source: str) -> None:
    assert start(tmp_path, source, NOW + timedelta(days=1, seconds=1))[1] in ("mtime", None)


def test_the_best_source_that_can_be_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tags = {"com.apple.quicktime.creationdate": "1904-01-01T00:00:00Z", "creation_time": "2026-02-28T10:00:00Z"}
    path = tmp_path / "2087-03-01_09-15-00.wav"
    found = find_start_time(tags, path, WRITTEN.timestamp(), 0.0, "UTC", now=NOW)
    assert found == ("2026-02-28T10:00:00+00:00", "metadata")
    (line,) = lines(caplog)
    assert "in its name, is in the future; 1904-01-01T00:00:00+00:00, in its metadata, is before 1990" in line
    assert line.endswith("When it was recorded is read from its metadata.")


def test_where_every_source_is_wrong_it_is_unknown_and_one_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = datetime(2037, 1, 1, tzinfo=UTC)
    assert start(tmp_path, "name", datetime(1980, 1, 1, tzinfo=UTC), written) == (None, None)
    (line,) = lines(caplog)
    assert line.endswith("When it was recorded is not known.")


def test_probing_takes_the_present_for_when_it_is_processed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    path = write_sound(tmp_path / "x.wav", make_noise(0.5))
    for year in (1980, 2037):
        at_s = datetime(year, 1, 2, tzinfo=UTC).timestamp()
        os.utime(path, (at_s, at_s))
        found = probe(path)
        assert (found.recorded_at, found.recorded_at_source) == (None, None)
    assert len(lines(caplog)) == 2


def test_the_sidecar_of_a_folder_is_checked_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "monday"
    folder.mkdir()
    files = [write_sound(folder / f"2026-03-01_09-{minute}-00.wav", make_noise(0.5)) for minute in ("10", "11")]
    (tmp_path / "monday.json").write_text('{"recorded_at": "2206-03-01T09:15:00"}')
    found = probe_files(files)
    assert (found.recorded_at, found.recorded_at_source) == ("2026-03-01T09:10:00+00:00", "name")
    assert "monday.json: recorded_at = 2206-03-01T09:15:00 is in the future" in caplog.text


@pytest.mark.parametrize(
    ("given", "why"), [("2206-03-01T09:15:00", "is in the future"), ("1980-01-01", "before 1990")]
)
def test_a_setting_that_cannot_be_is_refused(given: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        load({"audio": {"recorded_at": given}}, environment={}, folder=Path("nowhere"))
    assert f'audio.recorded_at = "{given}": ' in str(refused.value)
    assert why in str(refused.value)
