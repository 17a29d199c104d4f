"""The values that flow through the pipeline, all frozen.

Times are float seconds from the recording's start, sample rates Hz, confidences 0–1 or None where the engine
gives none. Speakers are `SPEAKER_00`, … in order of first appearance, `UNKNOWN` where a voice could not be told,
None with diarization off; a chunk's own labels are small strings like "2".
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.intervals import Span

SAMPLE_RATE_HZ = 16_000
"""Of all samples that steps exchange: float32, one channel."""

UNKNOWN = "UNKNOWN"
"""The speaker of words whose voice could not be told."""

WordTimes = Literal["engine", "aligned", "fast"]
"""How the times of a word were found: by the recogniser, by an aligner, or shared out by length."""

TranslationStatus = Literal["translated", "partial", "untranslated", "original", "stale"]
"""Whether all of a segment's text is translated, a part of it, nothing (then the text is the source's), or whether
nothing was to translate: it is in that language, or has no letters."""

STEPS = ("separation", "transcription", "punctuation", "embedding", "diarization")
"""The steps of a chunk, as the columns of `chunks` name them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a recording; most recordings have one. `path` is where its bytes are now, as in `Recording`, and
    `size_bytes` how many there have to be; tables hold neither."""

    name: str
    sha256: str
    start_s: float
    duration_s: float
    path: str = ""
    size_bytes: int | None = field(default=None, compare=False)
    track: int | None = field(default=None, compare=False)
    """Number of the sound track that is heard, from 1; None: the file's default."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What probing found out about a recording. `path` is where its bytes are now; it never enters a cache key.

    Several files taken together have the `path` and `source_name` of the folder they lie in, and the rate, channels
    and codec of the first.
    """

    recording_id: str
    path: str
    source_name: str
    sha256: str
    size_bytes: int
    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    parts: tuple[Part, ...]
    recorded_at: str | None = None
    """ISO 8601 with an offset, or None where the start isn't known."""
    recorded_at_source: str | None = None
    """given, sidecar, name, metadata or mtime."""
    timezone: str = "UTC"
    told_again_at: str | None = field(default=None, compare=False)
    """The same time an hour later, where what tells it may mean either: clocks were put back that night."""

    @property
    def span(self) -> Span:
        return Span(0.0, self.duration_s)


@dataclass(frozen=True, slots=True)
class Correction:
    """How a recording's sound is corrected before any step hears it; without arguments, not at all."""

    weights: tuple[tuple[float, ...], ...] = ()
    """Of the channels in the mix: one tuple for each number of channels whose mix is not their mean."""
    gain_db: float = 0.0
    removes_offset: bool = False


@dataclass(frozen=True, slots=True)
class Audio:
    """A reference to sound, never the sound itself: a file's mixed-down (or one) channel, or a stored artifact.

    `key` says what it is (it enters cache keys); `parts` (files) or `artifact` says where it is now.
    `offset_s` is the recording's time at which the artifact's first sample lies (0 for a whole file).
    """

    key: str
    parts: tuple[Part, ...] = ()
    artifact: str | None = None
    channel: int | None = None
    """None: all channels mixed; else this one alone."""
    offset_s: float = 0.0
    correction: Correction = Correction()

    def identity(self) -> list[Any]:
        """What it adds to a cache key: what it is, not where it is."""
        return [self.key, self.channel, self.offset_s]


@dataclass(frozen=True, slots=True)
class Sound:
    """A span of audio and the speech in it, all in the recording's time: what the steps of a chunk work on."""

    audio: Audio
    span: Span
    speech: tuple[Span, ...] = ()

    def speech_within(self) -> list[Span]:
        """The speech in seconds from the span's start."""
        return [s.shift(-self.span.start_s) for s in self.speech]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a recording. Cores tile the recording; spans overlap their neighbours'."""

    index: int
    span: Span
    core: Span
    speech: tuple[Span, ...] = ()
    """Speech within `span`, by the speech map."""

    @property
    def speech_s(self) -> float:
        return sum(s.duration_s for s in self.speech)


@dataclass(frozen=True, slots=True)
class Word:
    """A word. `text` is displayed (with punctuation); `word_raw` in the tables is made from it."""

    start_s: float
    end_s: float
    text: str
    confidence: float | None = None
    chunk: int = field(kw_only=True)
    """Index of the chunk it was decoded in; -1 for one that stands for a segment's text."""
    channel: int = field(kw_only=True)
    """0 where the channels are mixed."""
    speaker: str | None = None
    speaker_confidence: float | None = None
    is_overlap: bool = False
    local_speaker: str | None = None
    segment: int = -1
    space_before: bool = True
    """Whether a blank stands before it in running text. See `tasks.joining`."""
    language: str | None = None
    """Code of the language it was decoded in; None where that is not known."""
    times: WordTimes = "engine"
    heard: str | None = None
    """What the recogniser wrote, where `text` is a replacement of a person's file."""
    edited: bool = False
    """Whether a person corrected its text or its speaker. See `tasks.corrections`."""

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which one speaker speaks, words or not."""

    start_s: float
    end_s: float
    speaker: str
    channel: int = 0
    is_overlap: bool = False

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one speaker's words, fit for a line of a transcript."""

    index: int
    start_s: float
    end_s: float
    text: str
    num_words: int
    speaker: str | None = None
    channel: int = 0
    confidence: float | None = None
    speaker_confidence: float | None = None
    has_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of the recording. `embedding` has unit length; empty where there was nothing to measure."""

    label: str
    turn_s: float
    num_segments: int
    num_words: int
    first_s: float
    last_s: float
    link_margin: float | None = None
    embedding: tuple[float, ...] = ()
    embedding_model: str | None = None
    name: str | None = None
    """Of the person, where known."""
    voice_id: str | None = None
    voice_similarity: float | None = None
    """To what was known of the voice before; None where it was heard for the first time."""
    maybe_voice_id: str | None = None
    """A known voice that this one may be: offered, not taken for it."""
    maybe_name: str | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """A segment's text in another language."""

    segment: int
    """Index of the segment."""
    language: str
    """Code of the language that it is translated to."""
    text: str
    status: TranslationStatus
    engine: str | None = None
    """What was asked for it; None where nothing was to translate."""


@dataclass(frozen=True, slots=True)
class HourQuality:
    """How good an hour of the recording is, or a speaker in it, without a reference: a row of the table `quality`.

    Figures are None where there is nothing to measure them on. Levels are in dBFS, as recorded.
    """

    hour: int
    """From 0."""
    start_s: float
    end_s: float
    speaker: str | None
    """None: the whole hour."""
    speech_s: float = 0.0
    num_words: int = 0
    expected_wer: float | None = None
    doubtful_share: float | None = None
    """Of the words: those whose speaker is in doubt."""
    noise_dbfs: float | None = None
    speech_dbfs: float | None = None
    clipped_share: float | None = None
    """Of the speech's samples."""
    overlap_share: float | None = None
    """Of the speech: where somebody else speaks, too."""
    untranscribed_s: float | None = None
    """Speech without words."""
    num_ghosts: int | None = None
    """Speakers of few seconds whose voice is like another's."""
    dead_from_s: float | None = None
    """The longest stretch in which the microphone seems dead; in rows of whole hours."""
    dead_until_s: float | None = None
    dead_dbfs: float | None = None


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step cost on a chunk: seconds of work, of waiting for the engine; its process's peak memory, MiB."""

    seconds: float = 0.0
    wait_s: float = 0.0
    peak_mb: float = 0.0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ChunkReport:
    """How a chunk fared: a row of the table `chunks`."""

    index: int
    span: Span
    core: Span
    status: str = "complete"
    """complete, no_speech or failed."""
    error: str | None = None
    speech_s: float = 0.0
    language: str | None = None
    num_words: int = 0
    seam_kept: int = 0
    seam_dropped: int = 0
    seam_redecoded_s: float = 0.0
    loops_removed: int = 0
    silence_text_removed: int = 0
    costs: dict[str, StepCost] = field(default_factory=dict)
    """By the names in STEPS; a step that did not run is absent."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was run, when and with what."""

    run_id: str
    status: str
    """complete, or partial where a chunk failed."""
    profile: str
    models: dict[str, str]
    settings: dict[str, Any]
    settings_digest: str
    pipeline_version: str
    processed_at: str
    """ISO 8601, UTC."""
    wall_s: float
    language: str | None = None
    language_confidence: float | None = None
    speech_s: float = 0.0


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Transcript:
    """Everything that is published about one recording."""

    recording: Recording
    run: RunFacts
    words: tuple[Word, ...]
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...]
    speakers: tuple[Speaker, ...]
    chunks: tuple[ChunkReport, ...]
    translations: tuple[Translation, ...] = ()
    """Of all languages; none for a segment without text."""
    quality: tuple[HourQuality, ...] = ()
    """By hour, and in it first the whole hour, then each speaker."""

    @property
    def num_speakers(self) -> int:
        return sum(s.label != UNKNOWN for s in self.speakers)


_PLAIN = frozenset({str, int, float, bool, type(None)})


@functools.cache
def _list_fields(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's fields; None for other classes."""
    return tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def as_dict(value: Any) -> Any:
    """A record (or a list of them) as plain JSON values.

    >>> as_dict(Turn(0.0, 1.5, "SPEAKER_00"))["end_s"]
    1.5
    """
    kind: Any = type(value)
    if kind in _PLAIN:  # a day has millions: this comes first
        return value
    if (names := _list_fields(kind)) is not None:
        return {name: as_dict(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {k: as_dict(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_dict(v) for v in value]
    return value
