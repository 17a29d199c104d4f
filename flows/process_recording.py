"""One recording -> one transcript: the main flow.

probe -> speech map -> plan -> language -> for each chunk: separate?, transcribe, punctuate?, embed, turns
      -> link -> seams -> merge -> translate? -> publish
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.corrections.enter import apply_missed
from flows.corrections.publication import apply_known, correct_words
from flows.fault import combine_chunk_errors
from flows.form import EMPTY_FORM, HideNull, SettingsForm, read_form
from flows.recording.assembly import assemble_transcript, build_outcome
from flows.recording.chunk_result import ChunkResult, count_engine_calls
from flows.recording.chunk_steps import list_steps
from flows.recording.chunks import process_chunks, split_by_track
from flows.recording.early_engines import load_while_mapping
from flows.recording.languages import (
    determine_languages,
    find_main_language,
    list_disagreeing,
    warn_of_disagreement,
)
from flows.recording.preparation import Run, prepare
from flows.recording.quality import gather_sound
from flows.recording.redecode import redecode_seams
from flows.recording.sharing import fetch_shared_source, hold_recording
from flows.recording.tracks import map_tracks
from flows.reporting.logging_setup import in_worker
from flows.reporting.outcome import Outcome
from flows.reporting.prefect_log import create_listeners, log_recording, report_outcome
from flows.reporting.progress import Progress, call_at_each_chunk
from flows.reporting.run_account import Account, HandedBack, account_for_run, hand_back, log_final_error
from flows.reporting.run_names import format_run_name, make_printable, name_run, rename_run
from flows.speakers.identify import name_speakers
from flows.speakers.republish import finishing_erasures
from flows.translations import translate_in_run
from tasks.audio.folder import decode_path, list_recordings, name_recording
from tasks.audio.task import PlanJob, plan_chunks, probe_recording, read_plan
from tasks.caching import call_at_each_use, copy_used_keys, pop_used_keys
from tasks.contracts import read_speech_map
from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.task import PublishJob, publish_transcript
from tasks.errors import DaylongError, UnreadableAudio
from tasks.exports import render, render_translations
from tasks.linking.task import LinkJob, link_speakers
from tasks.logs import add_log_fields
from tasks.merging.task import MergeJob, SeamJob, join_chunks, merge
from tasks.paths import format_path
from tasks.pruning import usage
from tasks.pruning.prune import measure_recording_size, recordings_folder, runs_folder
from tasks.quality.hours import assess, assess_again
from tasks.records import Recording
from tasks.settings.home import home
from tasks.settings.load import load
from tasks.step import Manifest
from tasks.storage import disk_space
from tasks.translation.task import TranslationJob, translate_transcript

TASK_THREADS = 64
"""Threads for tasks; `chunks_in_flight` bounds the work."""


@flow(
    name="process-recording",
    flow_run_name=name_run,
    task_runner=ThreadPoolTaskRunner(max_workers=TASK_THREADS),  # type: ignore[arg-type]
    persist_result=False,
)
def process_recording(
    source: Annotated[str, Field(min_length=1)],
    settings: Annotated[SettingsForm | None, HideNull()] = EMPTY_FORM,
    together: Annotated[tuple[str, ...] | None, HideNull()] = (),
) -> Outcome:
    """Turn one recording into a speaker-labelled transcript.

    Args:
        source: The recording: a path on the worker's machine, such as /recordings/meeting.wav, one within
            DAYLONG_HOME, such as data/inbox/meeting.wav, or s3://bucket/meeting.wav. The recordings in a folder are
            taken as one.
        settings: Anything to set for this run; what is left alone keeps what daylong.toml, the environment and
            the profile say. [In brackets: what a setting is where nobody has said anything.]
        together: More files of the same recording, where its recorder split it. Their order is found out.
    """
    try:
        with account_for_run() as account:
            run = prepare(account.apply_settings(load(read_form(settings))))
            files = find_files(source, together or ())
            with (
                finishing_erasures(run.settings),
                usage.mark_running(runs_folder()) as mark,
                call_at_each_use(str(flow_run.id), mark.note_key),
                add_log_fields(recording=make_printable(name_recording(files))),
            ):
                return _process(files, run, account, mark)
    except DaylongError as error:
        if log_final_error(error):
            return Failed(message=str(error))  # type: ignore[return-value]  # Prefect takes a state for the run's end
        raise
    except TerminationSignal:
        hand_back(HandedBack.ASKED)
        raise
    except CancelledError:  # by Prefect, which could not renew the slot of the concurrency limit
        hand_back(HandedBack.SLOT_LOST)
        raise


def _process(files: Sequence[str], run: Run, account: Account, mark: usage.RunMark) -> Outcome:
    started, calls_before = time.perf_counter(), run.place.engines.count_calls()
    account.measure_waits(run.place.engines)
    progress = Progress(make_printable(name_recording(files)), create_listeners())

    progress.enter_stage("probe")
    recording = probe_recording(files, run.settings.timezone, run.settings.audio)
    mark.name_recording(recording.recording_id)
    rename_run(flow_run.id, format_run_name(recording.source_name), recording.duration_s)
    log_recording(recording)
    separated = run.settings.separation.mode == "always"
    store, me = run.place.store, str(flow_run.id)
    held = measure_recording_size(store, recording.recording_id)
    disk_space.check_room(recording.duration_s, store.root, run.out, separated=separated, held=held)

    with (
        hold_recording(recording, run, me) as finished,
        usage.track_usage(recordings_folder(), recording.recording_id, lambda: pop_used_keys(me)) as note,
    ):
        if finished is not None:
            return finished
        progress.listeners += (call_at_each_chunk(lambda: note(copy_used_keys(me))),)
        return _run_steps(recording, run, progress, account, started, calls_before)


def _run_steps(
    recording: Recording, run: Run, progress: Progress, account: Account, started: float, calls_before: int
) -> Outcome:
    progress.listeners += (load_while_mapping(run, recording.duration_s),)
    progress.enter_stage("speech map", duration_s=recording.duration_s)
    mapped, tracks = map_tracks(recording, run, progress)
    speech, _ = read_speech_map(run.place.store, mapped)

    progress.enter_stage("plan")
    planned = plan_chunks(PlanJob(recording.duration_s, run.settings.chunking), run.place, mapped)
    chunks = read_plan(run.place, planned, speech)

    progress.enter_stage("language")
    languages = determine_languages(tracks, run)
    warn_of_disagreement(format_path(recording.source_name), languages)

    busy = sum(len(split_by_track(c, tracks)) for c in chunks)
    progress.enter_stage("chunks", chunks=len(chunks), steps=busy * len(list_steps(run)))
    done = process_chunks(chunks, tracks, languages.by_channel, run, progress)
    failed = [w for w in done if w.error]
    if failed and len(failed) == busy:
        raise combine_chunk_errors(
            format_path(recording.source_name), str(failed[0].error), [w.cause for w in failed]
        )

    progress.enter_stage("linking")
    linked = link_chunks(done, run)

    progress.enter_stage("seams")
    words = [[w.words for w in done if w.chunk.index == c.index] for c in chunks]
    seams = join_chunks(SeamJob(chunks), run.place, words)
    again, done = redecode_seams(seams, done, languages.language, run)
    if languages.language is None:
        language, confidence = find_main_language(done)
        languages = replace(languages, language=language, confidence=confidence, disagreeing=list_disagreeing(done))
        warn_of_disagreement(format_path(recording.source_name), languages)

    progress.enter_stage("merging")
    embedding = run.weights.get("embedding")
    job = MergeJob(recording.duration_s, embedding.name if embedding else None, run.replacements)
    channels = (mapped, group_embeddings_by_channel(done, recording.channels)) if is_by_channel(run) else None
    merged = merge(job, run.place, seams, again, linked, channels)

    written = run.settings.transcription.written_language
    transcript = assemble_transcript(
        recording,
        run,
        chunks,
        done,
        seams,
        merged,
        run_id=str(flow_run.id),
        language=written or languages.language,
        confidence=None if written else languages.confidence,
        speech_s=sum(s.duration_s for s in speech),
        wall_s=time.perf_counter() - started,
    )
    transcript = assess(transcript, gather_sound(tracks, done, run))
    translated = None
    if run.settings.translation.languages:  # before any store is locked: a model may take long
        progress.enter_stage("translation")
        untranslated = TranslationJob(
            apply_known(transcript, run.out), lambda held: translate_in_run(held, run.settings)
        )
        translated = translate_transcript(untranslated).transcript
    progress.enter_stage("publishing")
    embedder, sounds = run.models.get("embedding", ""), [track.audio for track in tracks]
    with (
        name_speakers(transcript, run.out, run.settings, embedder, sounds) as named,
        correct_words(named, run.out, translated) as corrected,
    ):
        transcript = named if corrected is named else assess_again(corrected)
        folder = run.out / EXPORTS_FOLDER / recording.recording_id
        files = render(transcript, folder=folder) | render_translations(transcript, folder=folder)
        exports = publish_transcript(PublishJob(transcript, files), str(run.out))
    apply_missed(transcript, run.out)
    progress.enter_stage("done")
    account.transcript = transcript
    calls = run.place.engines.count_calls() - calls_before
    if run.settings.runner != "threads":  # chunks were worked on with the engines of other processes
        calls += count_engine_calls(done)
    found = build_outcome(transcript, run, done, exports, engine_calls=calls)
    report_outcome(transcript, found)
    return found


def resolve_pasted_path(name: str) -> Path:
    """Resolve a file's name; if it doesn't exist, without the quotes and blanks of a pasted name, and with `~`."""
    path, other = decode_path(name), decode_path(name.strip().strip("\"'")).expanduser()
    return other if not path.exists() and other != path else path


def find_files(source: str, more: Sequence[str]) -> list[str]:
    """Find the files of a recording; a folder stands for the recordings in it.

    Raises UnreadableAudio for a folder without recordings.
    """
    files: list[str] = []
    for name in (source, *more):
        path = fetch_shared_source(name) or resolve_pasted_path(name)
        if not path.is_absolute() and in_worker():  # its working directory is arbitrary
            path = home() / path
        found = [str(f) for f in list_recordings(path)] if path.is_dir() else [str(path)]
        if not found:
            raise UnreadableAudio(
                f"{format_path(name)}: a folder without recordings (its own folders are not searched)."
            )
        files += found
    return files


def link_chunks(done: Sequence[ChunkResult], run: Run) -> Manifest | None:
    """Link the chunks' speakers over the recording; None with diarization off or without any voice."""
    voiced = [w for w in done if w.is_diarized]
    if not voiced:
        return None
    least, most = run.settings.diarization.speaker_range()
    job = LinkJob(tuple(w.chunk for w in voiced), least, most, reassign=True)
    return link_speakers(
        job, run.place, [w.manifests["embedding"] for w in voiced], [w.manifests["diarization"] for w in voiced]
    )


def group_embeddings_by_channel(done: Sequence[ChunkResult], channels: int) -> list[list[Manifest]]:
    """Group the embeddings' manifests by channel, each in the order of the chunks."""
    own: list[list[Manifest]] = [[] for _ in range(channels)]
    for worked in done:
        if worked.audio is not None and worked.audio.channel is not None and "embedding" in worked.manifests:
            own[worked.audio.channel].append(worked.manifests["embedding"])
    return own


def is_by_channel(run: Run) -> bool:
    """Whether each channel has one speaker, so that the channel identifies the speaker."""
    return run.settings.audio.channels == "separate" and run.settings.knows_voices
