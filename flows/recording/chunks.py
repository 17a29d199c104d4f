"""Process all chunks, at most `chunks_in_flight` at a time, one task run each.

While the engines process one chunk, the steps of the next wait for them with their audio already decoded.
"""

from __future__ import annotations

import logging
import threading
from asyncio import CancelledError
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run

from flows.recording.chunk_result import ChunkResult, format_error
from flows.recording.chunk_steps import ChunkFailed, ChunkJob, StepWatcher, TrackJob, process_chunk
from flows.recording.final_words import FinalWords
from flows.recording.preparation import Run
from flows.recording.runners import ChunkRunner, open_runner
from flows.recording.tracks import Track
from flows.reporting.logging_setup import RUN_LOG
from flows.reporting.progress import Progress
from flows.reporting.run_names import name_chunk_task
from tasks.audio.plan import select_speech
from tasks.caching import copy_used_keys, note_use
from tasks.contracts import read_words, transcription_facts
from tasks.intervals import format_clock
from tasks.logs import add_log_fields
from tasks.records import Audio, Chunk
from tasks.weights import requirements

log = logging.getLogger("daylong.punctuation")

Future = PrefectFuture[Any]


@dataclass(frozen=True)
class SubmittedChunk:
    """A chunk whose task run was submitted; `reported`: its steps whose end the progress knows of."""

    chunk: Chunk
    tracks: tuple[TrackJob, ...]
    future: Future
    reported: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)


def split_by_track(chunk: Chunk, tracks: Sequence[Track]) -> list[tuple[Chunk, Audio]]:
    """Split a chunk into (chunk with the track's own speech, the track's audio), for each track with speech in it."""
    own = [(replace(chunk, speech=select_speech(t.speech, chunk.span)), t.audio) for t in tracks]
    return [(c, audio) for c, audio in own if c.speech]


def process_chunks(
    chunks: Sequence[Chunk],
    tracks: Sequence[Track],
    languages: Mapping[int | None, str | None],
    run: Run,
    progress: Progress,
) -> list[ChunkResult]:
    """Run the steps of all chunks; return the results by chunk and track.

    A failed step fails its chunk, not the recording. `languages`: each track's, by its audio's channel; None: each
    chunk's own; PER_SEGMENT: each stretch's. Asked to end by SIGTERM, or by Prefect because the run's slot is lost,
    it ends with the chunks that are under way.
    """
    done: list[ChunkResult] = []
    pending: deque[SubmittedChunk] = deque()
    warned: list[bool] = []
    final = FinalWords()
    sources = [Path(part.path) for track in tracks for part in track.audio.parts]

    def report_final(chunk: Chunk, results: Sequence[ChunkResult]) -> None:
        manifests = [r.words for r in results if r.words is not None]
        store = run.place.store
        progress.report_words(lambda: final.add(chunk, [w for m in manifests for w in read_words(store, m)]))

    def collect() -> None:
        chunk, results = pending[0].chunk, collect_results(pending[0], progress)
        pending.popleft()
        done.extend(results)
        report_final(chunk, results)
        progress.count_chunk(chunk.core.duration_s)
        log_chunk(chunk, results, len(chunks))
        if not warned and any(result.lacks_punctuation for result in results):
            warned.append(True)
            warn_of_missing_punctuation(run)

    with open_runner(run, sources) as runner:
        free = threading.Semaphore(runner.chunks_in_flight)
        try:
            for chunk in chunks:
                own = split_by_track(chunk, tracks)
                if not own:
                    done.append(ChunkResult(chunk))
                    report_final(chunk, ())
                    progress.count_chunk(chunk.core.duration_s)
                    continue
                free.acquire()  # whichever chunk ends first makes room
                while pending and pending[0].ended.is_set():
                    collect()
                jobs = tuple(TrackJob(c, a, languages.get(a.channel)) for c, a in own)
                pending.append(submit_chunk(chunk, jobs, len(chunks), runner, progress, free.release))
            while pending:
                collect()
        except (TerminationSignal, CancelledError):
            for submitted in pending:  # what is under way is kept; nothing more is begun
                submitted.future.wait()
            raise
    return sorted(done, key=lambda w: w.chunk.index)


def submit_chunk(
    chunk: Chunk,
    tracks: tuple[TrackJob, ...],
    of: int,
    runner: ChunkRunner,
    progress: Progress,
    on_end: Callable[[], None],
) -> SubmittedChunk:
    """Submit the task run of a chunk. `of`: number of chunks; `progress` is told of each step's end, and `on_end` is
    called at that of the task run."""
    reported: Counter[str] = Counter()

    def note_step(step: str, cached: bool) -> None:
        reported[step] += 1
        progress.count_step(step, cached)

    def note_end(_: Future) -> None:
        submitted.ended.set()
        on_end()

    named: Task[..., tuple[ChunkResult, ...]] = name_chunk_task(process_chunk, chunk.index, of, chunk.core)
    future = runner.submit(named, ChunkJob(tracks, runner.run, StepWatcher(note_step)))
    submitted = SubmittedChunk(chunk, tracks, future, reported)
    future.add_done_callback(note_end)
    return submitted


def collect_results(submitted: SubmittedChunk, progress: Progress) -> tuple[ChunkResult, ...]:
    """Wait for a chunk; return the results of its tracks. What another process did is counted and noted only now."""
    submitted.future.wait()
    try:
        found = submitted.future.result(raise_on_failure=False)
    except Exception as error:  # the cluster's own: the chunk ended several processes, or none is left
        found = error
    if isinstance(found, ChunkFailed):
        found = found.results
    if isinstance(found, BaseException):  # no step's: Prefect could not run the task, or stopped it
        cause = found if isinstance(found, Exception) else None
        found = tuple(
            ChunkResult(track.chunk, track.audio, error=format_error(found), cause=cause)
            for track in submitted.tracks
        )
    results: tuple[ChunkResult, ...] = found
    me = str(flow_run.id)
    for key in frozenset[str]().union(*(result.keys for result in results)) - copy_used_keys(me):
        note_use(me, key)
    reported = submitted.reported.copy()
    for step, cached in ((step, step in result.cached) for result in results for step in result.manifests):
        if reported[step]:
            reported[step] -= 1
        else:
            progress.count_step(step, cached)
    return results


def log_chunk(chunk: Chunk, tracks: Sequence[ChunkResult], of: int) -> None:
    """Log the result of a chunk as one line, with the number of words and the seconds of work."""
    which = f"chunk {chunk.index + 1} of {of} ({format_clock(chunk.core.start_s)}–{format_clock(chunk.core.end_s)})"
    error = next((w.error for w in tracks if w.error), None)
    manifests = [(step, m, step in w.cached) for w in tracks for step, m in w.manifests.items()]
    seconds = round(sum(m["cost"]["seconds"] for _, m, cached in manifests if not cached), 1)
    with add_log_fields(chunk=chunk.index):
        if error:
            RUN_LOG.warning("%s failed: %s", which, error)
            return
        words = sum(transcription_facts(m)["num_words"] for step, m, _ in manifests if step == "transcription")
        origin = "from the cache" if all(cached for *_, cached in manifests) else f"{seconds:.1f} s of work"
        RUN_LOG.info("%s: %d words, %s", which, words, origin, extra={"seconds": seconds})


def warn_of_missing_punctuation(run: Run) -> None:
    """Warn that text stays as it came, and how to have the model."""
    always = run.settings.punctuation.model_copy(update={"mode": "always"})
    settings = run.settings.model_copy(update={"punctuation": always})
    log.warning(
        "text came without punctuation and stays so: the model %s is not on this machine and cannot be fetched; "
        "where there is a network: %s",
        run.settings.punctuation.model,
        requirements.format_fetch_command(settings, run.place.device),
    )
