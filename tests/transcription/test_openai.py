"""The engine `openai` against a service on loopback: what it sends, what it reads, when it tries again, and that no
sound leaves the machine without permission."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from tasks.errors import MachineFault, PermanentError, TransientError, UsageError
from tasks.remote_service import choose_wait, is_loopback, read_key, read_retry_after
from tasks.settings.load import load as load_settings
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import openai
from tasks.transcription.openai_client import TranscriptionClient
from tests.helpers.transcription_service import Answer, Service, Upload, run_transcription_service

RATE = 16_000
KEY = "sk-very-secret-0123456789"
WORDS = [{"word": "hello", "start": 0.5, "end": 0.9}, {"word": "there", "start": 1.0, "end": 1.25}]
SEGMENTS = [
    {"start": 0.5, "end": 1.3, "text": " Hello there.", "avg_logprob": -0.3, "no_speech_prob": 0.01},
]
VERBOSE = {"text": "Hello there.", "language": "english", "words": WORDS, "segments": SEGMENTS}


@pytest.fixture
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(2).normal(0, 0.1, 10 * RATE).astype(np.float32)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Upload], Answer]], Service]]:
    running = []

    def begin(answer: Callable[[Upload], Answer]) -> Service:
        running.append(run_transcription_service(answer))
        return running[-1].__enter__()

    yield begin
    for one in running:
        one.__exit__(None, None, None)


def connect(service: Service, **options: Any) -> tuple[openai.OpenAI, list[float]]:
    """The engine, and the seconds that it waited (none for real)."""
    waits: list[float] = []
    client = TranscriptionClient(service.url, "some-model", sleep=waits.append, **options)
    return openai.OpenAI(client), waits


def test_every_field_of_a_request(serve: Any, noise: NDArray[np.float32]) -> None:
    service = serve(lambda _: (200, {}, VERBOSE))
    engine, _ = connect(service, key=KEY)
    options = {"batch_size": 1, "beam_size": 5, "initial_prompt": "A talk.", "hotwords": "Istio Helm"}
    engine.transcribe(noise, [(2.0, 4.0)], "en", options)
    [upload] = service.uploads
    assert service.problems == []
    assert (upload.path, upload.key) == ("/v1/audio/transcriptions", f"Bearer {KEY}")
    assert upload.fields == {
        "model": ["some-model"],
        "temperature": ["0"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
        "language": ["en"],
        "prompt": ["A talk. Istio Helm"],
    }
    assert np.abs(upload.samples - noise[2 * RATE : 4 * RATE]).max() < 1e-4


def test_without_a_key_or_a_language_none_is_sent(serve: Any, noise: NDArray[np.float32]) -> None:
    service = serve(lambda _: (200, {}, VERBOSE))
    engine, _ = connect(service)
    assert engine.detect_languages(noise, [(0.0, 2.0)]) == [[("en", 1.0)]]
    assert service.uploads[0].key is None
    assert not {"language", "prompt"} & service.uploads[0].fields.keys()
    assert engine.transcribe(noise[:0], [(0.0, 0.0)]) == []


def test_words_have_the_services_times_and_the_texts_punctuation(serve: Any, noise: NDArray[np.float32]) -> None:
    engine, _ = connect(serve(lambda _: (200, {}, VERBOSE)))
    words = engine.transcribe(noise, [(2.0, 4.0), (6.0, 9.0)], "en", {"batch_size": 2})
    assert [(w["word"], w["start"], w["end"], w["stretch"]) for w in words] == [
        (" Hello", 2.5, 2.9, 0),
        (" there.", 3.0, 3.25, 0),
        (" Hello", 6.5, 6.9, 1),
        (" there.", 7.0, 7.25, 1),
    ]
    assert all(w["avg_logprob"] == -0.3 and w["no_speech_prob"] == 0.01 for w in words)


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        (lambda f: "timestamp_granularities[]" in f, ["verbose_json", "verbose_json"]),
        (lambda f: f["response_format"] != ["json"], ["verbose_json", "verbose_json", "json"]),
    ],
)
def test_a_service_that_offers_less_is_asked_for_less_once(
    serve: Any, noise: NDArray[np.float32], refused: Any, asked: list[str]
) -> None:
    def answer(upload: Upload) -> Answer:
        if refused(upload.fields):
            return 400, {}, {"error": {"message": "not offered"}}
        if upload.fields["response_format"] == ["json"]:
            return 200, {}, {"text": "Hello there."}
        return 200, {}, {"text": "Hello there.", "segments": SEGMENTS}

    service = serve(answer)
    engine, _ = connect(service)
    words = engine.transcribe(noise, [(2.0, 4.0)], "en")
    assert [w["word"] for w in words] == [" Hello", " there."]
    assert all(2.0 <= w["start"] < w["end"] <= 4.0 for w in words)  # type: ignore[operator]
    engine.transcribe(noise, [(2.0, 4.0)], "en")
    assert [u.fields["response_format"][0] for u in service.uploads] == [*asked, asked[-1]]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_what_passes_is_tried_again(serve: Any, noise: NDArray[np.float32], status: int) -> None:
    answers: list[Answer] = [(status, {}, "busy"), (status, {"Retry-After": "7"}, "busy"), (200, {}, VERBOSE)]
    engine, waits = connect(serve(lambda _: answers.pop(0)))
    assert len(engine.transcribe(noise, [(2.0, 4.0)], "en")) == 2
    assert 1.0 <= waits[0] <= 1.25
    assert waits[1:] == [7.0]


def test_a_service_that_stays_away_is_given_up_without_the_key(serve: Any, noise: NDArray[np.float32]) -> None:
    engine, waits = connect(serve(lambda _: (503, {}, KEY)), key=KEY, attempts=3)
    with pytest.raises(TransientError, match="status 503, 3 times") as found:
        engine.transcribe(noise, [(2.0, 4.0)], "en")
    assert len(waits) == 2
    assert KEY not in str(found.value)
    nobody = openai.OpenAI(TranscriptionClient("http://127.0.0.1:9/v1", "m", attempts=2, sleep=lambda _: None))
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:9/v1/audio/transcriptions: ConnectError"):
        nobody.transcribe(noise, [(2.0, 4.0)], "en")


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, {}, {"error": {"message": f"Incorrect key {KEY}"}}), MachineFault, "refuses the key"),
        ((404, {}, "no"), MachineFault, "no model some-model"),
        ((413, {}, {"error": {"message": f"too big for {KEY}"}}), PermanentError, "status 413, too big for …"),
        ((307, {"Location": "http://example.invalid/"}, ""), PermanentError, "status 307"),
        ((200, {}, "<html>"), PermanentError, "no transcription in JSON"),
        ((200, {}, {"error": "no"}), PermanentError, "no transcription in JSON"),
        ((503, {"Retry-After": "86400"}, "closed"), TransientError, "1 times"),
    ],
)
def test_what_does_not_pass_is_one_line_without_the_key(
    serve: Any, noise: NDArray[np.float32], answer: Answer, error: type[Exception], said: str
) -> None:
    engine, _ = connect(serve(lambda _: answer), key=KEY)
    with pytest.raises(error, match=said) as found:
        engine.transcribe(noise, [(2.0, 4.0)], "en")
    assert KEY not in str(found.value)
    assert "\n" not in str(found.value)


def test_nothing_that_is_logged_has_the_key(
    serve: Any, noise: NDArray[np.float32], caplog: pytest.LogCaptureFixture
) -> None:
    engine, _ = connect(serve(lambda _: (200, {}, VERBOSE)), key=KEY)
    with caplog.at_level(logging.DEBUG):
        engine.transcribe(noise, [(2.0, 4.0)], "en")
    assert caplog.text
    assert KEY not in caplog.text


def test_uploads_stay_below_25_mb(serve: Any, noise: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    assert openai.LONGEST_S * RATE * 2 < 25_000_000 * 0.8
    monkeypatch.setattr(openai, "LONGEST_S", 6.0)
    service = serve(lambda _: (200, {}, {"text": "on and on"}))
    engine, _ = connect(service)
    words = engine.transcribe(noise, [(1.0, 8.0)], "en", {"batch_size": 1})
    assert [len(u.samples) / RATE for u in service.uploads] == [6.0, 1.0]
    assert [w["stretch"] for w in words] == [0] * 6
    assert words[3]["start"] == 7.0
    # Of sound that can't be compressed, a file is hardly longer than its samples.
    assert all(u.size < 2 * len(u.samples) * 1.1 for u in service.uploads)


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "http://192.168.1.9:8000/v1", "http://127.0.0.1.example/v1"]
)
def test_no_sound_leaves_this_machine_without_permission(url: str) -> None:
    with pytest.raises(UsageError, match=r"transcription\.allow_remote = true"):
        openai.load(url, "whisper-1")
    assert not is_loopback(url)
    assert openai.load(url, "whisper-1", allow_remote=True)


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"])
def test_a_service_on_this_machine_needs_no_permission(url: str) -> None:
    settings = TranscriptionSettings.model_validate({"engine": "openai", "base_url": url})
    assert openai.find_destination(settings) is None
    assert openai.load(url, "whisper-1")


def test_a_run_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.recording.preparation import check_engines

    given = {"profile": "demo", "transcription": {"engine": "openai"}}
    with pytest.raises(UsageError, match=r"sound to api\.openai\.com\. Only .*allow_remote = true"):
        check_engines(load_settings(given, environment={}, folder=tmp_path), "cpu")
    allowed = {"profile": "demo", "transcription": {"engine": "openai", "allow_remote": True}}
    check_engines(load_settings(allowed, environment={}, folder=tmp_path), "cpu")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.openai.com/v1", "Write it as"),
        ("ftp://here/v1", "Write it as"),
        ("https://user:sk-1@host/v1", "leave out keys"),
        ("https://host/v1?key=sk-1", "leave out keys"),
    ],
)
def test_addresses_that_are_none_or_hold_keys_are_refused(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TranscriptionSettings.model_validate({"engine": "openai", "base_url": url})


def test_the_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    assert read_key("MY_KEY") == KEY
    assert read_key("NO_SUCH_KEY") is None
    monkeypatch.setenv("MY_KEY", "schlüssel")
    with pytest.raises(UsageError, match="MY_KEY: the key has characters"):
        read_key("MY_KEY")


def test_only_the_address_and_the_model_are_in_keys() -> None:
    plain, other, elsewhere = (
        TranscriptionSettings.model_validate({"engine": "openai"} | given)
        for given in ({}, {"api_key_variable": "MY_KEY", "attempts": 2}, {"base_url": "http://localhost/v1"})
    )
    assert other.identity() == plain.identity()
    assert elsewhere.identity() == plain.identity() | {"base_url": "http://localhost/v1"}


def test_waits_grow_and_end() -> None:
    assert [choose_wait(n, None, lambda: 0.0) for n in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 60.0]
    now = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)
    assert read_retry_after("Mon, 05 Jan 2026 12:00:30 GMT", now) == 30.0
    assert read_retry_after("Mon, 05 Jan 2026 11:00:00 GMT", now) == 0.0
