"""The steps of all chunks, at most `chunks_in_flight` at a time.

While one chunk is in the engines, the next one's tasks wait for them with their sound already decoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefect.futures import PrefectFuture

from flows.preparation import Run
from flows.progress import Progress
from tasks.diarization.task import EmbedJob, TurnsJob, embed, find_turns
from tasks.errors import DaylongError
from tasks.punctuation.task import PunctuateJob, punctuate
from tasks.records import Audio, Chunk, ChunkReport, Sound
from tasks.separation.task import SeparateJob, separate
from tasks.transcription.task import TranscribeJob, transcribe
from tasks.work import Manifest, step_cost

Future = PrefectFuture[Any]


@dataclass(frozen=True)
class Worked:
    """A chunk with the manifests of the steps that ended well, by the names of `records.STEPS`."""

    chunk: Chunk
    manifests: dict[str, Manifest] = field(default_factory=dict)
    cached: frozenset[str] = frozenset()
    error: str | None = None

    @property
    def words(self) -> Manifest | None:
        return self.manifests.get("punctuation") or self.manifests.get("transcription")

    @property
    def has_voices(self) -> bool:
        return "embedding" in self.manifests and "diarization" in self.manifests

    def language(self, recording: str | None) -> str | None:
        """What the chunk was transcribed in, else the `recording`'s."""
        facts = self.manifests["transcription"]["facts"] if "transcription" in self.manifests else {}
        return facts.get("language") or recording

    def report(self, language: str | None) -> ChunkReport:
        """The chunk's row, as far as its own steps tell; `language`: the recording's."""
        facts = self.manifests["transcription"]["facts"] if "transcription" in self.manifests else {}
        return ChunkReport(
            index=self.chunk.index,
            span=self.chunk.span,
            core=self.chunk.core,
            status="failed" if self.error else "complete" if self.chunk.speech else "no_speech",
            error=self.error,
            speech_s=self.chunk.speech_s,
            language=self.language(language) if self.chunk.speech else None,
            num_words=facts.get("num_words", 0),
            loops_removed=facts.get("loops_removed", 0),
            silence_text_removed=facts.get("silence_text_removed", 0),
            costs={step: step_cost(m, step in self.cached) for step, m in self.manifests.items()},
        )


def steps_of(run: Run) -> list[str]:
    """The steps that a chunk with speech goes through, in order."""
    settings = run.settings
    return [
        *(["separation"] if settings.separation.mode == "always" else []),
        "transcription",
        *(["punctuation"] if settings.punctuation.mode != "never" else []),
        *(["embedding", "diarization"] if settings.diarization.engine != "off" else []),
    ]


def work_through(
    chunks: Sequence[Chunk], audio: Audio, language: str | None, run: Run, progress: Progress
) -> list[Worked]:
    """All chunks with what their steps found. A step that fails fails its chunk, not the recording."""
    done: list[Worked] = []
    lanes: deque[tuple[Chunk, dict[str, Future]]] = deque()
    for chunk in chunks:
        if not chunk.speech:
            done.append(Worked(chunk))
            progress.chunk_done(chunk.core.duration_s)
            continue
        if len(lanes) >= run.settings.chunks_in_flight:
            done.append(_collected(*lanes.popleft(), progress))
        lanes.append((chunk, submit(chunk, audio, language, run, progress.step_done)))
    done += [_collected(*lane, progress) for lane in lanes]
    return sorted(done, key=lambda w: w.chunk.index)


def submit(
    chunk: Chunk, audio: Audio, language: str | None, run: Run, step_done: Callable[[str, bool], None]
) -> dict[str, Future]:
    """Start the steps of one chunk; the futures by step. They wait for each other where one needs another."""
    settings, place, weights = run.settings, run.place, run.weights
    sound = Sound(audio, chunk.span, chunk.speech)
    lane: dict[str, Future] = {}

    def started(step: str, future: Future) -> Any:
        def tell(ended: Future) -> None:
            ended.wait()  # returns at once: it fetches the state, which would else be asked of the server
            step_done(step, ended.state.name == "Cached")

        future.add_done_callback(tell)
        lane[step] = future
        return future

    separated = None
    if settings.separation.mode == "always":
        separated = started("separation", separate.submit(SeparateJob(sound, weights["separation"]), place))
    spoken = TranscribeJob(chunk.index, sound, settings.transcription, weights["transcription"])
    words = started("transcription", transcribe.submit(spoken, place, language, separated))
    if settings.diarization.engine != "off":
        voices = started("embedding", embed.submit(EmbedJob(sound, weights["embedding"]), place, separated))
        how = TurnsJob(settings.diarization.engine, sound, weights.get("diarization"))
        started("diarization", find_turns.submit(how, place, voices, separated))
    if settings.punctuation.mode != "never":
        how_marked = PunctuateJob(language, settings.punctuation, weights["punctuation"])
        started("punctuation", punctuate.submit(how_marked, place, words))
    return lane


def _collected(chunk: Chunk, lane: dict[str, Future], progress: Progress) -> Worked:
    worked = Worked(chunk)
    for step, future in lane.items():
        future.wait()
        state = future.state
        if state.is_completed():
            manifest = future.result()
            worked = replace(worked, manifests=worked.manifests | {step: manifest})
            if state.name == "Cached":
                worked = replace(worked, cached=worked.cached | {step})
        elif worked.error is None:
            # What follows a failed step fails too; the first failure is the one to tell.
            worked = replace(worked, error=f"{step}: {reason(future)}")
    progress.chunk_done(chunk.core.duration_s)
    return worked


def reason(future: PrefectFuture[Any]) -> str:
    """Why a future failed, in one line."""
    error = future.result(raise_on_failure=False)
    text = str(error).strip().splitlines()
    named = text[0] if text else type(error).__name__
    return named if isinstance(error, DaylongError) else f"{type(error).__name__}: {named}"


def all_manifests(done: Sequence[Worked]) -> Iterator[tuple[Manifest, bool]]:
    """Every manifest of every chunk, and whether it came from the cache."""
    for worked in done:
        for step, manifest in worked.manifests.items():
            yield manifest, step in worked.cached
