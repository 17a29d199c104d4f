"""A watch keeps the settings with which it began: a file that is changed meanwhile, or half saved, is only told."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from flows.cli import watch as command
from flows.cli.main import app
from flows.cli.terminal import Terminal
from flows.inbox import resolve_inbox
from tasks.settings.files import hold_files
from tasks.settings.load import load
from tests.helpers.rests import Rests

CHANGES: dict[str, tuple[str, bytes | None]] = {
    "half saved": ("daylong.toml", b'[inbox]\nfolder = "/srv/oth'),
    "empty while it is saved": ("daylong.toml", b""),
    "another folder": ("daylong.toml", b'[inbox]\nfolder = "/srv/other"\n'),
    "no such setting": ("daylong.toml", b"nonsense = 3\n"),
    "no text": ("daylong.toml", b"\xff\xff\0"),
    "gone": ("daylong.toml", None),
    "a line of .env that can't be read": (".env", b'DAYLONG_INBOX__FOLDER="/srv\n'),
    "another folder in .env": (".env", b"DAYLONG_INBOX__FOLDER=/srv/other\n"),
}
ATTEMPTS = b"[inbox]\nattempts = 7\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    (tmp_path / "daylong.toml").write_bytes(ATTEMPTS)
    return tmp_path


def change(home: Path, name: str, content: bytes | None) -> None:
    (home / name).unlink() if content is None else (home / name).write_bytes(content)


def watch(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], Any]) -> tuple[str, list[Any]]:
    """(what a watch printed, the settings that each of its scans and runs worked with)."""
    seen = []

    def report(_: Any, scanned: Any) -> None:
        seen.append(load({}))  # as the flow does

    monkeypatch.setattr(command, "time", Rests(*acts))
    monkeypatch.setattr(command._InboxWatcher, "_report_waiting", report)
    err = io.StringIO()
    screen = Terminal(Console(file=io.StringIO()), Console(file=err, width=400))
    with pytest.raises(KeyboardInterrupt), hold_files(Path(command.home())):
        command._InboxWatcher({}, load({}), screen).run(once=False)
    return err.getvalue(), seen


@pytest.mark.parametrize(("name", "content"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_told_once_and_never_ends_a_watch(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None
) -> None:
    printed, seen = watch(monkeypatch, lambda: change(home, name, content), lambda: None, lambda: None)
    assert printed.count(f"{home / name} has changed: this watch goes on with what it said before.") == 1
    assert len(seen) == 4
    assert {each.inbox.attempts for each in seen} == {7}
    assert {resolve_inbox(each) for each in seen} == {home / "data" / "inbox"}


def test_what_is_put_back_is_no_change_and_the_next_one_is_told_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ATTEMPTS.replace(b"7", b"8")
    turns = [lambda c=c: change(home, "daylong.toml", c) for c in (other, ATTEMPTS, ATTEMPTS, other)]
    printed, seen = watch(monkeypatch, *turns)
    assert printed.count("has changed") == 2
    assert {each.inbox.attempts for each in seen} == {7}


def test_a_file_that_is_written_anew_with_the_same_content_is_not_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed, _ = watch(monkeypatch, lambda: change(home, "daylong.toml", ATTEMPTS), lambda: None)
    assert "has changed" not in printed


def test_an_inner_hold_keeps_the_outer_ones_and_afterwards_files_count_again(home: Path) -> None:
    with hold_files(home):
        change(home, "daylong.toml", b"attempts = ")
        with hold_files(home):
            assert load({}).inbox.attempts == 7
        assert load({}).inbox.attempts == 7
    change(home, "daylong.toml", b"[inbox]\nattempts = 9\n")
    assert load({}).inbox.attempts == 9


def test_the_command_holds_its_settings_from_its_start_to_its_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(watcher: Any, once: bool) -> int:
        change(home, "daylong.toml", b'[inbox]\nfolder = "/srv/other"\n')
        found.append((watcher._settings.inbox.attempts, load({}).inbox.attempts, resolve_inbox(load({}))))
        return 0

    found: list[tuple[int, int, Path]] = []
    monkeypatch.setattr(command._InboxWatcher, "run", run)
    ended = CliRunner().invoke(app, ["watch", "--once"])
    assert ended.exit_code == 0, ended.output
    assert found == [(7, 7, home / "data" / "inbox")]


def test_a_watch_that_begins_with_a_file_that_cannot_be_read_is_refused(home: Path) -> None:
    change(home, "daylong.toml", b"[inbox")
    ended = CliRunner().invoke(app, ["watch", "--once"])
    assert ended.exit_code == 2
    assert "not valid TOML" in ended.output
