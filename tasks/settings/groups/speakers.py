"""Settings of diarization and of the voices known from other recordings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from tasks.engines import registry
from tasks.settings.engine_choice import EngineChoice
from tasks.settings.groups.group import Group

OFF = "off"
"""The diarizer that says: nobody wants to know who speaks."""


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


class VoicesSettings(Group):
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
            raise ValueError(
                f"voices.store = {store}: write a folder on this machine: elsewhere nobody can be kept from writing "
                "at the same time"
            )
        return store
