"""Settings of engines: each engine's own, and those that not all have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from tasks.caching import identity
from tasks.engines.spec import Capabilities, EngineSettings
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import Settings, TranscriptionSettings
from tests.helpers.other_engines import register


class Own(EngineSettings):
    speed: int = Field(3, ge=1, le=9, description="How fast.")


@pytest.fixture(autouse=True)
def _other() -> Iterator[None]:
    can = Capabilities(prompt=True, precisions=("int4",))
    with register(settings=Own, capabilities=can):
        yield


def settings(*assignments: str, **parameters: Any) -> Settings:
    return load(parameters, assignments, environment={}, folder=Path("/nowhere"))


def refusal(*assignments: str) -> str:
    with pytest.raises(UsageError) as refused:
        settings(*assignments)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


@pytest.mark.parametrize(
    ("assignments", "told"),
    [
        (
            ["transcription.engine=wisper"],
            'transcription.engine = "wisper": there are faster-whisper, ',
        ),
        (["diarization.engine=pyanote"], 'diarization.engine = "pyanote": there are clustering, segmentation'),
        (["transcription.speed=3"], "transcription.speed: faster-whisper has no such setting; other has"),
        (
            ["transcription.engine=other", "transcription.beam_size=5"],
            "transcription.beam_size: other has no such setting; faster-whisper",
        ),
        (
            ["transcription.engine=other", "transcription.hotwords=a"],
            "transcription.hotwords: other has no such setting; faster-whisper",
        ),
        (["transcription.engine=other", "transcription.speed=0"], "transcription.speed = "),
        (["transcription.engine=other", "transcription.sped=1"], "there is no such setting; did you mean"),
        (
            ["transcription.engine=other", "transcription.compute_type=int8"],
            "transcription.compute_type = int8: other takes auto, int4",
        ),
    ],
)
def test_what_an_engine_does_not_have_is_refused_in_one_line(assignments: list[str], told: str) -> None:
    assert told in refusal(*assignments)


def test_a_name_is_refused_with_all_that_there_are_and_off() -> None:
    assert re.search(r"clustering, segmentation, .*off$", refusal("diarization.engine=x"))


@pytest.mark.parametrize(
    "assignment", ["initial_prompt=hello", "max_speech_s=8", "hotwords=none", "compute_type=auto"]
)
def test_what_an_engine_has_is_taken(assignment: str) -> None:
    assert settings("transcription.engine=other", f"transcription.{assignment}").transcription.engine == "other"


def test_own_settings_enter_keys_and_digests_where_they_differ_from_their_defaults() -> None:
    plain, same = (
        settings("transcription.engine=other"),
        settings("transcription.engine=other", "transcription.speed=3"),
    )
    fast = settings("transcription.engine=other", "transcription.speed=5")
    assert plain.digest() == same.digest() != fast.digest()
    assert identity(plain.transcription) == identity(same.transcription) != identity(fast.transcription)
    assert fast.result_facts()["transcription"]["speed"] == 5
    assert "speed" not in settings().result_facts()["transcription"]


def test_what_a_profile_sets_for_its_own_engine_is_not_said_to_another() -> None:
    chosen = settings("transcription.engine=other", profile="light").transcription
    assert (chosen.model, chosen.compute_type) == ("auto", "auto")
    assert settings("transcription.engine=faster-whisper", profile="light").transcription.model == "base"
    with pytest.raises(UsageError, match=r"transcription\.compute_type"):
        settings("transcription.engine=other", "transcription.compute_type=int8", profile="light")


def test_settings_survive_their_own_json() -> None:
    chosen = settings("transcription.engine=other", "transcription.speed=5")
    told = chosen.transcription.model_dump(mode="json", exclude_unset=True)
    assert TranscriptionSettings.model_validate(told) == chosen.transcription


def test_the_permission_to_send_sound_away_changes_no_result() -> None:
    allowed = settings("transcription.allow_remote=true")
    assert allowed.digest() == settings().digest()
    assert identity(allowed.transcription) == identity(settings().transcription)


@pytest.mark.parametrize(
    ("profile", "digest"),
    [("standard", "2ce3fc159438a181"), ("demo", "49c0df4a79e84a1d")],
)
def test_digests_of_the_profiles_are_those_before_there_were_other_engines(profile: str, digest: str) -> None:
    assert settings(profile=profile).digest().startswith(digest)
