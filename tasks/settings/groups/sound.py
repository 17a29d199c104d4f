"""Settings of how a recording is read, cut and separated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, field_validator, model_validator

from tasks.settings.groups.group import Group
from tasks.settings.name_pattern import compile_pattern
from tasks.settings.recorded_at import describe_impossible


class ChunkingSettings(Group):
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


class AudioSettings(Group):
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


class SeparationSettings(Group):
    mode: Literal["never", "always"] = Field(
        "never", description="Separate vocals from music before recognition: never or always."
    )
    model: str = Field(
        "htdemucs",
        description="A Demucs model's name (htdemucs, htdemucs_ft), a hub repository, or a folder with one.",
    )
