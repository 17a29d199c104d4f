"""What each step's manifest holds: its facts as a TypedDict, the names of its artifacts, and how both are read.

A step writes its facts by calling the class (`meter.manifest({"words": name}, **TranscriptionFacts(…))`); the steps
after it read them by the functions below. So the type checker sees the way from step to step, and each stored name is
read in one place. The names of facts, artifacts and arrays enter cache keys: changing one repeats everybody's work.

| step | artifacts |
| --- | --- |
| speech-map, own-speech | `map`: `speech` (N, 2) in seconds, `energy_db` (M,) per half second, `own_0`, … (N, 2) |
| plan | `chunks`: JSON rows of span and core, in seconds |
| separation | `vocals`: sound of the span, 16 kHz mono |
| transcription, punctuation, seams | `words`: records of `Word` |
| embedding | `windows`: arrays `windows` (N, 2) in seconds, `embeddings` (N, D) |
| diarization | `turns`: arrays `labels` (N,), `turns` (T, 3) of start, end and local speaker |
| linking | `voices`: arrays by window, and `embeddings` (S, D); `turns`: records of `Turn` |
| merging | `words`, `segments`, `turns`, `speakers`: records |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span
from tasks.records import Segment, Speaker, Turn, Word
from tasks.step import Manifest
from tasks.storage.artifacts import ArtifactStore

Array = NDArray[Any]


class SpeechMapFacts(TypedDict):
    speech_s: float


class OwnSpeechFacts(TypedDict):
    own_s: list[float]
    """Seconds of speech of each channel's own speaker, by channel."""


class PlanFacts(TypedDict):
    num_chunks: int


class LanguageFacts(TypedDict):
    language: str | None
    confidence: float | None


class TranscriptionFacts(TypedDict):
    language: str | None
    num_words: int
    loops_removed: int
    """Repetition loops taken out."""
    silence_text_removed: int
    """Words taken out that stood in silence."""


class PunctuationFacts(TypedDict):
    punctuated: bool


class EmbeddingFacts(TypedDict):
    windows: int


class DiarizationFacts(TypedDict):
    speakers: int


class LinkingFacts(TypedDict):
    speakers: int
    margins: list[float | None]
    """By speaker: cosine distance to the second-best minus to the best voice; None for an only speaker."""


class SeamFacts(TypedDict):
    """The evidence of one seam, as `tasks.merging.seams` records it."""

    right: int
    """Index of the chunk that begins at the seam."""
    kept: int
    dropped: int


class SeamsFacts(TypedDict):
    seams: list[SeamFacts]
    wordless: list[list[float]]
    """Spans of untranscribed speech, start and end in seconds."""


class MergingFacts(TypedDict):
    num_words: int
    num_speakers: int


def language_facts(manifest: Manifest) -> LanguageFacts:
    """Facts of the step `language`."""
    return cast(LanguageFacts, manifest["facts"])


def transcription_facts(manifest: Manifest) -> TranscriptionFacts:
    """Facts of the step `transcription`."""
    return cast(TranscriptionFacts, manifest["facts"])


def seams_facts(manifest: Manifest) -> SeamsFacts:
    """Facts of the step `seams`."""
    return cast(SeamsFacts, manifest["facts"])


def untranscribed_spans(seams: Manifest) -> list[Span]:
    """Spans of speech at seams that neither chunk has words for, in the recording's seconds."""
    return [Span(start, end) for start, end in seams_facts(seams)["wordless"]]


def write_spans(spans: Sequence[Span]) -> Array:
    """Spans as float64 (N, 2) of start and end, the form in which arrays of artifacts hold them."""
    return np.array([(s.start_s, s.end_s) for s in spans], np.float64).reshape(-1, 2)


def read_spans(rows: Array) -> list[Span]:
    """The spans of an array (N, 2) of start and end."""
    return [Span(*row) for row in rows.tolist()]


def name_own_speech(channel: int) -> str:
    """Name of the array that holds the speech of a channel's own speaker."""
    return f"own_{channel}"


def read_speech_map(store: ArtifactStore, mapped: Manifest) -> tuple[list[Span], Array]:
    """(speech spans, energy in dB per half second) of a manifest of `speech-map` or `own-speech`."""
    arrays = store.get_arrays(mapped["artifacts"]["map"])
    return read_spans(arrays["speech"]), arrays["energy_db"]


def read_own_speech(store: ArtifactStore, found: Manifest) -> list[list[Span]]:
    """The speech of each channel's own speaker, by channel, of a manifest of `own-speech`."""
    arrays = store.get_arrays(found["artifacts"]["map"])
    count = len(cast(OwnSpeechFacts, found["facts"])["own_s"])
    return [read_spans(arrays[name_own_speech(channel)]) for channel in range(count)]


def read_plan_rows(store: ArtifactStore, planned: Manifest) -> list[tuple[Span, Span]]:
    """(span, core) of each chunk, of a manifest of `plan`."""
    rows = store.get_json(planned["artifacts"]["chunks"])
    return [(Span(start, end), Span(core_start, core_end)) for start, end, core_start, core_end in rows]


def read_words(store: ArtifactStore, manifest: Manifest | None) -> list[Word]:
    """The words of a manifest of `transcription`, `punctuation`, `seams` or `merging`; none for None."""
    return [] if manifest is None else store.get_records(manifest["artifacts"]["words"], Word)


def read_windows(store: ArtifactStore, embedded: Manifest) -> tuple[Array, Array]:
    """(windows (N, 2) in the recording's seconds, embeddings (N, D) in float16) of a manifest of `embedding`."""
    arrays = store.get_arrays(embedded["artifacts"]["windows"])
    return arrays["windows"], arrays["embeddings"]


def read_local_turns(store: ArtifactStore, diarized: Manifest) -> tuple[Array, Array]:
    """(labels (N,) by window, turns (T, 3) of start, end, local speaker) of a manifest of `diarization`."""
    arrays = store.get_arrays(diarized["artifacts"]["turns"])
    return arrays["labels"], arrays["turns"]


def read_linked_windows(store: ArtifactStore, linked: Manifest) -> dict[str, Array]:
    """The windows with their speakers, and the speakers' `embeddings`, of a manifest of `linking`."""
    return store.get_arrays(linked["artifacts"]["voices"])


def speaker_margins(linked: Manifest) -> list[float | None]:
    """The link margin of each speaker, of a manifest of `linking`."""
    return cast(LinkingFacts, linked["facts"])["margins"]


def read_turns(store: ArtifactStore, manifest: Manifest) -> list[Turn]:
    """The turns of a manifest of `linking` or `merging`."""
    return store.get_records(manifest["artifacts"]["turns"], Turn)


def read_segments(store: ArtifactStore, merged: Manifest) -> list[Segment]:
    """The segments of a manifest of `merging`."""
    return store.get_records(merged["artifacts"]["segments"], Segment)


def read_speakers(store: ArtifactStore, merged: Manifest) -> list[Speaker]:
    """The speakers of a manifest of `merging`."""
    return store.get_records(merged["artifacts"]["speakers"], Speaker)
