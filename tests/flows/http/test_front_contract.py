"""openai-python through two fronts of one server, with the real engines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from tests.helpers.transcript_server import RunningServer, run_server
from tests.helpers.waiting import wait_until


@pytest.fixture(scope="module")
def fronted(home: Path, prefect_server: None) -> Iterator[RunningServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_PROFILE", "demo")
        patch.setenv("DAYLONG_OUT", str(home / "by fronts"))
        with run_server(home / "data" / "serve-fronts", {}, fronts=2) as running:
            yield running


@pytest.mark.slow
def test_a_recording_sent_to_both_fronts_is_transcribed_once(fronted: RunningServer, recording: Path) -> None:
    one, other = (openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) for url in fronted.urls)

    def ask(client: openai.OpenAI) -> str:
        answer = client.audio.transcriptions.create(
            file=recording,
            model="gpt-4o-transcribe-diarize",
            response_format="diarized_json",
            chunking_strategy="auto",
        )
        return answer.model_dump_json()

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(ask, (one, other))
    assert first == second
    assert fronted.worker.runs == 1
    text = one.audio.transcriptions.create(file=recording, model="whisper-1").text
    assert len(text.split()) > 20
    *_, done = other.audio.transcriptions.create(file=recording, model="gpt-4o-transcribe", stream=True)
    assert done.type == "transcript.text.done"
    assert done.text == text
    subtitles = other.audio.transcriptions.create(file=recording, model="whisper-1", response_format="srt")
    assert subtitles.startswith("1\n00:00:")
    with pytest.raises(openai.BadRequestError, match="neither word nor segment") as refused:
        one.audio.transcriptions.create(
            file=recording, model="whisper-1", timestamp_granularities=["day"]  # type: ignore[list-item]
        )  # fmt: skip
    assert refused.value.param == "timestamp_granularities"
    assert fronted.worker.runs == 1
    wait_until(lambda: not fronted.list_uploads(), 30, 0.05)
