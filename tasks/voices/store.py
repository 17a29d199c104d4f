"""The book on the disk: one writer at a time, changed as a whole, never at odds with what was published.

    <store>/.journal/                 see tasks/storage/journal.py: the tables are replaced as one, under its lock
    <store>/prepared/                 the book as it will be once a recording is published, and `intent.json`, which
                                      says of which run

A run that names its speakers writes the book that it comes to aside (`intend`), publishes, and puts the book in place
(`keep`). Whoever opens the store after a process that died finds the intent: is that run's recording published, its
book is put in place; else it is dropped. So neither tells of what the other doesn't know.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import TransientError
from tasks.storage import files, journal
from tasks.voices import tables
from tasks.voices.records import FORGOTTEN, Book

log = logging.getLogger(__name__)

PATIENCE_S = 900.0
"""Others publish meanwhile: of a day some ten seconds each."""
PREPARED, INTENT, CLIPS = "prepared", "intent.json", "clips"
CLIPS_OF_A_VOICE = 3
GLANCES = 40

Published = Callable[[str, str], str | None]
"""(out, recording_id) -> the run whose tables lie there."""


@dataclass(slots=True)
class Desk:
    """The open store: nobody else changes it meanwhile. TransientError where it can't be written."""

    folder: Path
    book: Book
    _written: tuple[Book, dict[Path, bytes]] | None = None

    def intend(self, book: Book, out: str, recording_id: str, run_id: str) -> None:
        """Write aside what is to hold once this run of the recording is published."""
        aside, intent = self.folder / PREPARED, {"out": out, "recording_id": recording_id, "run_id": run_id}
        with _told(self.folder):
            _drop(aside)
            files.make_folder(aside)
            for path, data in self._contents(book).items():
                files.write_durably(aside / path, data)
            files.write_durably(aside / "intent.draft", json.dumps(intent).encode())
            files.sync_folders([aside])
            files.move(aside / "intent.draft", aside / INTENT)
            files.sync_folders([aside])

    def keep(self, book: Book) -> None:
        """Put the book in place. Clips of who isn't in it any more go first: forgotten is forgotten."""
        with _told(self.folder):
            wanted = with_clips(book)
            for clip in (self.folder / CLIPS).glob("*.*"):
                if clip.name.partition(".")[0] not in wanted:
                    files.remove(clip)
            journal.commit_publication(self.folder / journal.FOLDER, "voices", self._contents(book), [])
            _drop(self.folder / PREPARED)
        self.book = book

    def _contents(self, book: Book) -> dict[Path, bytes]:
        if self._written is None or self._written[0] is not book:
            self._written = book, tables.contents(book)
        return self._written[1]


def look(folder: Path) -> Book:
    """The book as it is now, for who changes nothing. Its tables are replaced one after the other: who comes between
    reads again."""
    for glance in range(GLANCES):
        book = tables.read(folder)
        if all(h.voice_id in book.voices or h.voice_id == FORGOTTEN for h in book.hearings.values()):
            return book
        if glance == GLANCES // 2:  # it may be that a process died between two of them
            with _told(folder), journal.lock_journal(folder, 1.0) as lock:
                journal.recover(lock)
        time.sleep(0.05)
    raise TransientError(f"{folder}: the voices are being replaced; try again in a moment.")


@contextmanager
def opened(folder: Path, published: Published) -> Iterator[Desk]:
    """The store, recovered if a process died with it open, alone in it. It is made where there is none.

    Raises TransientError where another process has it for a quarter of an hour, or it can't be written.
    """
    with ExitStack() as held:
        with _told(folder):
            lock = held.enter_context(journal.lock_journal(folder, PATIENCE_S))
            journal.recover(lock)
            journal.finish_plan(lock, "voices")  # of what is half replaced no book is to be made
            _decide(folder, lock, published)
            desk = Desk(folder, tables.read(folder))
        yield desk


def with_clips(book: Book) -> set[str]:
    """The hearings that a clip is kept of: the latest few of each voice."""
    latest: dict[str, list[tuple[str, str]]] = {}
    for h in book.hearings.values():
        if h.voice_id != FORGOTTEN:
            latest.setdefault(h.voice_id, []).append((h.heard_on, h.hearing_id))
    return {key for found in latest.values() for _, key in sorted(found)[-CLIPS_OF_A_VOICE:]}


def _decide(folder: Path, lock: Path, published: Published) -> None:
    aside = folder / PREPARED
    if (aside / INTENT).exists():
        try:
            intent = json.loads((aside / INTENT).read_bytes())
            done = published(intent["out"], intent["recording_id"]) == intent["run_id"]
        except (ValueError, KeyError, TypeError):
            done = False
        if done:
            held = {path: (aside / path).read_bytes() for path in tables.contents(Book())}
            journal.commit_publication(lock, "voices", held, [])
            log.info("%s: the voices of %s are kept after an interruption", folder, intent["recording_id"])
    _drop(aside)


def _drop(aside: Path) -> None:
    """Remove the book that was prepared. The intent goes first: it promises that the book is there."""
    files.remove(aside / INTENT)
    files.sync_folders([aside])
    files.remove_folder(aside)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise TransientError(
            f"{folder}: voices could not be kept there ({err.strerror or err}); check the disk's space and rights."
        ) from err
