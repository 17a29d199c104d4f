"""The registry on disk: one writer at a time, replaced as a whole, consistent with the published recordings.

    <store>/.journal/                 see tasks/storage/journal.py: the tables are replaced as one, under its lock
    <store>/prepared/                 the registry as it will be once a recording is published, and `intent.json`
                                      with the run that publishes it

A run that names its speakers writes the new registry aside (`prepare`), publishes the recording, and then replaces
the registry (`commit`). After a crash in between, the next process to open the store finds the intent: if that run's
recording is published, the prepared registry is committed, else it is dropped.
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
from tasks.sharing.state import SharedState, hold_state, refresh_state
from tasks.storage import files, journal
from tasks.storage.atomic import write_atomically
from tasks.voices import tables
from tasks.voices.records import FORGOTTEN, VoiceRegistry

log = logging.getLogger(__name__)

PATIENCE_S = 900.0
"""Seconds to wait for the lock; another run holds it while it publishes, about 10 s for a day's recording."""
PREPARED, INTENT, CLIPS = "prepared", "intent.json", "clips"
CLIPS_OF_A_VOICE = 3
READ_ATTEMPTS = 40

FindPublishedRun = Callable[[str, str], str | None]
"""(out, recording_id) -> the id of the run whose tables are published there, or None."""


@dataclass(slots=True)
class OpenRegistry:
    """The store, opened under its lock. Its methods raise TransientError where it can't be written."""

    folder: Path
    registry: VoiceRegistry
    shared: SharedState | None = None
    """Of which the folder is a copy, where machines share the voices."""
    _written: tuple[VoiceRegistry, dict[Path, bytes]] | None = None

    def prepare(self, registry: VoiceRegistry, out: str, recording_id: str, run_id: str) -> None:
        """Write aside the registry that becomes current once this run of the recording is published."""
        aside, intent = self.folder / PREPARED, {"out": out, "recording_id": recording_id, "run_id": run_id}
        with _translate_errors(self.folder):
            _remove_prepared(aside)
            files.make_folder(aside)
            for path, data in self._contents(registry).items():
                files.write_durably(aside / path, data)
            files.sync_folders([aside])
            write_atomically(aside / INTENT, json.dumps(intent))
            files.sync_folders([aside])
            if self.shared is not None:
                self.shared.push()

    def commit(self, registry: VoiceRegistry) -> None:
        """Replace the registry on disk. Clips of voices that it no longer has are removed first."""
        with _translate_errors(self.folder):
            wanted = select_hearings_with_clips(registry)
            for clip in (self.folder / CLIPS).glob("*.*"):
                if clip.name.partition(".")[0] not in wanted:
                    files.remove(clip)
            journal.commit_publication(self.folder / journal.FOLDER, "voices", self._contents(registry), [])
            _remove_prepared(self.folder / PREPARED)
            if self.shared is not None:
                self.shared.push()
        self.registry = registry

    def _contents(self, registry: VoiceRegistry) -> dict[Path, bytes]:
        if self._written is None or self._written[0] is not registry:
            self._written = registry, tables.serialize_registry(registry)
        return self._written[1]


def read_current_registry(folder: Path) -> VoiceRegistry:
    """Read the current registry without the lock; read again while its tables are being replaced.

    Raises TransientError where they stay inconsistent for about 2 s.
    """
    with _translate_errors(folder):
        refresh_state(folder)
    for attempt in range(READ_ATTEMPTS):
        registry = tables.read_registry(folder)
        if all(h.voice_id in registry.voices or h.voice_id == FORGOTTEN for h in registry.hearings.values()):
            return registry
        if attempt == READ_ATTEMPTS // 2:  # a process may have crashed between two of them
            with _translate_errors(folder), journal.lock_journal(folder, 1.0) as lock:
                journal.recover(lock)
        time.sleep(0.05)
    raise TransientError(f"{folder}: the voices are being replaced; try again in a moment.")


@contextmanager
def open_registry(folder: Path, published: FindPublishedRun) -> Iterator[OpenRegistry]:
    """Open the store under its lock, creating it if needed, and recover it after a crash.

    Raises TransientError where the lock isn't free within `PATIENCE_S`, or the store can't be written.
    """
    with ExitStack() as held:
        with _translate_errors(folder):
            lock = held.enter_context(journal.lock_journal(folder, PATIENCE_S))
            journal.recover(lock)
            journal.finish_plan(lock, "voices")  # complete a half-done replacement before reading
            shared = held.enter_context(hold_state(folder, lock, PATIENCE_S))
            _resolve_intent(folder, lock, published)
            handle = OpenRegistry(folder, tables.read_registry(folder), shared)
        yield handle


def select_hearings_with_clips(registry: VoiceRegistry) -> set[str]:
    """Select the ids of hearings to keep audio clips of: the latest few of each voice."""
    latest: dict[str, list[tuple[str, str]]] = {}
    for h in registry.hearings.values():
        if h.voice_id != FORGOTTEN:
            latest.setdefault(h.voice_id, []).append((h.heard_on, h.hearing_id))
    return {key for found in latest.values() for _, key in sorted(found)[-CLIPS_OF_A_VOICE:]}


def _resolve_intent(folder: Path, lock: Path, published: FindPublishedRun) -> None:
    aside = folder / PREPARED
    if (aside / INTENT).exists():
        try:
            intent = json.loads((aside / INTENT).read_bytes())
            done = published(intent["out"], intent["recording_id"]) == intent["run_id"]
        except (ValueError, KeyError, TypeError):
            done = False
        if done:
            held = {path: (aside / path).read_bytes() for path in tables.serialize_registry(VoiceRegistry())}
            journal.commit_publication(lock, "voices", held, [])
            log.info("%s: the voices of %s are kept after an interruption", folder, intent["recording_id"])
    _remove_prepared(aside)


def _remove_prepared(aside: Path) -> None:
    """Remove the prepared registry; the intent first, because it asserts that the files are complete."""
    files.remove(aside / INTENT)
    files.sync_folders([aside])
    files.remove_folder(aside)


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise TransientError(
            f"{folder}: voices could not be kept there ({err.strerror or err}); check the disk's space and rights."
        ) from err
