"""Tables and exports written again where the voices in them are known by other names now, or forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import flows  # noqa: F401  # says where the records of the steps are
from flows.speakers.published import published_run, with_names
from tasks.dataset.publish import EXPORTS_FOLDER, Superseded, publish, recover
from tasks.dataset.read import read_transcript, row_of
from tasks.errors import DaylongError, TransientError
from tasks.exports import EXPORTS, PICTURES, render, timeline
from tasks.exports.report.links import sounds
from tasks.records import Transcript
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.storage.files import is_there
from tasks.voices.invariants import find_stale_recordings, mark_published
from tasks.voices.records import FORGOTTEN, VoiceRegistry
from tasks.voices.store import open_registry

log = logging.getLogger("daylong.voices")

Say = Callable[[str], None]


def bring_up_to_date(
    store: Path, say: Say = log.info, *, settings: Settings | None = None, most: int | None = None
) -> list[str]:
    """Write again what the voices are told otherwise in, a recording after the other; each is replaced as one, and
    what a process that died left undone is done by the next. Lines about recordings that could not be; they stay due.

    The store is free between recordings: runs may publish meanwhile. `settings` say where the cache is; `most`: how
    many recordings at a time.
    """
    done = 0
    faults: dict[tuple[str, str], str] = {}
    while True:
        with open_registry(store, published_run) as handle:
            # Folders that aren't there, on a disk that is away, stay due until they are.
            due = [
                place
                for place in find_stale_recordings(handle.registry)
                if place not in faults and is_there(Path(place[0]))
            ]
            if not due or done == most:
                return list(faults.values())
            out, recording_id = due[0]
            more = f" ({len(due) - 1} to go)" if len(due) > 1 else ""
            try:
                written = tell_again(handle.registry, Path(out), recording_id, settings)
            except (DaylongError, OSError) as error:
                faults[due[0]] = f"{recording_id} in {out}: {error}"
                continue
            handle.commit(mark_published(handle.registry, out, recording_id))
            done += 1
            say(f"{recording_id}: {'written again' if written else 'no longer there'}{more}")


def tell_again(registry: VoiceRegistry, out: Path, recording_id: str, settings: Settings | None = None) -> bool:
    """Write a recording's tables and exports as the registry knows its speakers. False where it isn't there any more.

    Where somebody in it is forgotten, its results of steps go, too: they hold what was measured of the voice.
    """
    hearings = {h.speaker: h for h in registry.of_recording(str(out), recording_id)}
    gone = [
        h
        for h in registry.hearings.values()
        if (h.out, h.recording_id, h.voice_id) == (str(out), recording_id, FORGOTTEN)
    ]
    if gone:
        forget_steps(recording_id, settings or load())
    recover(out, recording_id)  # what a process that died was about to publish may tell of who is forgotten
    if row_of(out, "", recording_id) is None:
        return False
    transcript = read_transcript(out, recording_id)
    runs = {h.run_id for h in hearings.values()}
    if transcript.run.run_id in runs:
        transcript = with_names(transcript, {label: registry.identity_of(h) for label, h in hearings.items()})
        labels = {h.speaker for h in gone}
    elif gone:
        labels = {s.label for s in transcript.speakers}  # another run's: whose voice is whose can't be told
    else:
        return True
    transcript = _without_voices(transcript, labels)
    folder = out / EXPORTS_FOLDER / recording_id
    transcript = _with_sound(transcript, folder)
    files: dict[str, str | bytes] = {**render(transcript, folder=folder)}
    for name, form in PICTURES.items():
        if (folder / name).exists():
            files[name] = timeline.write(transcript, form)
    try:
        publish(transcript, out, exports=files, instead_of=transcript.run.run_id)
    except Superseded:  # by a run that doesn't wait for the store of voices
        return tell_again(registry, out, recording_id, settings)
    return True


def _without_voices(transcript: Transcript, labels: set[str]) -> Transcript:
    speakers = (
        replace(s, embedding=(), embedding_model=None) if s.label in labels else s for s in transcript.speakers
    )
    return replace(transcript, speakers=tuple(speakers))


def _with_sound(transcript: Transcript, folder: Path) -> Transcript:
    """The transcript whose parts lie where the report that is there plays them from: the tables don't say."""
    try:
        paths = sounds((folder / EXPORTS["report"].file_name).read_text(encoding="utf-8"), folder)
    except (OSError, UnicodeDecodeError):
        paths = []
    recording = transcript.recording
    if len(paths) != len(recording.parts):
        return transcript
    parts = tuple(replace(part, path=path) for part, path in zip(recording.parts, paths, strict=True))
    return replace(transcript, recording=replace(recording, parts=parts))


def forget_steps(recording_id: str, settings: Settings) -> None:
    """Raises TransientError where a run under way needs some of them still."""
    from flows.locations import store_of as cache_of
    from tasks.pruning import used
    from tasks.pruning.prune import prune, recordings_folder

    prune(cache_of(settings), recordings=[recording_id])
    if used.noted(recordings_folder()).get(recording_id):
        raise TransientError("results of its steps are in use by a run; they go with the next correction.")
