"""Contents of each step's manifest: its facts as a TypedDict, the names of its artifacts, and readers of both.

A step writes its facts by calling the class (`meter.manifest({"words": name}, **TranscriptionFacts(…))`); later steps
read them with the functions below. So values that pass from step to step are type-checked, and each stored name is
read in one place. The names of facts, artifacts and arrays enter cache keys: changing one invalidates all caches.

| step | artifacts |
| --- | --- |
| speech-map, own-speech | `map`: `speech` (N, 2) in seconds, `energy_db` (M,) per half second, `own_0`, … (N, 2) |
| plan | `chunks`: JSON rows of span and core, in seconds |
| separation | `vocals`: samples of the span, 16 kHz mono |
| transcription, punctuation, seams | `words`: records of `Word` |
| embedding | `windows`: arrays `windows` (N, 2) in seconds, `embeddings` (N, D); `tracks` of a segmentation |
| diarization | `turns`: arrays `labels` (N,), `turns` (T, 3) of start, end and local speaker |
| clipping | `clipped`: array `counts` (n,), clipped samples of every half second |
| linking | `voices`: arrays by window, and `embeddings` (S, D); `turns`: records of `Turn` |
| merging | `words`, `segments`, `turns`, `speakers`: records |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span
from tasks.records import Correction, Segment, Speaker, Turn, Word
from tasks.step import Manifest
from tasks.storage.artifacts import ArtifactStore

Array = NDArray[Any]


class SpeechMapFacts(TypedDict):
    speech_s: float
    """Seconds of speech."""
    correction: NotRequired[dict[str, Any]]
    """Fields of `Correction`, if the recording needs one."""


class OwnSpeechFacts(TypedDict):
    own_s: list[float]
    """Seconds of speech of each channel's own speaker, by channel."""


class PlanFacts(TypedDict):
    num_chunks: int


class PlaceFacts(TypedDict):
    """A span of speech in which a language was detected, in the recording's time."""

    start_s: float
    end_s: float
    language: str
    confidence: float
    """0–1."""


class LanguageFacts(TypedDict):
    language: str | None
    """Language code; None where no language was detected."""
    confidence: float | None
    """0–1."""
    disagreeing: list[PlaceFacts]
    """Places where another language was detected."""
    likely: NotRequired[list[tuple[str, float]]]
    """The likeliest languages with their confidences."""


class TranscriptionFacts(TypedDict):
    language: str | None
    """Language code; of most of the speech where it changes."""
    language_confidence: NotRequired[float | None]
    """0–1; None where the language was given."""
    languages: NotRequired[list[PlaceFacts]]
    """The spans of one language each, where it was found for every stretch."""
    disagreeing: NotRequired[list[PlaceFacts]]
    """Places where another language was detected than the chunk's."""
    num_words: int
    loops_removed: int
    """Repetition loops removed."""
    silence_text_removed: int
    """Words removed because they lie in silence."""


class PunctuationFacts(TypedDict):
    punctuated: bool
    """Whether the model was applied."""
    unavailable: NotRequired[bool]
    """Whether the text is without punctuation because the model could not be had."""
    provisional: NotRequired[bool]
    """Whether the next run tries again, since the model is to be had elsewhere: `step.PROVISIONAL`."""


class EmbeddingFacts(TypedDict):
    windows: int
    """Number of windows with an embedding."""


class DiarizationFacts(TypedDict):
    speakers: int
    """Number of local speakers of the chunk."""


class ClippingFacts(TypedDict):
    num_clipped: int
    """Samples of the chunk that are cut off."""


class LinkingFacts(TypedDict):
    speakers: int
    """Number of speakers of the recording."""
    margins: list[float | None]
    """By speaker: cosine distance to the second-best minus to the best speaker; None for an only speaker."""


class SeamFacts(TypedDict):
    """One seam on one channel; stored with all fields of `tasks.merging.seams.Seam`."""

    right: int
    """Index of the chunk that begins at the seam."""
    kept: int
    """Words of the overlap that were kept."""
    dropped: int
    """Words of either chunk in the overlap that were not kept."""


class SeamsFacts(TypedDict):
    seams: list[SeamFacts]
    wordless: list[list[float]]
    """Untranscribed speech: start and end of each span in seconds."""


class MergingFacts(TypedDict):
    num_words: int
    num_speakers: int


def language_facts(manifest: Manifest) -> LanguageFacts:
    """Facts of the step `language`."""
    return cast(LanguageFacts, manifest["facts"])


def transcription_facts(manifest: Manifest) -> TranscriptionFacts:
    """Facts of the step `transcription`."""
    return cast(TranscriptionFacts, manifest["facts"])


def punctuation_facts(manifest: Manifest) -> PunctuationFacts:
    """Facts of the step `punctuation`."""
    return cast(PunctuationFacts, manifest["facts"])


def seams_facts(manifest: Manifest) -> SeamsFacts:
    """Facts of the step `seams`."""
    return cast(SeamsFacts, manifest["facts"])


def untranscribed_spans(seams: Manifest) -> list[Span]:
    """Read the spans of speech at seams that neither chunk has words for, in the recording's seconds."""
    return [Span(start, end) for start, end in seams_facts(seams)["wordless"]]


def write_spans(spans: Sequence[Span]) -> Array:
    """Convert spans to float64 (N, 2) of start and end in seconds, as stored in artifacts."""
    return np.array([(s.start_s, s.end_s) for s in spans], np.float64).reshape(-1, 2)


def read_spans(rows: Array) -> list[Span]:
    """Convert an array (N, 2) of start and end in seconds to spans."""
    return [Span(*row) for row in rows.tolist()]


def name_own_speech(channel: int) -> str:
    """Format the name of the array with the speech of a channel's own speaker; `channel` counts from 0."""
    return f"own_{channel}"


def read_speech_map(store: ArtifactStore, mapped: Manifest) -> tuple[list[Span], Array]:
    """Read (speech spans, energy in dB per half second) from a manifest of `speech-map` or `own-speech`."""
    arrays = store.get_arrays(mapped["artifacts"]["map"])
    return read_spans(arrays["speech"]), arrays["energy_db"]


def read_clipped(store: ArtifactStore, found: Manifest) -> Array:
    """Read the number of clipped samples of every half second of a chunk, from a manifest of `clipping`."""
    return store.get_arrays(found["artifacts"]["clipped"])["counts"]


def read_correction(mapped: Manifest) -> Correction:
    """Read the correction that a recording needs from a manifest of `speech-map`."""
    found = cast(SpeechMapFacts, mapped["facts"]).get("correction")
    if found is None:
        return Correction()
    return Correction(tuple(tuple(w) for w in found["weights"]), found["gain_db"], found["removes_offset"])


def read_own_speech(store: ArtifactStore, found: Manifest) -> list[list[Span]]:
    """Read the speech of each channel's own speaker, by channel, from a manifest of `own-speech`."""
    arrays = store.get_arrays(found["artifacts"]["map"])
    count = len(cast(OwnSpeechFacts, found["facts"])["own_s"])
    return [read_spans(arrays[name_own_speech(channel)]) for channel in range(count)]


def read_plan_rows(store: ArtifactStore, planned: Manifest) -> list[tuple[Span, Span]]:
    """Read (span, core) of each chunk, in seconds, from a manifest of `plan`."""
    rows = store.get_json(planned["artifacts"]["chunks"])
    return [(Span(start, end), Span(core_start, core_end)) for start, end, core_start, core_end in rows]


def read_words(store: ArtifactStore, manifest: Manifest | None) -> list[Word]:
    """Read the words of a manifest of `transcription`, `punctuation`, `seams` or `merging`; [] for None."""
    return [] if manifest is None else store.get_records(manifest["artifacts"]["words"], Word)


def read_windows(store: ArtifactStore, embedded: Manifest) -> tuple[Array, Array]:
    """Read (windows (N, 2) in the recording's seconds, embeddings (N, D), float16) from a manifest of `embedding`."""
    arrays = store.get_arrays(embedded["artifacts"]["windows"])
    return arrays["windows"], arrays["embeddings"]


def read_tracks(store: ArtifactStore, embedded: Manifest) -> dict[str, Array]:
    """`spans`, `owners` and `apart` of the tracks of a chunk, of a manifest of `embedding` with a segmentation."""
    arrays = store.get_arrays(embedded["artifacts"]["tracks"])
    return {name: arrays[name] for name in ("spans", "owners", "apart")}


def read_local_turns(store: ArtifactStore, diarized: Manifest) -> tuple[Array, Array]:
    """Read (labels (N,) by window, turns (T, 3) of start, end, local speaker) from a manifest of `diarization`."""
    arrays = store.get_arrays(diarized["artifacts"]["turns"])
    return arrays["labels"], arrays["turns"]


def read_linked_windows(store: ArtifactStore, linked: Manifest) -> dict[str, Array]:
    """Read the windows with their speakers, and the speakers' `embeddings` (S, D), from a manifest of `linking`."""
    return store.get_arrays(linked["artifacts"]["voices"])


def speaker_margins(linked: Manifest) -> list[float | None]:
    """Read the link margin of each speaker from a manifest of `linking`."""
    return cast(LinkingFacts, linked["facts"])["margins"]


def read_turns(store: ArtifactStore, manifest: Manifest) -> list[Turn]:
    """Read the turns of a manifest of `linking` or `merging`."""
    return store.get_records(manifest["artifacts"]["turns"], Turn)


def read_segments(store: ArtifactStore, merged: Manifest) -> list[Segment]:
    """Read the segments of a manifest of `merging`."""
    return store.get_records(merged["artifacts"]["segments"], Segment)


def read_speakers(store: ArtifactStore, merged: Manifest) -> list[Speaker]:
    """Read the speakers of a manifest of `merging`."""
    return store.get_records(merged["artifacts"]["speakers"], Speaker)
