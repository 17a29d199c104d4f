"""Every setting: its default, unit and range. One frozen class a step.

Sources, later over earlier: the defaults here, the profile, `daylong.toml`, the environment
(`DAYLONG_TRANSCRIPTION__MODEL=small`, `.env`), a flow's parameters, the command line's `--set`.
`load` puts them together; a wrong value is refused by name, with what would be right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tasks.engines import registry
from tasks.languages import format_language, format_languages, parse_language, suggest_language
from tasks.remote_service import check_address
from tasks.settings.engine_choice import EngineChoice
from tasks.settings.name_pattern import compile_pattern
from tasks.settings.recorded_at import describe_impossible

DEVICE = r"^(auto|cpu|cuda(:\d+(,\s*cuda:\d+)*)?)$"
FAST = "fast"
"""The aligner that says: share time out over words by their length."""
MAX_TERMS_CHARS = 1000
"""Of `transcription.vocabulary`, as of a prompt and of hotwords."""
OFF = "off"
"""The diarizer that says: nobody wants to know who speaks."""
PER_CHUNK = "per-chunk"
"""The language that says: find it anew in every chunk."""
PER_SEGMENT = "per-segment"
"""The language that says: find it for every stretch of speech."""


def _read_language(given: Any) -> Any:
    """The code of a language in any spelling; None for auto."""
    if not isinstance(given, str):
        return given
    text = given.strip().lower()
    if text == "auto":
        return None
    return text if text in (PER_CHUNK, PER_SEGMENT) else _read_code("language", given)


def _read_languages(given: Any) -> Any:
    """Codes of languages in any spelling, sorted; from text, too, with commas between them."""
    if isinstance(given, str):
        given = [part.strip(" \t\"'") for part in given.strip().strip("[]()").split(",")]
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
        return given
    return tuple(sorted({_read_code("languages", one) for one in given if one}))


def _read_list(given: Any) -> Any:
    """Items of a list; from text, too, with commas between them."""
    if isinstance(given, str):
        given = [part.strip(" \t\"'") for part in given.strip().strip("[]()").split(",")]
        return tuple(part for part in given if part)
    return given


_LATER = ("languages", "vocabulary", "replacements")
"""Settings of transcription that came after the first cache keys: named in them only where they are given."""


def _read_terms(given: Any) -> Any:
    """Terms in their order, each once; from text, too, with commas between them."""
    if isinstance(given, str):
        given = [part.strip(" \t\"'") for part in given.strip().strip("[]()").split(",")]
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
        return given
    terms = tuple(dict.fromkeys(" ".join(one.split()) for one in given if one.strip()))
    if sum(map(len, terms)) > MAX_TERMS_CHARS:
        raise ValueError(
            f"transcription.vocabulary: longer than {MAX_TERMS_CHARS} characters in all. Leave terms out"
        )
    return terms


def _read_code(name: str, given: str) -> str:
    code = parse_language(given)
    if code is None:
        near = suggest_language(given)
        modes = f", auto, {PER_CHUNK} or {PER_SEGMENT}" if name == "language" else ""
        raise ValueError(
            f"transcription.{name} = {json.dumps(given, ensure_ascii=False)}: no language that Whisper knows"
            + (f"; did you mean {near}?" if near else f". Write a code or a name (de, German, de-AT){modes}")
        )
    return code


class Step(BaseModel):
    """A frozen group of settings that refuses names it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelsSettings(Step):
    keep: Literal["all", "one"] = Field(
        "all", description="Engines held in memory at a time: all, or one (for small GPUs)."
    )
    run_in: Literal["process", "child"] = Field(
        "child",
        description="Run engines in one persistent child process, which is replaced if it dies or hangs, or in this "
        "process.",
    )
    patience: float = Field(
        10.0,
        ge=0.1,
        le=1000,
        description="With run_in = child: so many times a chunk's longest length may an engine's call take (and ten "
        "minutes at least) before its process is replaced.",
    )
    processes: int | None = Field(
        None,
        ge=1,
        le=64,
        description="With run_in = child: so many processes, each with its own engines, work side by side; more than "
        "chunks_in_flight have nothing to do. Left out: one, or one for each GPU that device names.",
    )
    idle_minutes: float | None = Field(
        None,
        ge=0.1,
        le=10_000,
        description="An engine that was not needed for so long is unloaded, and a process whose engines were not is "
        "ended, minutes; both start again when they are needed. Left out: they stay as long as the program.",
    )


class CacheSettings(Step):
    store: str | None = Field(
        None,
        description="Where large values are kept: a folder or an fsspec URL. Default: data/cache/artifacts.",
    )


class ChunkingSettings(Step):
    min_minutes: float = Field(10.0, ge=0.5, le=60, description="Shortest core of a chunk, minutes.")
    max_minutes: float = Field(15.0, ge=0.5, le=60, description="Longest core of a chunk, minutes.")
    overlap_s: float = Field(
        30.0,
        ge=0,
        le=120,
        description="Seconds that neighbouring chunks share, half on each side of the boundary.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> ChunkingSettings:
        if self.min_minutes > self.max_minutes:
            raise ValueError("chunking.min_minutes must not exceed chunking.max_minutes")
        return self


class AudioSettings(Step):
    channels: Literal["mix", "separate"] = Field(
        "mix", description="Channels: mixed down to one (mix), or a speaker in each (separate)."
    )
    track: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Number of the sound track, from 1, of files with several (a film in two languages). Left out: "
        "the one that the file marks as its default, else the first.",
    )
    name_pattern: str | None = Field(
        None,
        max_length=500,
        description="How a file's name tells when it was recorded: %d%m%y-%H%M, say (strptime), or a regular "
        "expression with groups year, month, day, hour, minute, second. Common ones are known.",
    )
    recorded_at: str | None = Field(
        None,
        max_length=40,
        description="When the recording starts, whatever its files tell: 2026-03-01T09:15:00, by the clocks of "
        "timezone, or with an offset (+01:00). For one recording.",
    )

    @field_validator("recorded_at")
    @classmethod
    def _check_time(cls, given: str | None) -> str | None:
        if given is not None:
            shown = json.dumps(given, ensure_ascii=False)
            try:
                # Without a zone: the zones of the world are within the check's grace.
                impossible = describe_impossible(datetime.fromisoformat(given).astimezone(UTC))
            except (ValueError, OverflowError):
                raise ValueError(f"audio.recorded_at = {shown}: no time. Write it as 2026-03-01T09:15:00") from None
            if impossible is not None:
                raise ValueError(f"audio.recorded_at = {shown}: {impossible}. Say when the recording began")
        return given

    @field_validator("name_pattern")
    @classmethod
    def _readable(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                compile_pattern(pattern)
            except ValueError as error:
                raise ValueError(f"audio.name_pattern = {error}") from None
        return pattern


class SeparationSettings(Step):
    mode: Literal["never", "always"] = Field(
        "never", description="Separate vocals from music before recognition: never or always."
    )
    model: str = Field(
        "htdemucs",
        description="A Demucs model's name (htdemucs, htdemucs_ft), a hub repository, or a folder with one.",
    )


class TranscriptionSettings(EngineChoice):
    step = "transcription"
    shared: ClassVar = {
        "compute_type": "precisions",
        "batch_size": "batches",
        "beam_size": "beams",
        "initial_prompt": "prompt",
        "hotwords": "hotwords",
        "vocabulary": "terms",
        "condition_on_previous_text": "context",
    }

    engine: str = Field("faster-whisper", description="The recogniser")
    model: str = Field(
        "auto",
        description="A short name that the engine knows (`daylong models explain NAME` says what it means to each; "
        "to faster-whisper small, large-v3-turbo, …), a hub repository with a model in the engine's format "
        "(Systran/faster-whisper-medium; openai/whisper-medium is not), or a folder with one. auto: the engine's "
        "own default, of faster-whisper large-v3-turbo on a GPU, small on a CPU.",
    )
    language: str | None = Field(
        None,
        description="Code or name of the spoken language (en, English, en-US, …). Left out or auto: found once for "
        f"the recording, with audio.channels = separate for each channel. {PER_CHUNK}: found in every chunk. "
        f"{PER_SEGMENT}: found for every stretch of speech, where people switch languages.",
    )
    languages: Annotated[tuple[str, ...] | None, BeforeValidator(_read_languages)] = Field(
        None,
        min_length=1,
        description="Languages that may be spoken (de,en,fr): only these are looked for where the language is to be "
        "found. Left out: all that the weights know.",
    )
    compute_type: Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"] = Field(
        "auto", description="Arithmetic of the recogniser. auto: float16 on a GPU, int8 on a CPU."
    )
    batch_size: int = Field(8, ge=1, le=128, description="Stretches of speech decoded at a time; 1 decodes in order.")
    beam_size: int = Field(5, ge=1, le=20, description="Beams of the search; 1 is greedy and fastest.")
    initial_prompt: str | None = Field(
        None,
        max_length=1000,
        description="Text that sets style and spelling; with hotwords at most 223 of the model's tokens.",
    )
    hotwords: str | None = Field(
        None,
        max_length=1000,
        description="Words to listen for; with initial_prompt at most 223 of the model's tokens, some 100 words.",
    )
    condition_on_previous_text: bool = Field(
        False, description="Let earlier text guide later text. Off by default: it carries loops on."
    )
    max_speech_s: float = Field(
        28.0, ge=2, le=30, description="Longest stretch of speech handed to the recogniser at once, seconds."
    )
    aligner: str = Field(
        FAST,
        description="How words get times that the recogniser gives none: fast (shared out by length), qwen3 (11 "
        "languages) or ctc (a CTC model of the language). words.times tells which words they are.",
    )
    aligner_model: str = Field(
        "auto",
        description="The aligner's model: of qwen3 a hub repository or a folder (by default "
        "Qwen/Qwen3-ForcedAligner-0.6B-hf), of ctc one with a CTC model of transformers (wav2vec2-base-960h, say).",
    )
    vocabulary: Annotated[tuple[str, ...] | None, BeforeValidator(_read_terms)] = Field(
        None,
        min_length=1,
        max_length=200,
        description="Names and terms to expect (Kubernetes,Istio,Dr. Okafor): given to the engine as hotwords, or in "
        "its prompt where it has none, within the same limits.",
    )
    replacements: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="A file with a line `heard => meant` for each term that is to be written otherwise, whole "
        "words, in any case; words.word_raw keeps what was heard.",
    )
    allow_remote: bool = Field(
        False, description="Let an engine that runs elsewhere have the sound: without it none leaves this machine."
    )

    # In this class alone: a form passes `auto` on, where None would mean "not given".
    _language = field_validator("language", mode="before")(_read_language)

    @field_validator("aligner")
    @classmethod
    def _is_aligner(cls, name: str) -> str:
        known = (FAST, *registry.list_names("alignment"))
        if name not in known:
            shown = json.dumps(name, ensure_ascii=False)
            raise ValueError(f"transcription.aligner = {shown}: there are {', '.join(known)}")
        return name

    @model_validator(mode="after")
    def _is_among_languages(self) -> TranscriptionSettings:
        if self.fixed_language and self.languages and self.fixed_language not in self.languages:
            raise ValueError(
                f"transcription.language = {self.language}: {format_language(self.fixed_language)} is not among "
                f"transcription.languages, {format_languages(self.languages)}"
            )
        return self

    @property
    def fixed_language(self) -> str | None:
        """The code of the one language that may be spoken; None where it is to be found."""
        if self.language in (None, PER_CHUNK, PER_SEGMENT):
            return self.languages[0] if self.languages and len(self.languages) == 1 else None
        return self.language

    def identity(self) -> dict[str, Any]:
        """What it adds to a cache key. What models' names lead to is told there by the weights' digests, and the
        language by what the step is given, whoever set or found it. Replacements are made after the step."""
        told_elsewhere = {"model", "aligner_model", "language", "replacements"}
        return self.model_dump(mode="json", exclude={*told_elsewhere, *self.list_unset()})

    def list_unset(self) -> set[str]:
        """Settings that enter keys and digests only where they are given: those without them stay what they were. And
        those that change no result: the permission, and what the engine's own settings mark so."""
        unset = {"allow_remote", *registry.find(self.step, self.engine).settings.without_effect}
        unset |= {key for key in _LATER if getattr(self, key) is None}
        return unset if self.aligns else unset | {"aligner", "aligner_model"}

    @property
    def aligns(self) -> bool:
        """Whether an engine finds the times of words that have none."""
        return self.aligner != FAST


class DiarizationSettings(EngineChoice):
    step = "diarization"
    no_engine = (OFF,)

    engine: str = Field(
        "clustering",
        description="How turns are found",
    )
    model: str = Field(
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        description="The model of sortformer (a hub repository or a .nemo file; the default) or of nemotron (a hub "
        "repository or a folder; by default nvidia/Nemotron-3-Diarization); clustering needs none.",
    )
    segmentation_model: str = Field(
        "segmentation-3.0",
        description="The model that finds overlapping speech, of the engine segmentation: segmentation-3.0 "
        "(pyannote's), or a .pt file of its tensors.",
    )
    embedding_model: str = Field(
        "nvidia/speakerverification_en_titanet_large",
        description="The speaker model that tells voices apart: a hub repository with a NeMo model (.nemo), campplus "
        "(CAM++ of 3D-Speaker), or a file of either. Models of other toolkits (pyannote, SpeechBrain) don't fit.",
    )
    num_speakers: int | None = Field(None, ge=1, le=100, description="Speakers of the whole recording, if known.")
    min_speakers: int | None = Field(None, ge=1, le=100, description="At least so many speakers.")
    max_speakers: int | None = Field(None, ge=1, le=100, description="At most so many speakers.")

    @model_validator(mode="after")
    def _ordered(self) -> DiarizationSettings:
        if self.min_speakers and self.max_speakers and self.min_speakers > self.max_speakers:
            raise ValueError("diarization.min_speakers must not exceed diarization.max_speakers")
        return self

    def list_unused(self) -> set[str]:
        """Settings that name weights of other engines: digests of settings without them stay what they were."""
        if self.engine == OFF:
            return {"segmentation_model"}
        used = {w.setting for w in registry.find("diarization", self.engine).weights}
        return {"segmentation_model"} - {setting.partition(".")[2] for setting in used}

    def speaker_range(self) -> tuple[int | None, int | None]:
        """(least, most) speakers of the recording; None where open."""
        if self.num_speakers is not None:
            return self.num_speakers, self.num_speakers
        return self.min_speakers, self.max_speakers


class PunctuationSettings(Step):
    mode: Literal["auto", "always", "never"] = Field(
        "auto",
        description="auto: only text that comes without punctuation, in languages the model knows; its weights are "
        "fetched when such text comes.",
    )
    model: str = Field(
        "oliverguhr/fullstop-punctuation-multilang-large",
        description="A token classification model that marks ends of sentences: a hub repository or a folder.",
    )


class InboxSettings(Step):
    folder: str | None = Field(None, description="The folder that is watched. Default: data/inbox.")
    settle_seconds: float = Field(
        10.0, ge=0, le=86_400, description="A file is taken when it has not changed for so long, seconds."
    )
    patience_minutes: float = Field(
        60.0,
        ge=0,
        le=10_080,
        description="A file that is empty, is no sound, or lacks the end that its header promises may still be "
        "copied: so long is it waited for, minutes without a change, before it is taken as it is.",
    )
    after: Literal["done", "keep", "delete"] = Field(
        "done",
        description="What becomes of a recording that is processed: moved to data/done (done), left where it is "
        "(keep), or deleted (delete).",
    )
    group: Literal["file", "folder"] = Field(
        "file",
        description="folder: the files of a sub-folder are one recording, as they are in one with a file _together.",
    )
    attempts: int = Field(
        3, ge=1, le=100, description="So often is a recording tried that fails for passing reasons; then quarantine."
    )


class VoicesSettings(Step):
    mode: Literal["always", "never"] = Field(
        "always",
        description="Whether speakers are compared with the voices known from other recordings, and remembered.",
    )
    store: str | None = Field(None, description="Folder that remembers them. Default: data/voices.")
    # NeMo's own verification takes two voices for one from a cosine of 0.4 on (`verify_speakers`: half of it and a
    # half is 0.7). Here a wrong name costs more than a missing one.
    # CAM++, pieces of 3–8 s of readers it is not tuned on: equal error at 0.44 (0.04 %); from 0.5 on none of 10,892
    # pairs of different people is taken for one, and 2.5 % of the pairs of one person are not.
    threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A speaker is taken for a known voice from this similarity (cosine) on. Each speaker model wants "
        "its own.",
    )
    margin: float = Field(
        0.1,
        ge=0,
        le=1,
        description="And only where that voice is so much more similar than the next; else it is offered for review.",
    )

    @field_validator("store")
    @classmethod
    def _is_a_folder(cls, store: str | None) -> str | None:
        if store is not None and "://" in store:
            raise ValueError("a folder on this machine: elsewhere nobody can be kept from writing at the same time")
        return store


class SubtitleSettings(Step):
    """How subtitles are made. Fields without a value have the profile's."""

    profile: Literal["plain", "netflix", "bbc", "social"] = Field(
        "plain",
        description="Rules of the subtitles: plain (lines of 42, the speaker before each), netflix, bbc, or social "
        "(one short line). What each asks for: tasks/exports/README.md.",
    )
    mode: Literal["accurate", "fast"] = Field(
        "accurate",
        description="Times of the words: the recogniser's (accurate), or a segment's shared out by length (fast).",
    )
    columns: int | None = Field(
        None, ge=8, le=200, description="Columns of a line; a full-width character has two. Default: the profile's."
    )
    lines: int | None = Field(None, ge=1, le=4, description="Lines of a cue. Default: the profile's.")
    reading_cps: float | None = Field(
        None,
        ge=1,
        le=100,
        description="Reading speed, columns a second; a full-width character has two. Default: the profile's.",
    )
    reading_wpm: float | None = Field(
        None, ge=10, le=1000, description="Reading speed, words a minute. Default: the profile's."
    )
    min_s: float | None = Field(None, ge=0, le=10, description="Shortest cue, seconds. Default: the profile's.")
    max_s: float | None = Field(None, ge=1, le=60, description="Longest cue, seconds. Default: the profile's.")
    pause_s: float | None = Field(
        None, ge=0.1, le=10, description="A longer pause ends a cue, seconds. Default: the profile's."
    )
    gap_frames: int | None = Field(
        None, ge=0, le=50, description="Frames between two cues at least. Default: the profile's."
    )
    close_s: float | None = Field(
        None, ge=0, le=5, description="Shorter gaps are closed to gap_frames, seconds. Default: the profile's."
    )
    frame_rate: float | None = Field(
        None, ge=10, le=240, description="Frames a second of the film, for gap_frames. Default: the profile's."
    )
    lead_s: float | None = Field(
        None,
        ge=0,
        le=1.5,
        description="So long may a cue begin before its first word, seconds. Default: the profile's.",
    )
    lag_s: float | None = Field(
        None,
        ge=0,
        le=1.5,
        description="So long may a cue begin after its first word, for the one before to be read, seconds. Default: "
        "the profile's.",
    )
    speakers: Literal["label", "dash", "none"] | None = Field(
        None,
        description="The speaker before the text (label), a dash before each of two in one cue (dash), or neither "
        "(none). Default: the profile's.",
    )
    overlaps: Literal["together", "apart"] | None = Field(
        None,
        description="Two who speak at once: lines of one cue (together), or cues side by side (apart). Default: the "
        "profile's.",
    )

    def list_unset(self) -> set[str]:
        """Settings that are left to the profile; they enter no digest."""
        return {name for name, value in self if value is None}

    def changed_values(self) -> dict[str, Any]:
        """The values that are given, in whole milliseconds, by the names of `SubtitleProfile` and its `Limits`."""
        given = self.model_dump(exclude_none=True, exclude={"profile", "mode"})
        return {
            f"{key[:-2]}_ms" if key.endswith("_s") else key: round(1000 * value) if key.endswith("_s") else value
            for key, value in given.items()
        }


ExportFormat = Literal[
    "srt", "vtt", "txt", "json", "rttm", "ctm", "seglst", "report", "ass", "ttml", "docx", "md", "csv", "lrc"
]


def _split_list(given: Any) -> Any:
    """A list from text with commas between its parts; anything else as it is."""
    if not isinstance(given, str):
        return given
    parts = (part.strip(" \t\"'") for part in given.strip().strip("[]()").split(","))
    return tuple(part for part in parts if part)


class ExportSettings(Step):
    formats: Annotated[tuple[ExportFormat, ...] | None, BeforeValidator(_split_list)] = Field(
        None,
        description="Files that are written of each recording: srt, vtt, txt, json, rttm, ctm, seglst, report, md, "
        "csv, lrc; with the extra subtitles ass, ttml, docx, too. Default: the first eight.",
    )

    @field_validator("formats")
    @classmethod
    def _names_any(cls, formats: tuple[ExportFormat, ...] | None) -> tuple[ExportFormat, ...] | None:
        if formats == ():
            raise ValueError("exports.formats: name one format at least, or leave it out")
        return formats


def _read_targets(given: Any) -> Any:
    """Codes of languages in any spelling, each once, in their order; from text, too, with commas between them."""
    listed = _read_list(given)
    if not isinstance(listed, (list, tuple)) or not all(isinstance(one, str) for one in listed):
        return given
    return tuple(dict.fromkeys(_read_target(one) for one in listed if one.strip()))


def _read_target(given: str) -> str:
    code = parse_language(given)
    if code is None:
        near = suggest_language(given)
        raise ValueError(
            f"translation.languages = {json.dumps(given, ensure_ascii=False)}: no language that is known"
            + (f"; did you mean {near}?" if near else ". Write a code or a name (de, German)")
        )
    return code


class TranslationSettings(Step):
    """Other languages, and the service that translates. The key itself is no setting, lest it be written anywhere."""

    languages: Annotated[tuple[str, ...] | None, BeforeValidator(_read_targets)] = Field(
        None,
        max_length=20,
        description="Languages that each recording is translated to (de,fr). Left out: none.",
    )
    base_url: str = Field(
        "http://127.0.0.1:11434/v1",
        max_length=500,
        description="Address of an OpenAI-compatible service, with its /v1: by default Ollama's on this machine. The "
        "text leaves this machine for any but 127.0.0.1 and localhost.",
    )
    model: str = Field(
        "auto", min_length=1, max_length=300, description="The service's model. auto: the only one that it has."
    )
    allow_remote: bool = Field(
        False, description="Let a service on another machine have the text: without it none leaves this machine."
    )
    glossary: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="A file with a line for each `term` that stays, or `term => translation`; lines after `[de]` "
        "hold for German alone.",
    )
    api_key_variable: str = Field(
        "OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the service's key; without one no key is sent.",
    )
    batch_size: int = Field(20, ge=1, le=100, description="Sentences of a request.")
    timeout_s: float = Field(120.0, ge=1, le=3600, description="Longest that an answer may take, seconds.")
    attempts: int = Field(
        4, ge=1, le=20, description="So often is a request tried that fails for passing reasons (429, 5xx)."
    )

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        return check_address(url, "translation.base_url")

    def list_without_effect(self) -> set[str]:
        """Settings that change no result, and those that are left out; they enter no digest."""
        unset = {name for name, value in self if value is None}
        return unset | {"allow_remote", "api_key_variable", "batch_size", "timeout_s", "attempts"}


class LoggingSettings(Step):
    format: Literal["text", "json"] = Field(
        "text", description="Log lines for people (text), or one JSON object a line (json)."
    )


class MetricsSettings(Step):
    textfile: str | None = Field(
        None,
        pattern=r"\.prom$",
        description="File to which each run adds its figures as Prometheus text, for node_exporter's textfile "
        "collector: a name ending in .prom. Left out: none.",
    )


Names = Annotated[tuple[str, ...], BeforeValidator(_read_list)]


class ServeSettings(Step):
    enabled: bool = Field(False, description="Whether `daylong up` starts the server of `daylong serve`, too.")
    host: str = Field(
        "127.0.0.1",
        description="Address that `daylong serve` listens on: this machine alone. Any other wants api_keys.",
    )
    port: int = Field(8000, ge=1, le=65_535, description="Its port.")
    api_keys: str | None = Field(
        None,
        description="File with the hashes of the API keys; `daylong serve --add-key NAME` adds one. Left out: no key "
        "is asked for, which only an address of this machine alone may do.",
    )
    roots: Names | None = Field(
        None, description="Folders below which a job may name a recording by its path. Left out: none."
    )
    origins: Names | None = Field(
        None,
        description="Web pages (https://notes.example.org) that may send requests from browsers. Left out: none.",
    )
    webhook_hosts: Names | None = Field(
        None,
        description="Hosts at private addresses to which webhooks may be sent. Public addresses need no leave.",
    )
    at_once: int = Field(
        2, ge=1, le=16, description="Recordings worked on at a time; with two or more, one place is for short ones."
    )
    short_minutes: float = Field(
        20.0, ge=0.1, le=1440, description="Recordings up to so many minutes go before longer ones."
    )
    max_waiting: int = Field(
        64, ge=1, le=10_000, description="Recordings that may wait; more are refused until later (status 429)."
    )
    max_upload_gb: float = Field(16.0, gt=0, le=1000, description="Largest upload, GB.")
    uploads_gb: float = Field(
        64.0, gt=0, le=100_000, description="Room for uploads that wait or are worked on, all together, GB."
    )
    keep_hours: float = Field(
        168.0, ge=0, le=87_600, description="A finished job is known for so long, hours; tables and exports stay."
    )


class Settings(Step):
    """All settings of a run."""

    profile: Literal["standard", "light", "demo"] = Field(
        "standard",
        description="standard: public weights; light: smaller ones, for CPUs and closed networks; demo: the small "
        "weights in data/models/demo.",
    )
    out: str | None = Field(None, description="Folder for the results. Default: data/transcripts.")
    device: str = Field(
        "auto",
        pattern=DEVICE,
        description="auto takes a GPU where there is one; cpu; cuda; or the GPUs to use by number, cuda:0,cuda:1, "
        "each with a process of its own.",
    )
    timezone: str = Field("UTC", description="IANA name of the zone that recorded_date is told in.")
    runner: Literal["threads"] = Field("threads", description="What runs the steps of chunks: threads.")
    chunks_in_flight: int = Field(
        2, ge=1, le=64, description="Chunks worked on at a time: one in the engines, the next being decoded."
    )
    models: Annotated[ModelsSettings, Field(description="Engines in memory.")] = ModelsSettings()
    cache: Annotated[CacheSettings, Field(description="Where results of steps are kept.")] = CacheSettings()
    chunking: Annotated[ChunkingSettings, Field(description="How a recording is cut.")] = ChunkingSettings()
    audio: Annotated[AudioSettings, Field(description="How sound is read.")] = AudioSettings()
    separation: Annotated[SeparationSettings, Field(description="Demucs.")] = SeparationSettings()
    transcription: Annotated[TranscriptionSettings, Field(description="Words.")] = TranscriptionSettings()
    diarization: Annotated[DiarizationSettings, Field(description="Speakers.")] = DiarizationSettings()
    punctuation: Annotated[PunctuationSettings, Field(description="Punctuation.")] = PunctuationSettings()
    voices: Annotated[VoicesSettings, Field(description="People across recordings.")] = VoicesSettings()
    inbox: Annotated[InboxSettings, Field(description="The folder-watch.")] = InboxSettings()
    subtitles: Annotated[SubtitleSettings, Field(description="Rules of the subtitles.")] = SubtitleSettings()
    exports: Annotated[ExportSettings, Field(description="Files of a recording.")] = ExportSettings()
    translation: Annotated[TranslationSettings, Field(description="Other languages.")] = TranslationSettings()
    logging: Annotated[LoggingSettings, Field(description="Logs.")] = LoggingSettings()
    metrics: Annotated[MetricsSettings, Field(description="Figures of the runs.")] = MetricsSettings()
    serve: Annotated[ServeSettings, Field(description="The server of `daylong serve`.")] = ServeSettings()

    @field_validator("device", mode="wrap")
    @classmethod
    def _is_a_device(cls, given: Any, check: Callable[[Any], str]) -> str:
        try:
            return check(given)
        except ValidationError:
            shown = json.dumps(given, default=str, ensure_ascii=False)
            raise ValueError(f"device = {shown}: write auto, cpu, cuda, or GPUs by number: cuda:0,cuda:1") from None

    @model_validator(mode="after")
    def _can_place_engines(self) -> Settings:
        gpus, processes = self.list_gpus(), self.models.processes
        if self.models.run_in == "process" and (gpus or (processes or 1) > 1):
            what = f"device = {self.device}" if gpus else f"models.processes = {processes}"
            raise ValueError(f"{what}: only engines in processes of their own can; set models.run_in = child")
        if processes is not None and processes < len(gpus):
            raise ValueError(f"models.processes = {processes}: device = {self.device} names {len(gpus)} GPUs")
        return self

    def list_gpus(self) -> tuple[int, ...]:
        """Numbers of the GPUs that `device` names."""
        return tuple(dict.fromkeys(int(part.partition(":")[2]) for part in self.device.split(",") if ":" in part))

    @property
    def knows_voices(self) -> bool:
        """Whether speakers' voices are measured: anybody wants to know who speaks."""
        return self.diarization.engine != OFF

    @property
    def diarizes(self) -> bool:
        """Whether voices are told apart: else nobody wants to know, or each has a channel."""
        return self.knows_voices and self.audio.channels == "mix"

    def result_facts(self) -> dict[str, Any]:
        """What changes the result: everything but devices, places and worker counts."""
        return self.model_dump(
            mode="json",
            exclude={
                "out": True,
                "device": True,
                "runner": True,
                "chunks_in_flight": True,
                "models": True,
                "cache": True,
                "voices": {"store"},
                "inbox": True,
                "logging": True,
                "metrics": True,
                "subtitles": True if self.subtitles == SubtitleSettings() else self.subtitles.list_unset(),
                "exports": True if self.exports == ExportSettings() else set(),
                "translation": self.translation.list_without_effect() if self.translation.languages else True,
                "serve": True,
                # Named only where they are used: digests of other settings stay what they were without them.
                "transcription": self.transcription.list_unset(),
                "audio": {"track"} if self.audio.track is None else set(),
                "diarization": self.diarization.list_unused(),
            },
        )

    def digest(self) -> str:
        """SHA-256 of `result_facts`, hexadecimal."""
        canonical = json.dumps(self.result_facts(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
