"""Republish the tables and exports of recordings whose speakers' identities have changed or were forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import flows  # noqa: F401  # sets where Prefect keeps the steps' records
from flows.speakers.published import apply_identities, find_published_run
from tasks.dataset.publish import EXPORTS_FOLDER, Superseded, publish, recover
from tasks.dataset.read import find_row, read_transcript
from tasks.errors import DaylongError, TransientError
from tasks.exports import EXPORTS, PICTURES, render, timeline
from tasks.exports.report.links import read_sound_paths
from tasks.records import Transcript
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.storage.files import is_accessible_folder
from tasks.voices.invariants import find_stale_recordings, mark_published
from tasks.voices.records import FORGOTTEN, VoiceRegistry
from tasks.voices.store import open_registry

log = logging.getLogger("daylong.voices")

Say = Callable[[str], None]


def republish_stale(
    store: Path, say: Say = log.info, *, settings: Settings | None = None, most: int | None = None
) -> list[str]:
    """Republish all stale recordings, or at most `most`; return lines on those that failed, which stay stale.

    Each recording is replaced atomically, and the registry's lock is free between recordings, so that runs may
    publish and a call after a crash continues. `settings` locate the cache.
    """
    done = 0
    faults: dict[tuple[str, str], str] = {}
    while True:
        with open_registry(store, find_published_run) as handle:
            # Folders that aren't there, on a disk that is away, stay due until they are.
            due = [
                place
                for place in find_stale_recordings(handle.registry)
                if place not in faults and is_accessible_folder(Path(place[0]))
            ]
            if not due or done == most:
                return list(faults.values())
            out, recording_id = due[0]
            more = f" ({len(due) - 1} to go)" if len(due) > 1 else ""
            try:
                written = republish(handle.registry, Path(out), recording_id, settings)
            except (DaylongError, OSError) as error:
                faults[due[0]] = f"{recording_id} in {out}: {error}"
                continue
            handle.commit(mark_published(handle.registry, out, recording_id))
            done += 1
            say(f"{recording_id}: {'written again' if written else 'no longer there'}{more}")


def republish(registry: VoiceRegistry, out: Path, recording_id: str, settings: Settings | None = None) -> bool:
    """Write a recording's tables and exports with the registry's identities. False where it is no longer published.

    If one of its voices was forgotten, the cached results of its steps are removed too: they hold embeddings.
    """
    hearings = {h.speaker: h for h in registry.of_recording(str(out), recording_id)}
    gone = [
        h
        for h in registry.hearings.values()
        if (h.out, h.recording_id, h.voice_id) == (str(out), recording_id, FORGOTTEN)
    ]
    if gone:
        prune_step_results(recording_id, settings or load())
    recover(out, recording_id)  # a journal left by a crash may contain a forgotten voice
    if find_row(out, "", recording_id) is None:
        return False
    transcript = read_transcript(out, recording_id)
    runs = {h.run_id for h in hearings.values()}
    if transcript.run.run_id in runs:
        transcript = apply_identities(transcript, {label: registry.identity_of(h) for label, h in hearings.items()})
        labels = {h.speaker for h in gone}
    elif gone:
        labels = {s.label for s in transcript.speakers}  # of another run: any of them may be the forgotten one
    else:
        return True
    transcript = _clear_embeddings(transcript, labels)
    folder = out / EXPORTS_FOLDER / recording_id
    transcript = _restore_part_paths(transcript, folder)
    files: dict[str, str | bytes] = {**render(transcript, folder=folder)}
    for name, form in PICTURES.items():
        if (folder / name).exists():
            files[name] = timeline.write(transcript, form)
    try:
        publish(transcript, out, exports=files, instead_of=transcript.run.run_id)
    except Superseded:  # by a run that doesn't wait for the store of voices
        return republish(registry, out, recording_id, settings)
    return True


def _clear_embeddings(transcript: Transcript, labels: set[str]) -> Transcript:
    speakers = (
        replace(s, embedding=(), embedding_model=None) if s.label in labels else s for s in transcript.speakers
    )
    return replace(transcript, speakers=tuple(speakers))


def _restore_part_paths(transcript: Transcript, folder: Path) -> Transcript:
    """Set the paths of the recording's parts from the published report, since the tables don't hold them."""
    try:
        paths = read_sound_paths((folder / EXPORTS["report"].file_name).read_text(encoding="utf-8"), folder)
    except (OSError, UnicodeDecodeError):
        paths = []
    recording = transcript.recording
    if len(paths) != len(recording.parts):
        return transcript
    parts = tuple(replace(part, path=path) for part, path in zip(recording.parts, paths, strict=True))
    return replace(transcript, recording=replace(recording, parts=parts))


def prune_step_results(recording_id: str, settings: Settings) -> None:
    """Remove the cached results of a recording's steps. Raises TransientError where a run still uses some of them."""
    from flows.locations import resolve_store
    from tasks.pruning import usage
    from tasks.pruning.prune import prune, recordings_folder

    prune(resolve_store(settings), recordings=[recording_id])
    if usage.read_all_usage(recordings_folder()).get(recording_id):
        raise TransientError("results of its steps are in use by a run; they go with the next correction.")
