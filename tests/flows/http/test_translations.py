"""`POST /v1/audio/translations`, asked for with openai-python; the recogniser is a service that has the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import srt

from flows.http.errors import ApiError
from flows.http.intake import check_translates
from tasks.dataset.read import read_transcript
from tasks.settings.schema import Settings
from tests.helpers.transcript_server import RunningServer, run_server
from tests.helpers.transcription_service import Answer, Service, Upload, run_transcription_service

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's word for the endpoint
SPOKEN, ENGLISH = "Guten Tag zusammen.", "Good day to all."


def answer(upload: Upload) -> Answer:
    text = ENGLISH if upload.path.endswith("/translations") else SPOKEN
    facts = {"avg_logprob": -0.3, "no_speech_prob": 0.01, "compression_ratio": 1.0}
    segment = {"id": 0, "start": 0.4, "end": 2.0, "text": f" {text}", **facts}
    return 200, {}, {"text": text, "language": "german", "segments": [segment]}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with run_transcription_service(answer) as running:
        yield running


@pytest.fixture(scope="module")
def translator(home: Path, prefect_server: None, service: Service) -> Iterator[RunningServer]:
    """A server whose recogniser is the service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_PROFILE", "demo")
        patch.setenv("DAYLONG_OUT", str(home / "spoken"))
        patch.setenv("DAYLONG_TRANSCRIPTION__ENGINE", "openai")
        patch.setenv("DAYLONG_TRANSCRIPTION__MODEL", "some-model")
        patch.setenv("DAYLONG_TRANSCRIPTION__BASE_URL", service.url)
        patch.setenv("DAYLONG_DIARIZATION__ENGINE", "off")
        patch.setenv("DAYLONG_PUNCTUATION__MODE", "never")
        with run_server(home / "data" / "serve-translations") as running:
            yield running


@pytest.fixture(scope="module")
def client(translator: RunningServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{translator.url}/v1", api_key="none", max_retries=0, timeout=600)


@pytest.fixture(scope="module")
def clip(home: Path, recording: Path) -> Path:
    """Three seconds of speech."""
    import soundfile

    path = home / "recordings" / "greeting.wav"
    soundfile.write(path, soundfile.read(recording)[0][: 3 * 16_000], 16_000)
    return path


def test_json_and_text_are_english(client: openai.OpenAI, clip: Path, service: Service) -> None:
    ask = client.audio.translations.create
    assert ask(file=clip, model="whisper-1").text == ENGLISH
    assert str(ask(file=clip, model="whisper-1", response_format="text")).strip() == ENGLISH
    assert service.problems == []
    assert service.uploads[-1].path == "/v1/audio/translations"


def test_verbose_json_names_the_task_and_the_language_of_the_text(client: openai.OpenAI, clip: Path) -> None:
    found = client.audio.translations.create(
        file=clip, model="whisper-1", prompt="A talk.", response_format="verbose_json"
    )
    assert isinstance(found, openai.types.audio.TranslationVerbose)
    assert (found.language, float(found.duration), found.text) == ("english", 3.0, ENGLISH)
    assert found.model_extra is not None
    assert found.model_extra["task"] == "translate"
    assert found.segments
    assert found.segments[0].text == f" {ENGLISH}"


def test_subtitles_are_bare_text(client: openai.OpenAI, clip: Path) -> None:
    ask = client.audio.translations.create
    (cue,) = srt.parse(str(ask(file=clip, model="whisper-1", response_format="srt")))
    assert cue.content == ENGLISH
    assert str(ask(file=clip, model="whisper-1", response_format="vtt")).startswith("WEBVTT")


def test_what_was_said_keeps_its_own_tables(client: openai.OpenAI, clip: Path, home: Path) -> None:
    said = client.audio.transcriptions.create(file=clip, model="whisper-1", response_format="verbose_json")
    client.audio.translations.create(file=clip, model="whisper-1")
    assert (said.language, said.text) == ("german", SPOKEN)
    for out, language, text in ((home / "spoken", "de", SPOKEN), (home / "spoken-in-english", "en", ENGLISH)):
        (row,) = (out / "recordings").rglob("greeting-*.parquet")
        found = read_transcript(out, row.stem)
        assert found.run.language == language
        assert {word.language for word in found.words} == {language}
        assert " ".join(word.text for word in found.words) == text


def test_a_job_is_translated_where_it_asks_for_it(translator: RunningServer, clip: Path) -> None:
    files = {"file": (clip.name, clip.read_bytes())}
    form = {"into_english": "true", "model": "whisper-1"}
    job = httpx.post(f"{translator.url}/v1/jobs", data=form, files=files).json()
    by_connection = httpx.post(f"{translator.url}/v1/audio/translations", data={"model": "whisper-1"}, files=files)
    assert by_connection.headers["x-daylong-job"] == job["id"]
    result = httpx.get(f"{translator.url}/v1/jobs/{job['id']}/result?response_format=text")
    assert result.text.strip() == ENGLISH


def test_a_recogniser_that_can_not_translate_is_named_with_those_that_can() -> None:
    with pytest.raises(ApiError, match=r"qwen3-asr, does not translate into English; faster-whisper, .* do") as error:
        check_translates(Settings.model_validate({"transcription": {"engine": "qwen3-asr"}}))
    assert (error.value.status, error.value.code) == (400, "translation_not_supported")
