"""Settings of the recognition of speech and of punctuation."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from tasks.engines import registry
from tasks.languages import format_language, format_languages, parse_language, suggest_language
from tasks.settings.engine_choice import EngineChoice
from tasks.settings.groups.group import Group, read_list

FAST = "fast"
"""The aligner that says: share time out over words by their length."""
MAX_TERMS_CHARS = 1000
"""Of `transcription.vocabulary`, as of a prompt and of hotwords."""
PER_CHUNK = "per-chunk"
"""The language that says: find it anew in every chunk."""
PER_SEGMENT = "per-segment"
"""The language that says: find it for every stretch of speech."""
_LATER = ("languages", "vocabulary", "replacements", "into_english")
"""Settings of transcription that came after the first cache keys: named in them only where they are given."""


def _read_language(given: Any) -> Any:
    """The code of a language in any spelling; None for auto and for no text."""
    if not isinstance(given, str):
        return given
    text = given.strip().lower()
    if text in ("", "auto"):
        return None
    mode = text.replace("_", "-").replace(" ", "-")
    return mode if mode in (PER_CHUNK, PER_SEGMENT) else _read_code("language", given)


def _read_languages(given: Any) -> Any:
    """Codes of languages in any spelling, sorted; from text, too, with commas between them. None for auto."""
    given = read_list(given)
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
        return given
    if [one.strip().lower() for one in given] == ["auto"]:
        return None
    return tuple(sorted({_read_code("languages", one) for one in given if one}))


def _read_terms(given: Any) -> Any:
    """Terms in their order, each once; from text, too, with commas between them."""
    given = read_list(given)
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
        several = [parse_language(one) for one in given.split(",")]
        if name == "language" and len(several) > 1 and all(several):
            raise ValueError(
                f"transcription.language = {json.dumps(given, ensure_ascii=False)}: that is several. Write "
                f"transcription.languages = {','.join(map(str, several))}"
            )
        modes = f", auto, {PER_CHUNK} or {PER_SEGMENT}" if name == "language" else ""
        raise ValueError(
            f"transcription.{name} = {json.dumps(given, ensure_ascii=False)}: no language that Whisper knows"
            + (f"; did you mean {near}?" if near else f". Write a code or a name (de, German, de-AT){modes}")
        )
    return code


class TranscriptionSettings(EngineChoice):
    step = "transcription"
    shared: ClassVar = {
        "compute_type": "precisions",
        "batch_size": "batches",
        "beam_size": "beams",
        "initial_prompt": "prompt",
        "hotwords": "hotwords",
        "vocabulary": "terms",
        "into_english": "translates",
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
    into_english: bool = Field(
        False,
        description="Have the engine write English, whatever is spoken, in place of what is said. Times of words are "
        "rough then. Text in other languages beside the transcript: translation.languages.",
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

    @model_validator(mode="after")
    def _can_place_words(self) -> TranscriptionSettings:
        if self.into_english and self.aligns:
            raise ValueError(
                f"transcription.into_english: an aligner finds words that are spoken, and English may not be. Leave "
                f"transcription.aligner = {self.aligner} away"
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
        unset |= {key for key in _LATER if not getattr(self, key)}
        return unset if self.aligns else unset | {"aligner", "aligner_model"}

    @property
    def aligns(self) -> bool:
        """Whether an engine finds the times of words that have none."""
        return self.aligner != FAST

    @property
    def written_language(self) -> str | None:
        """The language that words are written in whatever is spoken; None where that is the spoken one."""
        return "en" if self.into_english else None


class PunctuationSettings(Group):
    mode: Literal["auto", "always", "never"] = Field(
        "auto",
        description="auto: only text that comes without punctuation, in languages the model knows; its weights are "
        "fetched when such text comes.",
    )
    model: str = Field(
        "oliverguhr/fullstop-punctuation-multilang-large",
        description="A token classification model that marks ends of sentences: a hub repository or a folder.",
    )
