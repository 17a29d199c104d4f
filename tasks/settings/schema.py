"""Every setting: its default, unit and range. One frozen class a group: tasks/settings/groups.

Sources, later over earlier: the defaults here, the profile, `daylong.toml`, the environment
(`DAYLONG_TRANSCRIPTION__MODEL=small`, `.env`), a flow's parameters, the command line's `--set`.
`load` puts them together; a wrong value is refused by name, with what would be right.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator

from tasks.settings.groups.engines import CacheSettings, ModelsSettings
from tasks.settings.groups.exports import ExportFormat, ExportSettings, SubtitleSettings, TranslationSettings
from tasks.settings.groups.group import Group
from tasks.settings.groups.operation import InboxSettings, LoggingSettings, MetricsSettings, ServeSettings
from tasks.settings.groups.sound import AudioSettings, ChunkingSettings, SeparationSettings
from tasks.settings.groups.speakers import OFF, DiarizationSettings, VoicesSettings
from tasks.settings.groups.words import FAST, PER_CHUNK, PER_SEGMENT, PunctuationSettings, TranscriptionSettings

__all__ = [
    "DEVICE",
    "FAST",
    "OFF",
    "PER_CHUNK",
    "PER_SEGMENT",
    "AudioSettings",
    "CacheSettings",
    "ChunkingSettings",
    "DiarizationSettings",
    "ExportFormat",
    "ExportSettings",
    "InboxSettings",
    "LoggingSettings",
    "MetricsSettings",
    "ModelsSettings",
    "PunctuationSettings",
    "SeparationSettings",
    "ServeSettings",
    "Settings",
    "SubtitleSettings",
    "TranscriptionSettings",
    "TranslationSettings",
    "VoicesSettings",
]

ADDRESSES = {
    "dask": (r"(tcp|tls|ws|wss|ucxx?)://[^/\s]+", "a scheduler, tcp://host:8786 or tls://host:8786"),
    "ray": (r"auto|[^/\s]+:\d+", "auto or host:6379: Daylong must run on a machine of the cluster"),
}
"""What `runner_address` may be for each runner, as a pattern and for people."""
DEVICE = r"^(auto|cpu|cuda(:\d+(,\s*cuda:\d+)*)?)$"


class Settings(Group):
    """All settings of a run."""

    profile: Literal["standard", "light", "demo"] = Field(
        "standard",
        description="standard: public weights; light: smaller ones, for CPUs and closed networks; demo: the small "
        "weights in data/models/demo.",
    )
    out: str | None = Field(None, description="Folder for the results. Default: data/transcripts.")
    storage: str | None = Field(
        None,
        pattern=r"^(s3://[^/?#\s]+|file:///[^?#]*)[^?#]*$",
        description="Where several machines keep what they share, all of it: results of steps with their records, "
        "tables and exports (unless out names a folder), voices, corrections, and who works on what. "
        "s3://bucket/prefix, or file:///folder for one that all machines mount. Default: nothing is shared.",
    )
    storage_lease_s: float = Field(
        60.0,
        ge=2,
        le=3600,
        description="A process that is not heard of for so long loses the recording that it works on to another, "
        "seconds.",
    )
    storage_copy_gb: float = Field(
        20.0, ge=0, le=100_000, description="Values of the shared storage that this machine keeps a copy of, GB."
    )
    device: str = Field(
        "auto",
        pattern=DEVICE,
        description="auto takes a GPU where there is one; cpu; cuda; or the GPUs to use by number, cuda:0,cuda:1, "
        "each with a process of its own.",
    )
    timezone: str = Field("UTC", description="IANA name of the zone that recorded_date is told in.")
    runner: Literal["threads", "dask", "ray"] = Field(
        "threads",
        description="What runs the steps of chunks: threads of this process; dask or ray: processes of such a "
        "cluster, each with engines of its own.",
    )
    runner_address: str | None = Field(
        None,
        description="The cluster. dask: its scheduler, tcp://host:8786 or tls://host:8786. ray: its head, host:6379, "
        "or auto: the one that this machine is part of. Default: a cluster of this machine while the chunks are "
        "worked on, of models.processes or two processes.",
    )
    chunks_in_flight: int = Field(
        2,
        ge=1,
        le=64,
        description="Chunks worked on at a time: one in the engines, the next being decoded. Left out where several "
        "processes have engines: one more than these.",
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

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            shown = json.dumps(name, ensure_ascii=False)
            raise ValueError(f"timezone = {shown}: no such zone. Write an IANA name such as Europe/Berlin") from None
        return name

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

    @model_validator(mode="after")
    def _has_an_address_of_its_runner(self) -> Settings:
        if self.runner_address is None:
            return self
        given = f"runner_address = {self.runner_address}"
        if self.runner not in ADDRESSES:
            raise ValueError(f"{given}: runner = {self.runner} has no cluster")
        pattern, example = ADDRESSES[self.runner]
        if not re.fullmatch(pattern, self.runner_address):
            raise ValueError(f"{given}: runner = {self.runner} takes {example}")
        return self

    def count_chunks_in_flight(self) -> int:
        """Chunks worked on at a time: as set, or one for each process that has engines and the next one."""
        if "chunks_in_flight" in self.model_fields_set:
            return self.chunks_in_flight
        return max(self.chunks_in_flight, 1 + (self.models.processes or len(self.list_gpus())))

    @field_validator("storage")
    @classmethod
    def _has_one_spelling(cls, storage: str | None) -> str | None:
        return storage and storage.rstrip("/")

    @model_validator(mode="after")
    def _keeps_all_in_one_storage(self) -> Settings:
        elsewhere = {"cache.store": self.cache.store, "voices.store": self.voices.store}
        for name, place in elsewhere.items():
            if self.storage is not None and place is not None:
                raise ValueError(f"{name} = {place}: with storage = {self.storage} it lies there; leave {name} out")
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
                "storage": True,
                "storage_lease_s": True,
                "storage_copy_gb": True,
                "device": True,
                "runner": True,
                "runner_address": True,
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
