"""A folder that machines share as a whole: changes go from one to the next, none is lost without an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.errors import TransientError
from tasks.sharing import state
from tasks.sharing.connect import open_objects
from tasks.sharing.copies import find_url, locate_place, mark_copy, name_place
from tasks.sharing.state import SharedState, hold_state, refresh_state
from tasks.storage.journal import lock_journal

Machine = Callable[[str], Path]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/shared"


@pytest.fixture
def on_machine(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Be on the machine of that name; returns its copy of the voices."""

    def change(name: str) -> Path:
        monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / name))
        return mark_copy(url, "voices")

    return change


@contextmanager
def changing(folder: Path) -> Iterator[SharedState]:
    with lock_journal(folder) as lock, hold_state(folder, lock, 1.0) as shared:
        assert shared is not None
        yield shared


def test_what_one_machine_writes_the_next_has(on_machine: Machine) -> None:
    folder = on_machine("one")
    with changing(folder):
        (folder / "voices.parquet").write_bytes(b"1")
        (folder / "clips").mkdir()
        (folder / "clips" / "a.ogg").write_bytes(b"sound")
    folder = on_machine("two")
    with changing(folder):
        assert (folder / "voices.parquet").read_bytes() == b"1"
        assert (folder / "clips" / "a.ogg").read_bytes() == b"sound"
        (folder / "voices.parquet").write_bytes(b"2")
        (folder / "clips" / "a.ogg").unlink()
    folder = on_machine("one")
    refresh_state(folder)
    assert (folder / "voices.parquet").read_bytes() == b"2"
    assert not (folder / "clips" / "a.ogg").exists()


def test_what_was_forgotten_is_gone_from_the_storage(on_machine: Machine, url: str) -> None:
    folder = on_machine("one")
    with changing(folder):
        (folder / "a").write_bytes(b"secret")
    with changing(folder):
        (folder / "a").write_bytes(b"nothing")
    held = [open_objects(url).get(facts.name) for facts in open_objects(url).list("state/")]
    assert not any(b"secret" in h.data for h in held if h)


def test_a_change_that_failed_is_shared_with_nobody(on_machine: Machine) -> None:
    folder = on_machine("one")
    with changing(folder):
        (folder / "a").write_bytes(b"1")

    def fail() -> None:
        with changing(folder):
            (folder / "a").write_bytes(b"2")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    refresh_state(folder)
    assert (folder / "a").read_bytes() == b"1"


def test_of_two_who_believe_that_they_hold_it_one_fails(on_machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is stopped for longer than its lease, and goes on."""
    monkeypatch.setattr(state, "LEASE_S", 0.2)
    monkeypatch.setattr("tasks.sharing.lease.Lease.renew", lambda lease: None)
    folder = on_machine("one")
    other = on_machine("two")

    def go_on_after_another() -> None:
        with changing(folder):
            (folder / "a").write_bytes(b"late")
            on_machine("two")
            with changing(other):
                (other / "a").write_bytes(b"first")
            on_machine("one")

    on_machine("one")
    with pytest.raises(TransientError, match="the voices were changed by another machine; try again"):
        go_on_after_another()
    on_machine("two")
    refresh_state(other)
    assert (other / "a").read_bytes() == b"first"


@pytest.mark.parametrize("content", [b"[", b'{"files": {"../a": "ab"}}'])
def test_a_state_that_is_none_of_ours_is_not_followed(on_machine: Machine, url: str, content: bytes) -> None:
    folder = on_machine("one")
    open_objects(url).put("state/voices.json", content)
    with pytest.raises(TransientError, match="restore it from a copy"):
        refresh_state(folder)


def test_a_copy_has_one_name_on_all_machines(on_machine: Machine, url: str) -> None:
    on_machine("one")
    here = mark_copy(url, "transcripts")
    place = name_place(here)
    assert place == f"{url}/transcripts"
    assert locate_place(place) == here
    on_machine("two")
    assert locate_place(place) == mark_copy(url, "transcripts") != here
    assert find_url(here.parent) is None
