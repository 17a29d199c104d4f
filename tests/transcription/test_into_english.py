"""Engines that translate are told to, write English, and settings that don't ask for it keep their keys."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.engines.registry import find, list_specs
from tasks.engines.spec import Capabilities
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.settings.load import load
from tasks.settings.schema import Settings, TranscriptionSettings
from tasks.transcription import openai, whisper, whisper_cpp
from tasks.transcription.openai_client import TranscriptionClient
from tasks.transcription.options import build_decoding_options
from tasks.transcription.step import transcribe_chunk
from tests.helpers.transcription_service import run_transcription_service

ENGLISH = TranscriptionSettings(into_english=True)
SOUND = np.random.default_rng(2).normal(0, 0.1, 8 * 16_000).astype(np.float32)


def test_only_engines_that_translate_are_asked_to() -> None:
    assert "into_english" not in build_decoding_options(TranscriptionSettings(), Capabilities(translates=True))
    assert build_decoding_options(ENGLISH, Capabilities(translates=True)) == {"into_english": True}
    assert build_decoding_options(ENGLISH, Capabilities()) == {}
    able = {spec.name for spec in list_specs("transcription") if spec.capabilities.translates}
    assert able == {"faster-whisper", "whisper-cpp", "mlx-whisper", "openai"}


def test_an_engine_that_can_not_is_named_with_those_that_can() -> None:
    with pytest.raises(UsageError, match=r"into_english: parakeet has no such setting; faster-whisper"):
        load({}, ["transcription.engine=parakeet", "transcription.into_english=true"], environment={})


def test_words_that_are_not_spoken_are_not_aligned() -> None:
    with pytest.raises(UsageError, match=r"into_english: an aligner finds words that are spoken"):
        load({}, ["transcription.aligner=ctc", "transcription.into_english=true"], environment={})


def test_keys_and_digests_know_it_only_where_it_is_asked_for() -> None:
    plain, asked = (Settings.model_validate({"transcription": {"into_english": on}}) for on in (False, True))
    assert plain.digest() == Settings().digest() != asked.digest()
    assert plain.transcription.identity() == TranscriptionSettings().identity()
    assert asked.transcription.identity() == plain.transcription.identity() | {"into_english": True}


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("asked", [False, True])
def test_faster_whisper_is_given_its_task(batch_size: int, asked: bool) -> None:
    given: list[dict[str, Any]] = []
    model = SimpleNamespace(transcribe=lambda *_, **options: (given.append(options), ([], None))[1])
    options = {"batch_size": batch_size} | ({"into_english": True} if asked else {})
    whisper.FasterWhisper(model, model).transcribe(SOUND, [(0.0, 4.0)], "de", options)
    assert [each.get("task") for each in given] == ["translate" if asked else None]
    assert "into_english" not in given[0]


def test_whisper_cpp_is_given_its_parameter() -> None:
    library = SimpleNamespace(
        whisper_sampling_strategy=SimpleNamespace(WHISPER_SAMPLING_BEAM_SEARCH=1, WHISPER_SAMPLING_GREEDY=0),
        whisper_full_default_params=lambda _: SimpleNamespace(),
    )
    model = whisper_cpp.WhisperCpp(library, SimpleNamespace(_ctx=None), 1)
    assert model._build_parameters("de", {"into_english": True}).translate is True
    assert model._build_parameters("de", {}).translate is False


def test_a_service_is_asked_for_a_translation_and_for_no_granularities() -> None:
    answer = {"text": "Hello.", "segments": [{"start": 0.5, "end": 1.5, "text": " Hello."}]}
    with run_transcription_service(lambda _: (200, {}, answer)) as service:
        engine = openai.OpenAI(TranscriptionClient(service.url, "some-model"))
        (word,) = engine.transcribe(SOUND, [(2.0, 6.0)], "de", {"into_english": True, "initial_prompt": "A talk."})
    assert service.problems == []
    (upload,) = service.uploads
    assert upload.path == "/v1/audio/translations"
    assert upload.fields == {
        "model": ["some-model"],
        "temperature": ["0"],
        "response_format": ["verbose_json"],
        "prompt": ["A talk."],
    }
    assert (word["word"], word["start"], word["end"]) == (" Hello.", 2.5, 3.5)


def test_speech_without_words_is_no_hole_where_words_are_not_those_spoken() -> None:
    calls = []

    def ask(_method: str, _samples: Any, stretches: Any, _language: str, options: dict[str, Any]) -> Any:
        calls.append(options)
        facts = {"stretch": 0, "probability": 0.45, "avg_logprob": -0.9}
        return [{"start": 0.2 + i / 5, "end": 0.4 + i / 5, "word": f" w{i}", **facts} for i in range(5)]

    found = transcribe_chunk(SOUND, [Span(0.0, 8.0)], "de", ENGLISH, ask)
    assert len(calls) == 1
    assert [w.text for w in found.words] == ["w0", "w1", "w2", "w3", "w4"]  # a confidence that speech would not pass
    assert find("transcription", ENGLISH.engine).capabilities.redecodes
