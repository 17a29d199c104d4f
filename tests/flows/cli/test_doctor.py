"""`daylong doctor` without a server: this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app


@pytest.fixture(autouse=True)
def a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def doctor(*words: str) -> Result:
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_PORT, temporary_settings

    with temporary_settings({PREFECT_SERVER_API_PORT: 9}, restore_defaults={PREFECT_API_URL}):
        return CliRunner().invoke(app, ["doctor", *words])


def line(told: Result, about: str) -> str:
    return next(each for each in told.stdout.splitlines() if each[9:].startswith(about))


def test_with_the_bundled_weights_nothing_is_missing() -> None:
    told = doctor("--profile", "demo")
    assert told.exit_code == 0, told.output
    for about in ("decoder", "device", "weights", "database"):
        assert line(told, about).startswith("ok ")
    assert line(told, "server").startswith("warning")
    assert "daylong up" in line(told, "server")


def test_weights_that_are_not_to_be_had_are_missing() -> None:
    told = doctor()
    assert told.exit_code == 1
    assert line(told, "weights").startswith("missing")
    assert "daylong models fetch" in line(told, "weights")


def test_an_inbox_that_does_not_fit_is_told(a_home: Path) -> None:
    inbox = a_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    with (inbox / "day.wav").open("wb") as file:
        file.truncate(10**13)  # holes take no room
    told = doctor("--profile", "demo")
    assert told.exit_code == 1
    assert line(told, "disk").startswith("missing")
    assert "1 file of 10000.0 GB in the inbox" in line(told, "disk")


def test_an_inbox_that_is_away_is_missing(a_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is made when" in line(doctor("--profile", "demo"), "inbox")
    monkeypatch.setenv("DAYLONG_INBOX__FOLDER", str(a_home / "not mounted"))
    told = doctor("--profile", "demo")
    assert told.exit_code == 1
    assert line(told, "inbox").startswith("missing")


def test_an_inbox_that_is_stopped_is_told(a_home: Path) -> None:
    inbox = a_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    assert line(doctor("--profile", "demo"), "inbox").startswith("ok ")
    (inbox / "STOP").touch()
    assert line(doctor("--profile", "demo"), "inbox").startswith("warning")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("DAYLONG_TIMEZONE", "Europe/Berlinn", "is not known"),
        ("DAYLONG_OUT", "data/inbox/out", "lie in it"),
        ("DAYLONG_AUDIO__RECORDED_AT", "2026-03-01T09:15:00", "begin at once"),
    ],
)
def test_what_the_watch_would_refuse_is_missing(
    a_home: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, told: str
) -> None:
    (a_home / "data" / "inbox").mkdir(parents=True)
    monkeypatch.setenv(setting, value)
    found = line(doctor("--profile", "demo"), "inbox")
    assert found.startswith("missing")
    assert told in found


def test_a_damaged_ledger_is_missing_with_what_to_do(a_home: Path) -> None:
    inbox = a_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / ".ledger.sqlite3").write_bytes(b"no database " * 1000)
    found = line(doctor("--profile", "demo"), "inbox")
    assert found.startswith("missing")
    assert "Move it away" in found


def test_what_is_done_and_stays_in_the_inbox_needs_no_room(a_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.intake.ledger import Ledger
    from tasks.settings.load import load

    inbox = a_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    for name in ("day.wav", "other.wav"):
        (inbox / name).write_bytes(b"RIFF")
    monkeypatch.setenv("DAYLONG_INBOX__AFTER", "keep")
    with Ledger(inbox / ".ledger.sqlite3") as ledger:
        ledger.record_kept(Path("day.wav"), "as it was", load({"profile": "demo"}).digest())
    assert "1 file of 0.0 GB in the inbox" in line(doctor("--profile", "demo"), "disk")


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings

    url = "postgresql+asyncpg://daylong:secret@127.0.0.1:9/daylong"
    with temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: url}):
        told = doctor("--profile", "demo")
    assert told.exit_code == 1
    assert "cannot be reached" in line(told, "database")
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" in line(told, "database")
    assert "secret" not in told.output
