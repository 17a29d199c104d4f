"""The steps of all chunks, at most `chunks_in_flight` at a time, of every track that has speech there.

While one chunk is in the engines, the next one's tasks wait for them with their sound already decoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from flows.recording.preparation import Run
from flows.recording.tracks import Track
from flows.reporting.logging_setup import STORY
from flows.reporting.progress import Progress
from flows.reporting.run_names import named
from tasks.audio.plan import select_speech
from tasks.contracts import transcription_facts
from tasks.diarization.task import EmbedJob, TurnsJob, embed, find_turns
from tasks.engines.memory import trim_heap
from tasks.errors import DaylongError
from tasks.intervals import format_clock
from tasks.logs import add_log_fields
from tasks.punctuation.task import PunctuateJob, punctuate
from tasks.records import Audio, Chunk, Sound
from tasks.separation.task import SeparateJob, separate
from tasks.step import Manifest
from tasks.transcription.task import TranscribeJob, transcribe

Future = PrefectFuture[Any]
Lane = tuple[Chunk, Audio, dict[str, Future]]


@dataclass(frozen=True)
class Worked:
    """A chunk of a track with the manifests of the steps that ended well, by the names of `records.STEPS`.

    `chunk.speech` is the track's; `audio` is None where nobody speaks on any.
    """

    chunk: Chunk
    audio: Audio | None = None
    manifests: dict[str, Manifest] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    error: str | None = None
    cause: Exception | None = None
    """What the error was, where one is told."""
    unheard: str | None = None
    """What the chunk lacks, though it did not fail."""

    @property
    def words(self) -> Manifest | None:
        return self.manifests.get("punctuation") or self.manifests.get("transcription")

    @property
    def has_voices(self) -> bool:
        return "embedding" in self.manifests and "diarization" in self.manifests

    def language(self, recording: str | None) -> str | None:
        """What the chunk was transcribed in, else the `recording`'s."""
        transcribed = self.manifests.get("transcription")
        return (transcribed and transcription_facts(transcribed)["language"]) or recording


def steps_of(run: Run) -> list[str]:
    """The steps that a chunk with speech goes through, in order."""
    settings = run.settings
    return [
        *(["separation"] if settings.separation.mode == "always" else []),
        "transcription",
        *(["punctuation"] if settings.punctuation.mode != "never" else []),
        *(["embedding"] if settings.knows_voices else []),
        *(["diarization"] if settings.diarizes else []),
    ]


def on_tracks(chunk: Chunk, tracks: Sequence[Track]) -> list[tuple[Chunk, Audio]]:
    """The chunk as each track with speech in it has it, and that track's sound."""
    own = [(replace(chunk, speech=select_speech(t.speech, chunk.span)), t.audio) for t in tracks]
    return [(c, audio) for c, audio in own if c.speech]


def work_through(
    chunks: Sequence[Chunk], tracks: Sequence[Track], language: str | None, run: Run, progress: Progress
) -> list[Worked]:
    """All chunks with what their steps found, by chunk and track. A step that fails fails its chunk, not the
    recording."""
    done: list[Worked] = []
    waiting: deque[tuple[Chunk, list[Lane]]] = deque()

    def collect() -> None:
        chunk, lanes = waiting.popleft()
        collected = [_collected(*lane) for lane in lanes]
        done.extend(collected)
        progress.chunk_done(chunk.core.duration_s)
        tell(chunk, collected, len(chunks))

    for chunk in chunks:
        own = on_tracks(chunk, tracks)
        if not own:
            done.append(Worked(chunk))
            progress.chunk_done(chunk.core.duration_s)
            continue
        if len(waiting) >= run.settings.chunks_in_flight:
            collect()
        waiting.append(
            (chunk, [(c, a, submit(c, a, len(chunks), language, run, progress.step_done)) for c, a in own])
        )
    while waiting:
        collect()
    return sorted(done, key=lambda w: w.chunk.index)


def submit(
    chunk: Chunk, audio: Audio, of: int, language: str | None, run: Run, step_done: Callable[[str, bool], None]
) -> dict[str, Future]:
    """Start the steps of one chunk of `of`; the futures by step. They wait for each other where one needs another."""
    with add_log_fields(chunk=chunk.index):
        return _submit(chunk, audio, of, language, run, step_done)


def _submit(
    chunk: Chunk, audio: Audio, of: int, language: str | None, run: Run, step_done: Callable[[str, bool], None]
) -> dict[str, Future]:
    settings, place, weights = run.settings, run.place, run.weights
    sound = Sound(audio, chunk.span, chunk.speech)
    lane: dict[str, Future] = {}

    def start(step: str, task: Task[..., Any], doing: str, *inputs: Any) -> Any:
        future = named(task, doing, chunk.index, of, chunk.core, audio.channel).submit(*inputs)

        def note_end(ended: Future) -> None:
            ended.wait()  # returns at once: it fetches the state, which would else be asked of the server
            cached = ended.state.name == "Cached"
            step_done(step, cached)  # first: who waits for the chunk goes on meanwhile
            if not cached:
                trim_heap()

        future.add_done_callback(note_end)
        lane[step] = future
        return future

    separated = None
    if settings.separation.mode == "always":
        separated = start("separation", separate, "separate", SeparateJob(sound, weights["separation"]), place)
    spoken = TranscribeJob(chunk.index, sound, settings.transcription, weights["transcription"])
    words = start("transcription", transcribe, "transcribe", spoken, place, language, separated)
    if settings.knows_voices:
        voices = start("embedding", embed, "embed", EmbedJob(sound, weights["embedding"]), place, separated)
        if settings.diarizes:
            how = TurnsJob(settings.diarization.engine, sound, weights.get("diarization"))
            start("diarization", find_turns, "find turns", how, place, voices, separated)
    if settings.punctuation.mode != "never":
        how_marked = PunctuateJob(language, settings.punctuation, weights["punctuation"])
        start("punctuation", punctuate, "punctuate", how_marked, place, words)
    return lane


def _collected(chunk: Chunk, audio: Audio, futures: dict[str, Future]) -> Worked:
    worked = Worked(chunk, audio)
    for step, future in futures.items():
        future.wait()
        state = future.state
        if state.is_completed():
            manifest = future.result()
            worked = replace(worked, manifests=worked.manifests | {step: manifest})
            if state.name == "Cached":
                worked = replace(worked, cached=worked.cached | {step})
        elif worked.error is None:
            # What follows a failed step fails too; the first failure is the one to tell.
            cause = future.result(raise_on_failure=False)
            worked = replace(
                worked,
                error=f"{step}: {in_a_line(cause)}",
                cause=cause if isinstance(cause, Exception) else None,
            )
    return worked


def tell(chunk: Chunk, tracks: Sequence[Worked], of: int) -> None:
    """What became of a chunk, as a line of the story."""
    which = f"chunk {chunk.index + 1} of {of} ({format_clock(chunk.core.start_s)}–{format_clock(chunk.core.end_s)})"
    error = next((w.error for w in tracks if w.error), None)
    manifests = [(step, m, step in w.cached) for w in tracks for step, m in w.manifests.items()]
    seconds = round(sum(m["cost"]["seconds"] for _, m, cached in manifests if not cached), 1)
    with add_log_fields(chunk=chunk.index):
        if error:
            STORY.warning("%s failed: %s", which, error)
            return
        words = sum(transcription_facts(m)["num_words"] for step, m, _ in manifests if step == "transcription")
        took = "from the cache" if all(cached for *_, cached in manifests) else f"{seconds:.1f} s of work"
        STORY.info("%s: %d words, %s", which, words, took, extra={"seconds": seconds})


def why(state: State[Any]) -> str:
    """Why a task's run failed, in one line."""
    return in_a_line(state.result(raise_on_failure=False))


def in_a_line(error: object) -> str:
    text = str(error).strip().splitlines()
    named = text[0] if text else type(error).__name__
    return named if isinstance(error, DaylongError) else f"{type(error).__name__}: {named}"


def all_manifests(done: Sequence[Worked]) -> Iterator[tuple[Manifest, bool]]:
    """Every manifest of every chunk, and whether it came from the cache."""
    for worked in done:
        for step, manifest in worked.manifests.items():
            yield manifest, step in worked.cached
