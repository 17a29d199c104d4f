"""Settings of subtitles, files of results and translations."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from tasks.languages import parse_language, suggest_language
from tasks.remote_service import check_address
from tasks.settings.groups.group import Group, read_list


class SubtitleSettings(Group):
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


class ExportSettings(Group):
    formats: Annotated[tuple[ExportFormat, ...] | None, BeforeValidator(read_list)] = Field(
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
    listed = read_list(given)
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


class TranslationSettings(Group):
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
