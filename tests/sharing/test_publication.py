"""A recording's files are replaced as one in shared storage, whoever dies or is stopped at whichever write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.sharing import publication
from tasks.sharing.objects import Facts, Held, Objects
from tasks.sharing.publication import Superseded, claim, drop_claim, find_published, publish, read_entry
from tests.helpers.memory_objects import MemoryObjects

ROW = "recordings/recorded_date=2026-01-01/talk.parquet"
WORDS = "words/recorded_date=2026-01-01/talk.parquet"
TEXT = "exports/talk/transcript.txt"


class Dead(BaseException):
    """The process is gone."""


class Watched:
    """Objects that die before the write number `dies_at`, or call `pause` there once."""

    def __init__(self, inner: Objects, dies_at: int = -1) -> None:
        self.inner, self.dies_at, self.writes = inner, dies_at, 0
        self.pause: tuple[int, object] | None = None

    @property
    def url(self) -> str:
        return self.inner.url

    def _write(self) -> None:
        self.writes += 1
        if self.writes == self.dies_at:
            raise Dead
        if self.pause is not None and self.writes == self.pause[0]:
            act, self.pause = self.pause[1], None
            act()  # type: ignore[operator]

    def get(self, name: str) -> Held | None:
        return self.inner.get(name)

    def find(self, name: str) -> Facts | None:
        return self.inner.find(name)

    def put(self, name: str, data: bytes) -> str:
        self._write()
        return self.inner.put(name, data)

    def put_new(self, name: str, data: bytes) -> str:
        self._write()
        return self.inner.put_new(name, data)

    def replace(self, name: str, data: bytes, tag: str) -> str:
        self._write()
        return self.inner.replace(name, data, tag)

    def delete(self, name: str) -> None:
        self._write()
        self.inner.delete(name)

    def list(self, prefix: str) -> Iterator[Facts]:
        return self.inner.list(prefix)


@pytest.fixture
def store() -> Objects:
    return MemoryObjects()


def put(objects: Objects, run: str, *paths: str, instead_of: str | None = None) -> None:
    contents = {path: f"{run} {path}".encode() for path in paths or (ROW, WORDS, TEXT)}
    publish(objects, "talk", contents, f"empty {run}".encode(), {"run_id": run}, instead_of=instead_of)


def show(objects: Objects) -> dict[str, str]:
    """Whose the published files are."""
    names = [facts.name for facts in objects.list("transcripts/")]
    held = {name: objects.get(name) for name in names}
    return {name.removeprefix("transcripts/"): h.data.decode().split()[0] for name, h in held.items() if h}


def test_what_is_published_is_replaced_as_a_whole(store: Objects) -> None:
    put(store, "first")
    assert show(store) == {ROW: "first", WORDS: "first", TEXT: "first"}
    moved = WORDS.replace("01-01", "01-02")
    put(store, "second", ROW, moved)
    assert show(store) == {ROW: "second", moved: "second"}
    assert list(store.list("staged/")) == []
    entry = find_published(store, "talk")
    assert entry is not None
    assert entry.facts == {"run_id": "second"}


def count_writes(store: Objects) -> int:
    put(store, "first")
    watched = Watched(store)
    put(watched, "second")
    return watched.writes


def test_whatever_write_a_process_dies_at_readers_see_one_run() -> None:
    writes = count_writes(MemoryObjects())
    for dies_at in range(1, writes + 1):
        store = MemoryObjects()
        put(store, "first")
        with pytest.raises(Dead):
            put(Watched(store, dies_at), "second")
        seen = show(store)
        if seen[ROW] in ("first", "second"):  # else the row is empty: nothing is published at this moment
            assert set(seen.values()) == {seen[ROW]}
        entry = find_published(store, "talk")
        assert entry is not None
        assert set(show(store).values()) == {entry.facts["run_id"]}
        put(store, "third")
        assert set(show(store).values()) == {"third"}


def test_whatever_write_a_process_is_stopped_at_it_undoes_nothing_when_it_goes_on() -> None:
    """It is stopped, its run is taken over and published by another, and then it goes on."""
    writes = count_writes(MemoryObjects())
    for paused_at in range(1, writes + 1):
        store = MemoryObjects()
        put(store, "first")
        watched = Watched(store)

        def take_over(store: Objects = store) -> None:
            mine = publication._claims.pop((store.url, "talk"))
            try:
                claim(store, "talk")
                put(store, "other")
            finally:
                publication._claims[store.url, "talk"] = mine

        claim(watched, "talk")
        watched.writes, watched.pause = 0, (paused_at, take_over)
        try:
            put(watched, "stopped")
        except Superseded:
            pass
        finally:
            drop_claim(store, "talk")
        assert set(show(store).values()) == {"other"}
        entry = find_published(store, "talk")
        assert entry is not None
        assert entry.facts["run_id"] == "other"


def test_a_run_that_was_taken_over_publishes_nothing(store: Objects) -> None:
    claim(store, "talk")
    mine = publication._claims[store.url, "talk"]
    claim(store, "talk")
    publication._claims[store.url, "talk"] = mine
    with pytest.raises(Superseded, match="another process took it over"):
        put(store, "late")
    assert show(store) == {}
    drop_claim(store, "talk")


def test_tables_of_another_run_are_not_replaced_by_corrected_ones(store: Objects) -> None:
    put(store, "first")
    put(store, "second")
    with pytest.raises(Superseded, match="another run has published it since"):
        put(store, "corrected", instead_of="first")
    put(store, "corrected", instead_of="second")
    assert set(show(store).values()) == {"corrected"}


def test_what_somebody_put_there_by_hand_is_replaced(store: Objects) -> None:
    put(store, "first")
    store.put(f"transcripts/{WORDS}", b"hand x")
    store.delete(f"transcripts/{TEXT}")
    put(store, "second")
    assert show(store) == {ROW: "second", WORDS: "second", TEXT: "second"}


@pytest.mark.parametrize("content", [b"[", b"{}", b'{"recording_id": "talk", "files": {"../x": ["", ""]}}'])
def test_an_entry_that_is_none_of_ours_is_not_followed(store: Objects, content: bytes) -> None:
    store.put("ledger/talk.json", content)
    assert find_published(store, "talk") is None
    put(store, "first")
    assert set(show(store).values()) == {"first"}
    assert read_entry(store, "talk")[0].state == "published"


def test_two_who_finish_the_same_publication_do_the_same(store: Objects) -> None:
    put(store, "first")
    with pytest.raises(Dead):
        put(Watched(store, dies_at=7), "second")
    slow = Watched(store)
    slow.pause = (1, lambda: find_published(store, "talk"))
    find_published(slow, "talk")
    assert set(show(store).values()) == {"second"}
