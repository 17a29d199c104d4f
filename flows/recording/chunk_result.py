"""What the steps of a chunk found, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.recording.error_transfer import pack_error, unpack_error
from tasks.contracts import transcription_facts
from tasks.errors import DaylongError
from tasks.intervals import Span
from tasks.records import Audio, Chunk
from tasks.step import Manifest


@dataclass(frozen=True)
class ChunkResult:
    """A chunk of a track, with the manifests of its completed steps by the names in `list_steps`.

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
    keys: frozenset[str] = frozenset()
    """Cache keys that its steps asked for."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "cause": pack_error(self.cause)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, cause=unpack_error(state["cause"]))

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


def count_engine_calls(done: Sequence[ChunkResult]) -> int:
    """Count the engine calls of the steps whose result did not come from the cache."""
    return sum(manifest["cost"]["engine_calls"] for manifest, cached in iterate_manifests(done) if not cached)
