"""Run the steps of all chunks, at most `chunks_in_flight` at a time, for every track with speech.

While the engines process one chunk, the tasks of the next wait for them with their audio already decoded.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from flows.recording.final_words import FinalWords
from flows.recording.preparation import Run
from flows.recording.tracks import Track
from flows.reporting.logging_setup import RUN_LOG
from flows.reporting.progress import Progress
from flows.reporting.run_names import name_chunk_task
from tasks.audio.plan import select_speech
from tasks.contracts import punctuation_facts, read_words, transcription_facts
from tasks.diarization.engines import hears_turns
from tasks.diarization.task import (
    DiarizeJob,
    EmbedJob,
    SegmentJob,
    TurnsJob,
    diarize_and_embed,
    embed,
    find_turns,
    segment_and_embed,
)
from tasks.engines import registry
from tasks.engines.memory import trim_heap
from tasks.errors import DaylongError
from tasks.intervals import Span, format_clock
from tasks.logs import add_log_fields
from tasks.punctuation.task import PunctuateJob, punctuate
from tasks.records import Audio, Chunk, Sound
from tasks.separation.task import SeparateJob, separate
from tasks.settings.schema import PER_SEGMENT
from tasks.step import Manifest
from tasks.transcription.task import TranscribeJob, transcribe
from tasks.weights import requirements
from tasks.weights.catalogue import writes_punctuation

log = logging.getLogger("daylong.punctuation")

Future = PrefectFuture[Any]
SubmittedTrack = tuple[Chunk, Audio, dict[str, Future]]


@dataclass(frozen=True)
class ChunkResult:
    """A chunk of a track, with the manifests of its completed steps by the names in `records.STEPS`.

    `chunk.speech` is the track's; `audio` is None if no track has speech in the chunk.
    """

    chunk: Chunk
    audio: Audio | None = None
    manifests: dict[str, Manifest] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    """Steps whose result came from the cache."""
    error: str | None = None
    """The first failed step and its error, in one line."""
    cause: Exception | None = None
    """The exception behind `error`."""
    incomplete: str | None = None
    """What the chunk lacks although it did not fail, in one line."""
    lacks_punctuation: bool = False
    """Whether its text is without punctuation because the model could not be had."""

    @property
    def words(self) -> Manifest | None:
        """The manifest with the chunk's words, punctuated if that step ran."""
        return self.manifests.get("punctuation") or self.manifests.get("transcription")

    @property
    def is_diarized(self) -> bool:
        """Whether the chunk has embeddings and turns, as linking needs."""
        return "embedding" in self.manifests and "diarization" in self.manifests

    def get_language(self, default: str | None, at: Span | None = None) -> str | None:
        """Language in which the chunk was transcribed, or the stretch next to the span `at`; else `default`."""
        transcribed = self.manifests.get("transcription")
        if transcribed is None:
            return default
        facts = transcription_facts(transcribed)
        stretches = facts.get("languages")
        if at is not None and stretches:
            near = min(stretches, key=lambda s: max(s["start_s"] - at.middle_s, at.middle_s - s["end_s"]))
            return near["language"]
        return facts["language"] or default


def list_steps(run: Run) -> list[str]:
    """List the steps of a chunk with speech, in order."""
    settings = run.settings
    return [
        *(["separation"] if settings.separation.mode == "always" else []),
        "transcription",
        *(["punctuation"] if settings.punctuation.mode != "never" else []),
        *(["embedding"] if settings.knows_voices else []),
        *(["diarization"] if settings.diarizes else []),
    ]


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
    chunk's own; PER_SEGMENT: each stretch's.
    """
    done: list[ChunkResult] = []
    pending: deque[tuple[Chunk, list[SubmittedTrack]]] = deque()
    warned: list[bool] = []
    final = FinalWords()

    def report_final(chunk: Chunk, results: Sequence[ChunkResult]) -> None:
        manifests = [r.words for r in results if r.words is not None]
        store = run.place.store
        progress.report_words(lambda: final.add(chunk, [w for m in manifests for w in read_words(store, m)]))

    def collect() -> None:
        chunk, submitted = pending.popleft()
        results = [_collect_results(*futures) for futures in submitted]
        done.extend(results)
        report_final(chunk, results)
        progress.count_chunk(chunk.core.duration_s)
        log_chunk(chunk, results, len(chunks))
        if not warned and any(result.lacks_punctuation for result in results):
            warned.append(True)
            warn_of_missing_punctuation(run)

    for chunk in chunks:
        own = split_by_track(chunk, tracks)
        if not own:
            done.append(ChunkResult(chunk))
            report_final(chunk, ())
            progress.count_chunk(chunk.core.duration_s)
            continue
        if len(pending) >= run.settings.chunks_in_flight:
            collect()
        pending.append(
            (
                chunk,
                [
                    (c, a, submit_steps(c, a, len(chunks), languages.get(a.channel), run, progress.count_step))
                    for c, a in own
                ],
            )
        )
    while pending:
        collect()
    return sorted(done, key=lambda w: w.chunk.index)


def submit_steps(
    chunk: Chunk, audio: Audio, of: int, language: str | None, run: Run, on_step_done: Callable[[str, bool], None]
) -> dict[str, Future]:
    """Submit the steps of one track of a chunk, which wait for the steps they depend on. Returns futures by step.

    `of`: number of chunks; `step_done` is called at the end of each step with its name and whether it was cached.
    """
    with add_log_fields(chunk=chunk.index):
        return _submit_steps(chunk, audio, of, language, run, on_step_done)


def _submit_steps(
    chunk: Chunk, audio: Audio, of: int, language: str | None, run: Run, on_step_done: Callable[[str, bool], None]
) -> dict[str, Future]:
    settings, place, weights = run.settings, run.place, run.weights
    sound = Sound(audio, chunk.span, chunk.speech)
    futures: dict[str, Future] = {}

    def start(step: str, task: Task[..., Any], doing: str, *inputs: Any) -> Any:
        future = name_chunk_task(task, doing, chunk.index, of, chunk.core, audio.channel).submit(*inputs)

        def note_end(ended: Future) -> None:
            ended.wait()  # returns at once: it loads the state, which would otherwise be requested from the server
            cached = ended.state.name == "Cached"
            on_step_done(step, cached)  # before trimming: the thread that waits for the chunk continues meanwhile
            if not cached:
                trim_heap()

        future.add_done_callback(note_end)
        futures[step] = future
        return future

    separated = None
    if settings.separation.mode == "always":
        separated = start("separation", separate, "separate", SeparateJob(sound, weights["separation"]), place)
    transcribe_job = TranscribeJob(
        chunk.index, sound, settings.transcription, weights["transcription"], weights.get("alignment")
    )
    words = start("transcription", transcribe, "transcribe", transcribe_job, place, language, separated)
    if settings.knows_voices:
        if "segmentation" in weights:
            segment_job = SegmentJob(sound, weights["embedding"], weights["segmentation"])
            voices = start("embedding", segment_and_embed, "embed", segment_job, place, separated)
        elif settings.diarizes and hears_turns(settings.diarization.engine):
            diarize_job = DiarizeJob(settings.diarization.engine, sound, weights["embedding"], weights["diarization"])
            voices = start("embedding", diarize_and_embed, "embed", diarize_job, place, separated)
        else:
            voices = start("embedding", embed, "embed", EmbedJob(sound, weights["embedding"]), place, separated)
        if settings.diarizes:
            turns_job = TurnsJob(settings.diarization.engine, sound, weights.get("diarization"))
            start("diarization", find_turns, "find turns", turns_job, place, voices, separated)
    if settings.punctuation.mode != "never":
        punctuation = weights.get("punctuation") or run.deferred.get("punctuation")
        punctuates = registry.find("transcription", settings.transcription.engine).capabilities.punctuates
        own_marks = writes_punctuation(settings.transcription.model) if punctuates is None else punctuates
        known = None if language == PER_SEGMENT else language
        punctuate_job = PunctuateJob(known, settings.punctuation, punctuation, own_marks)
        start("punctuation", punctuate, "punctuate", punctuate_job, place, words)
    return futures


def _collect_results(chunk: Chunk, audio: Audio, futures: dict[str, Future]) -> ChunkResult:
    """Wait for the steps of one track of a chunk."""
    result = ChunkResult(chunk, audio)
    for step, future in futures.items():
        future.wait()
        state = future.state
        if state.is_completed():
            manifest = future.result()
            result = replace(result, manifests=result.manifests | {step: manifest})
            if state.name == "Cached":
                result = replace(result, cached=result.cached | {step})
            if step == "punctuation" and punctuation_facts(manifest).get("unavailable"):
                result = replace(result, lacks_punctuation=True)
        elif result.error is None:
            # Steps that depend on a failed one fail too; only the first failure is reported.
            cause = future.result(raise_on_failure=False)
            result = replace(
                result,
                error=f"{step}: {format_error(cause)}",
                cause=cause if isinstance(cause, Exception) else None,
            )
    return result


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


def describe_failure(state: State[Any]) -> str:
    """Describe why a task run failed, in one line."""
    return format_error(state.result(raise_on_failure=False))


def format_error(error: object) -> str:
    """Format an error as its first line, preceded by its type unless it is a `DaylongError`."""
    lines = str(error).strip().splitlines()
    first = lines[0] if lines else type(error).__name__
    return first if isinstance(error, DaylongError) else f"{type(error).__name__}: {first}"


def iterate_manifests(done: Sequence[ChunkResult]) -> Iterator[tuple[Manifest, bool]]:
    """Yield (manifest, whether it came from the cache) for every step of every chunk."""
    for result in done:
        for step, manifest in result.manifests.items():
            yield manifest, step in result.cached
