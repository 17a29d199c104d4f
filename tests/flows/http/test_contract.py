"""The contract of OpenAI's transcriptions, asked for with openai-python, on real engines with the demo weights."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import srt
import webvtt

from tasks.dataset.read import read_transcript
from tests.helpers.transcript_server import RunningServer
from tests.helpers.waiting import wait_until


@pytest.fixture(scope="module")
def client(server: RunningServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=600)


@pytest.fixture(scope="module")
def transcript(client: openai.OpenAI, recording: Path, home: Path) -> Any:
    """The transcript as the tables hold it after the first request."""
    client.audio.transcriptions.create(file=recording, model="whisper-1")
    (row,) = (home / "served" / "recordings").rglob("meeting-of-the-team-*.parquet")
    return read_transcript(home / "served", row.stem)


def spoken(text: str) -> list[str]:
    return text.split()


def test_json_has_the_words_of_the_tables(client: openai.OpenAI, recording: Path, transcript: Any) -> None:
    answer = client.audio.transcriptions.create(file=recording, model="whisper-1")
    assert spoken(answer.text) == [word.text for word in transcript.words]
    assert answer.usage is not None
    assert answer.usage.type == "duration"
    assert answer.usage.seconds == 30


def test_a_run_of_the_command_gives_the_same_words_and_speakers(
    client: openai.OpenAI, recording: Path, transcript: Any, home: Path
) -> None:
    from flows.process_recording import process_recording

    outcome = process_recording(str(recording), {"profile": "demo", "out": str(home / "by command")})
    other = read_transcript(home / "by command", outcome["recording_id"])
    assert outcome["engine_calls"] == 0
    assert other.recording.recording_id == transcript.recording.recording_id
    assert other.words == transcript.words
    assert [(s.start_s, s.text, s.speaker) for s in other.segments] == [
        (s.start_s, s.text, s.speaker) for s in transcript.segments
    ]


def test_text_srt_and_vtt_are_bare_text(client: openai.OpenAI, recording: Path, transcript: Any) -> None:
    ask = client.audio.transcriptions.create
    text = ask(file=recording, model="whisper-1", response_format="text")
    assert spoken(str(text)) == [word.text for word in transcript.words]
    subtitles = list(srt.parse(str(ask(file=recording, model="whisper-1", response_format="srt"))))
    captions = webvtt.from_string(str(ask(file=recording, model="whisper-1", response_format="vtt"))).captions
    assert len(subtitles) == len(captions) > 3
    assert all(cue.content.startswith("SPEAKER_0") for cue in subtitles)


def test_verbose_json_has_every_field_and_the_granularities_asked_for(
    client: openai.OpenAI, recording: Path, transcript: Any
) -> None:
    answer = client.audio.transcriptions.create(
        file=recording,
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.language == "english"
    assert answer.duration == 30.0
    assert answer.words is not None
    assert answer.segments is not None
    assert [(w.word, w.start) for w in answer.words] == [(w.text, round(w.start_s, 3)) for w in transcript.words]
    assert [s.id for s in answer.segments] == list(range(len(transcript.segments)))
    assert all(-20 <= s.avg_logprob <= 0 < s.compression_ratio for s in answer.segments)
    segments_only = client.audio.transcriptions.create(
        file=recording, model="whisper-1", response_format="verbose_json"
    )
    assert segments_only.words is None
    assert segments_only.segments


def test_diarized_json_has_speakers_by_letter(client: openai.OpenAI, recording: Path, transcript: Any) -> None:
    answer = client.audio.transcriptions.create(
        file=recording, model="gpt-4o-transcribe-diarize", response_format="diarized_json", chunking_strategy="auto"
    )
    assert isinstance(answer, openai.types.audio.TranscriptionDiarized)
    assert answer.duration == 30.0
    labels = [s.speaker for s in transcript.segments]
    letters = dict(zip(dict.fromkeys(labels), "ABCDEF", strict=False))
    assert [(s.speaker, s.text) for s in answer.segments] == [
        (letters[s.speaker], s.text) for s in transcript.segments
    ]
    assert answer.text.startswith(f"A: {answer.segments[0].text}\n")


def test_a_known_voice_is_named_as_asked(
    client: openai.OpenAI, recording: Path, transcript: Any, tmp_path: Path
) -> None:
    import soundfile

    speaker = transcript.speakers[0].label
    longest = max((s for s in transcript.segments if s.speaker == speaker), key=lambda s: s.end_s - s.start_s)
    sound, rate = soundfile.read(recording)
    voice = tmp_path / "voice.wav"
    soundfile.write(voice, sound[int(longest.start_s * rate) : int(longest.end_s * rate)], rate)
    url = "data:audio/wav;base64," + base64.b64encode(voice.read_bytes()).decode()
    answer = client.audio.transcriptions.create(
        file=recording,
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        known_speaker_names=["Ana"],
        known_speaker_references=[url],
    )
    assert isinstance(answer, openai.types.audio.TranscriptionDiarized)
    named = {s.speaker for s in answer.segments}
    by_text = {s.text: s.speaker for s in answer.segments}
    assert by_text[longest.text] == "Ana"
    assert len(named) == transcript.num_speakers


def test_logprobs_come_with_each_word(client: openai.OpenAI, recording: Path, transcript: Any) -> None:
    answer = client.audio.transcriptions.create(file=recording, model="gpt-4o-transcribe", include=["logprobs"])
    assert answer.logprobs is not None
    assert len(answer.logprobs) == len(transcript.words)
    assert "".join(each.token or "" for each in answer.logprobs).split() == [w.text for w in transcript.words]
    assert all(each.logprob is not None and each.logprob <= 0 for each in answer.logprobs)


def test_a_stream_tells_text_speakers_and_the_whole(client: openai.OpenAI, recording: Path, transcript: Any) -> None:
    events = list(
        client.audio.transcriptions.create(
            file=recording, model="gpt-4o-transcribe-diarize", response_format="diarized_json", stream=True
        )
    )
    deltas = "".join(e.delta for e in events if e.type == "transcript.text.delta")
    segments = [e for e in events if e.type == "transcript.text.segment"]
    assert events[-1].type == "transcript.text.done"
    assert deltas == events[-1].text
    assert spoken(deltas) == [word.text for word in transcript.words]
    assert [s.text for s in segments] == [s.text for s in transcript.segments]
    assert {s.speaker for s in segments} >= {"A", "B"}


def test_the_asynchronous_client_gets_the_same(server: RunningServer, recording: Path, transcript: Any) -> None:
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            whole = await client.audio.transcriptions.create(file=recording, model="whisper-1")
            stream = await client.audio.transcriptions.create(file=recording, model="gpt-4o-transcribe", stream=True)
            return whole.text, "".join([e.delta async for e in stream if e.type == "transcript.text.delta"])

    whole, streamed = asyncio.run(ask())
    assert whole == streamed
    assert spoken(whole) == [word.text for word in transcript.words]


def test_the_same_bytes_are_worked_on_once_whoever_asks(
    server: RunningServer, client: openai.OpenAI, recording: Path, transcript: Any
) -> None:
    before = server.worker.runs
    for _ in range(3):
        client.audio.transcriptions.create(file=recording, model="whisper-1")
    assert server.worker.runs == before
    wait_until(lambda: not server.list_uploads(), 60, 0.05)


def test_results_replaced_by_another_run_are_made_again(
    server: RunningServer, client: openai.OpenAI, recording: Path, transcript: Any
) -> None:
    wanted = client.audio.transcriptions.create(file=recording, model="whisper-1").text
    other = client.audio.transcriptions.create(file=recording, model="whisper-1", language="en", prompt="Ana, Ben.")
    before = server.worker.runs
    assert client.audio.transcriptions.create(file=recording, model="whisper-1").text == wanted
    assert server.worker.runs == before + 1
    assert other.text


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"model": "nobody-has-this"}, 404, "model"),
        ({"language": "klingon"}, 400, "language"),
        ({"temperature": 7}, 400, "temperature"),
        ({"response_format": "docx"}, 400, "response_format"),
        ({"file": ("notes.txt", b"only text")}, 400, "file"),
        ({"file": ("empty.wav", b"")}, 400, "file"),
    ],
)
def test_wrong_requests_are_answered_in_openai_s_shape(
    client: openai.OpenAI, recording: Path, changes: dict[str, Any], status: int, param: str
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(**{"file": recording, "model": "whisper-1", **changes})
    assert caught.value.status_code == status
    assert caught.value.param == param
    assert "/" not in caught.value.message.replace("/v1/models", "")


def test_silence_has_every_shape(client: openai.OpenAI, home: Path) -> None:
    import numpy as np
    import soundfile

    path = home / "silence.wav"
    soundfile.write(path, np.zeros(16_000 * 3), 16_000)
    ask = client.audio.transcriptions.create
    assert ask(file=path, model="whisper-1").text == ""
    assert str(ask(file=path, model="whisper-1", response_format="text")).strip() == ""
    verbose = ask(file=path, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word"])
    assert (verbose.words, verbose.language) == ([], "unknown")
    assert ask(file=path, model="whisper-1", response_format="diarized_json").segments == []
    assert [e.type for e in ask(file=path, model="whisper-1", stream=True)] == ["transcript.text.done"]


def test_models_are_those_that_can_be_named(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "whisper-1"
    assert "demo" in names
    assert client.models.retrieve("demo").owned_by == "daylong"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody-has-this")


def test_the_page_of_the_api_describes_each_route(server: RunningServer) -> None:
    page = httpx.get(f"{server.url}/openapi.json").json()
    assert {"/v1/audio/transcriptions", "/v1/models", "/v1/jobs", "/health", "/metrics"} <= page["paths"].keys()
    form = page["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert "known_speaker_references[]" in json.dumps(form)
    assert httpx.get(f"{server.url}/docs").status_code == 200


@pytest.mark.slow
def test_a_stream_tells_chunks_as_they_become_final(
    client: openai.OpenAI, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    for name, value in {"MIN_MINUTES": "0.5", "MAX_MINUTES": "0.6", "OVERLAP_S": "10"}.items():
        monkeypatch.setenv(f"DAYLONG_CHUNKING__{name}", value)
    path = home / "four chunks.wav"
    soundfile.write(path, decode(sample(), Span(120.0, 240.0)), 16_000)
    events = list(
        client.audio.transcriptions.create(file=path, model="whisper-1", response_format="diarized_json", stream=True)
    )
    kinds = [event.type for event in events]
    first_segment = kinds.index("transcript.text.segment")
    assert kinds[:first_segment].count("transcript.text.delta") >= 3
    deltas = "".join(e.delta for e in events if e.type == "transcript.text.delta")
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert deltas.split() == sorted_by_time(home, path)
    again = client.audio.transcriptions.create(file=path, model="whisper-1")
    assert sorted(again.text.split()) == sorted(deltas.split())


def sorted_by_time(home: Path, path: Path) -> list[str]:
    (row,) = (home / "served" / "recordings").rglob(f"{path.stem.replace(' ', '-')}-*.parquet")
    words = read_transcript(home / "served", row.stem).words
    return [word.text for word in sorted(words, key=lambda w: w.start_s)]
