"""A watch whose inbox goes away: it says what is gone, once, writes nothing there, and goes on when it is back."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.cli import watch as command
from flows.cli.terminal import Terminal
from tasks.intake import place
from tasks.settings.load import load
from tests.helpers.rests import Rests


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    (tmp_path / "data" / "inbox").mkdir(parents=True)
    return tmp_path / "data" / "inbox"


def watch(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], Any]) -> str:
    """What a watch printed during which these acts happened."""
    monkeypatch.setattr(command, "time", Rests(*acts))
    err = io.StringIO()
    screen = Terminal(Console(file=io.StringIO()), Console(file=err, width=400))
    with pytest.raises(KeyboardInterrupt):
        command._InboxWatcher({}, load({}), screen).run(once=False)
    return err.getvalue()


def test_an_unmounted_disk_is_awaited_and_its_mount_point_stays_empty(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, left = {str(inbox)}, []
    monkeypatch.setattr(place.os.path, "ismount", lambda path: str(path) in {"/", *points})

    def unmount() -> None:
        inbox.rename(inbox.with_name("disk"))
        inbox.mkdir()
        points.clear()

    def look() -> None:
        left.extend(inbox.iterdir())

    def mount() -> None:
        look()
        inbox.rmdir()
        inbox.with_name("disk").rename(inbox)
        points.add(str(inbox))

    printed = watch(monkeypatch, unmount, look, look, mount, lambda: None)
    assert printed.count(f"{inbox} is not mounted") == 1
    assert "full" not in printed
    assert left == []
    assert "opened anew" not in printed  # the same disk is back


def test_a_folder_that_is_emptied_is_opened_anew(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove() -> None:
        shutil.rmtree(inbox)
        inbox.mkdir()

    printed = watch(monkeypatch, remove, lambda: None, lambda: None)
    assert printed.count("opened anew") == 1
    assert (inbox / ".ledger.sqlite3").is_file()
