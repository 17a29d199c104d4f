"""Republish the tables and exports of recordings whose speakers' identities have changed or were forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import flows  # noqa: F401  # sets where Prefect keeps the steps' records
from flows.corrections.publication import begin_again, correct_again, finish
from flows.locations import resolve_voices
from flows.report_audio import restore_part_paths
from flows.speakers.published import apply_identities, clear_embeddings, find_published_run
from tasks.dataset.publish import EXPORTS_FOLDER, Superseded, publish, recover
from tasks.dataset.read import find_row, read_transcript
from tasks.errors import DaylongError
from tasks.exports import PICTURES, list_renewable, render, render_translations, timeline
from tasks.pruning.prune import erase
from tasks.quality.hours import assess_again
from tasks.records import Transcript
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.sharing.copies import locate_place, name_place
from tasks.storage.files import is_accessible_folder
from tasks.voices.invariants import (
    drop_erased,
    find_stale_recordings,
    list_forgotten,
    mark_published,
)
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import open_registry, read_current_registry

log = logging.getLogger("daylong.voices")

Say = Callable[[str], None]


def republish_stale(
    store: Path, say: Say = log.info, *, settings: Settings | None = None, most: int | None = None
) -> list[str]:
    """Republish all stale recordings, or at most `most` besides those of forgotten voices, and finish erasing these;
    return lines on those that failed, which stay stale.

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
                for place in list_due(handle.registry, with_others=done != most)
                if place not in faults and is_accessible_folder(locate_place(place[0]))
            ]
            if not due:
                break
            out, recording_id = due[0]
            more = f" ({len(due) - 1} to go)" if len(due) > 1 else ""
            try:
                run_id = republish(handle.registry, locate_place(out), recording_id)
            except (DaylongError, OSError) as error:
                faults[due[0]] = f"{recording_id} in {out}: {error}"
                continue
            done += not any((h.out, h.recording_id) == due[0] for h in list_forgotten(handle.registry))
            handle.commit(mark_published(handle.registry, out, recording_id, run_id))
            say(f"{recording_id}: {'written again' if run_id else 'no longer there'}{more}")
    lines = list(faults.values())
    try:
        erase_forgotten(store, settings)
    except (DaylongError, OSError) as error:
        lines.append(f"cached results of a forgotten voice: {error}")
    return lines


def list_due(registry: VoiceRegistry, *, with_others: bool) -> list[tuple[str, str]]:
    """List the recordings to write again, as (out, recording_id): those of forgotten voices first, also where a run
    that asks no store of voices has published it since; then the others."""
    places = {(h.out, h.recording_id): h.run_id for h in list_forgotten(registry)}
    stale = find_stale_recordings(registry)
    first = [p for p, run_id in places.items() if p in stale or _is_published_by_another(p, run_id)]
    return first + ([p for p in stale if p not in places] if with_others else [])


def _is_published_by_another(place: tuple[str, str], run_id: str) -> bool:
    try:
        return is_accessible_folder(locate_place(place[0])) and find_published_run(*place) not in (None, run_id)
    except DaylongError:
        return False  # not known now; asked again next time


def republish(registry: VoiceRegistry, out: Path, recording_id: str) -> str | None:
    """Write a recording's tables and exports with the registry's identities, without embeddings of forgotten voices;
    return the id of the run whose tables these are, None where the recording is no longer published."""
    hearings = {h.speaker: h for h in registry.of_recording(name_place(out), recording_id)}
    gone = [h for h in list_forgotten(registry) if (h.out, h.recording_id) == (name_place(out), recording_id)]

    def name(transcript: Transcript) -> Transcript | None:
        if transcript.run.run_id in {h.run_id for h in hearings.values()}:
            identities = {label: registry.identity_of(h) for label, h in hearings.items()}
            transcript = apply_identities(transcript, identities)
            labels = {h.speaker for h in gone}
        elif gone:
            labels = {s.label for s in transcript.speakers}  # of another run: any of them may be the forgotten one
        else:
            return None
        return clear_embeddings(transcript, labels)

    return rewrite(out, recording_id, name)


def rewrite(
    out: Path, recording_id: str, change: Callable[[Transcript], Transcript | None] = lambda transcript: transcript
) -> str | None:
    """Write a recording's tables and exports again, changed, and with the facts on its sound that people entered;
    return the id of the run whose tables these are, None where the recording is no longer published.

    `change` returns None where there is nothing to write.
    """
    while True:
        recover(out, recording_id)  # a journal left by a crash may contain a forgotten voice
        if find_row(out, "", recording_id) is None:
            return None
        with correct_again(out) as store:
            published = read_transcript(out, recording_id)
            run_id = published.run.run_id
            place = name_place(out)
            changed = change(published if store is None else begin_again(store, place, published))
            if changed is None:
                return run_id
            try:
                _publish_again(changed, out)
            except Superseded:  # by a run that doesn't wait for the store of voices
                continue
            if store is not None:
                finish(store, place, published)
        return run_id


def _publish_again(transcript: Transcript, out: Path) -> None:
    """Raises Superseded where another run has published the recording since it was read."""
    folder = out / EXPORTS_FOLDER / transcript.recording.recording_id
    transcript = restore_part_paths(assess_again(transcript), folder)
    files = render(transcript, list_renewable(transcript, folder), folder=folder)
    files |= render_translations(transcript, folder=folder)
    for name, form in PICTURES.items():
        if (folder / name).exists():
            files[name] = timeline.write(transcript, form)
    publish(transcript, out, exports=files, instead_of=transcript.run.run_id)


def erase_forgotten(store: Path, settings: Settings | None = None) -> None:
    """Remove the cached results of the recordings of forgotten voices, and drop from the registry what is erased.

    Results that a live run uses stay; so do the hearings of their recordings, for the next call to finish.
    """
    from flows.locations import resolve_store

    recordings = {h.recording_id for h in list_forgotten(read_current_registry(store))}
    if not recordings:
        return
    unfinished = erase(resolve_store(settings or load()), recordings)
    with open_registry(store, find_published_run) as handle:
        # Tables that a run has written since are looked at again.
        again = {recording_id for _, recording_id in list_due(handle.registry, with_others=False)}
        # Forgotten since: their cached results have not been looked for.
        later = {h.recording_id for h in list_forgotten(handle.registry)} - recordings
        handle.commit(drop_erased(handle.registry, unfinished | again | later))


def finish_erasures(settings: Settings) -> None:
    """Finish the erasure of forgotten voices as far as it is possible now. For the end of a run, and for pruning:
    faults are logged."""
    try:
        store = resolve_voices(settings)
        if list_forgotten(read_current_registry(store)):
            for line in republish_stale(store, settings=settings, most=0):
                log.warning("%s", line)
    except (DaylongError, OSError) as error:
        log.warning("whether forgotten voices are erased everywhere could not be looked at: %s", error)


@contextmanager
def finishing_erasures(settings: Settings) -> Iterator[None]:
    """Finish erasures after the block, also where it fails: what only a run used is free at its end."""
    try:
        yield
    except Exception:
        finish_erasures(settings)
        raise
    finish_erasures(settings)
