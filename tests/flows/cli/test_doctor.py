"""`daylong doctor` without a server: this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def doctor(*words: str) -> Result:
    from prefect.settings import PREFECT_SERVER_API_PORT, temporary_settings

    with temporary_settings({PREFECT_SERVER_API_PORT: 9}):
        return CliRunner().invoke(app, ["doctor", *words])


def find_line(result: Result, about: str) -> str:
    return next(line for line in result.stdout.splitlines() if line[9:].startswith(about))


def test_with_the_bundled_weights_nothing_is_missing() -> None:
    result = doctor("--profile", "demo")
    assert result.exit_code == 0, result.output
    for about in ("decoder", "device", "weights", "database"):
        assert find_line(result, about).startswith("ok ")
    assert find_line(result, "server").startswith("warning")
    assert "daylong up" in find_line(result, "server")


def test_unavailable_weights_are_missing() -> None:
    result = doctor()
    assert result.exit_code == 1
    assert find_line(result, "weights").startswith("missing")
    assert "daylong models fetch" in find_line(result, "weights")


def test_inbox_larger_than_the_disk_is_reported(own_home: Path) -> None:
    inbox = own_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    with (inbox / "day.wav").open("wb") as file:
        file.truncate(10**13)  # holes take no room
    result = doctor("--profile", "demo")
    assert result.exit_code == 1
    assert find_line(result, "disk").startswith("missing")
    assert "1 file of 10000.0 GB in the inbox" in find_line(result, "disk")


def test_unmounted_inbox_is_missing(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is made when" in find_line(doctor("--profile", "demo"), "inbox")
    monkeypatch.setenv("DAYLONG_INBOX__FOLDER", str(own_home / "not mounted"))
    result = doctor("--profile", "demo")
    assert result.exit_code == 1
    assert find_line(result, "inbox").startswith("missing")


def test_stopped_inbox_is_reported(own_home: Path) -> None:
    inbox = own_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    assert find_line(doctor("--profile", "demo"), "inbox").startswith("ok ")
    (inbox / "STOP").touch()
    assert find_line(doctor("--profile", "demo"), "inbox").startswith("warning")


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("DAYLONG_OUT", "data/inbox/out", "lie in it"),
        ("DAYLONG_AUDIO__RECORDED_AT", "2026-03-01T09:15:00", "begin at once"),
    ],
)
def test_settings_that_watch_refuses_are_missing(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, expected: str
) -> None:
    (own_home / "data" / "inbox").mkdir(parents=True)
    monkeypatch.setenv(setting, value)
    found = find_line(doctor("--profile", "demo"), "inbox")
    assert found.startswith("missing")
    assert expected in found


def test_damaged_ledger_is_missing_with_a_remedy(own_home: Path) -> None:
    inbox = own_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / ".ledger.sqlite3").write_bytes(b"no database " * 1000)
    found = find_line(doctor("--profile", "demo"), "inbox")
    assert found.startswith("missing")
    assert "Move it away" in found


def test_processed_file_kept_in_the_inbox_needs_no_room(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.intake.ledger import Ledger
    from tasks.settings.load import load

    inbox = own_home / "data" / "inbox"
    inbox.mkdir(parents=True)
    for name in ("day.wav", "other.wav"):
        (inbox / name).write_bytes(b"RIFF")
    monkeypatch.setenv("DAYLONG_INBOX__AFTER", "keep")
    with Ledger(inbox / ".ledger.sqlite3") as ledger:
        ledger.record_kept(Path("day.wav"), "as it was", load({"profile": "demo"}).digest())
    assert "1 file of 0.0 GB in the inbox" in find_line(doctor("--profile", "demo"), "disk")


def test_unreachable_database_is_reported_without_its_password() -> None:
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings

    url = "postgresql+asyncpg://daylong:secret@127.0.0.1:9/daylong"
    with temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: url}):
        result = doctor("--profile", "demo")
    assert result.exit_code == 1
    assert "cannot be reached" in find_line(result, "database")
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" in find_line(result, "database")
    assert "secret" not in result.output
