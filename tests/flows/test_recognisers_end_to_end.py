"""Recognisers beside the default through the whole flow: tables and exports are whole, whichever it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.dataset.read import read_transcript
from tasks.settings.home import sample
from tests.helpers.transcription_service import Answer, Upload, run_transcription_service

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]

SECONDS = 40.0
TABLES = {"chunks", "recordings", "segments", "speakers", "turns", "words"}
EXPORTS = {
    "report.html",
    *(f"transcript.{s}" for s in ("srt", "vtt", "txt", "json", "rttm", "ctm", "seglst.json")),
}


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """The sample's first forty seconds."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "other recognisers.flac"
    soundfile.write(path, decode(sample(), Span(0.0, SECONDS)), 16_000)
    return path


def process(clip: Path, out: Path, **transcription: Any) -> Outcome:
    from flows.process_recording import process_recording

    settings = {"profile": "demo", "out": str(out), "models": {"run_in": "process"}, "transcription": transcription}
    return process_recording(str(clip), settings)  # type: ignore[arg-type]  # Prefect makes the form


def check_whole(outcome: Outcome, engine: str) -> list[dict[str, Any]]:
    """Check tables and exports of a recording; return its words."""
    assert (outcome["status"], outcome["errors"]) == ("complete", [])
    out = Path(outcome["out"])
    rows = {path.parts[-3]: pq.read_table(path).to_pylist() for path in out.glob("*/*/*.parquet")}
    assert rows.keys() == TABLES
    (recording,) = rows["recordings"]
    assert json.loads(recording["settings"])["transcription"]["engine"] == engine
    assert {row["run_id"] for table in rows.values() for row in table} == {recording["run_id"]}
    words = rows["words"]
    assert len(words) == recording["num_words"] == outcome["num_words"] > 20
    assert all(0 <= w["start_s"] <= w["end_s"] <= SECONDS + 0.1 for w in words)
    assert [w["start_s"] for w in words] == sorted(w["start_s"] for w in words)
    assert {s["speaker"] for s in rows["segments"]} <= {s["speaker"] for s in rows["speakers"]}
    assert outcome["num_speakers"] >= 1
    exports = Path(outcome["exports"])
    assert {p.name for p in exports.iterdir()} == EXPORTS
    assert all(p.stat().st_size for p in exports.iterdir())
    transcript = read_transcript(out, outcome["recording_id"])
    text = (exports / "transcript.txt").read_text()
    assert all(word.text in text for word in transcript.words)
    assert len((exports / "transcript.ctm").read_text().splitlines()) >= len(words)
    return words


def test_whisper_in_onnx_format(clip: Path, tmp_path: Path, demo_models: Path) -> None:
    pytest.importorskip("onnx_asr", reason="the extra onnx is not installed")
    from data.recipes.convert_whisper import read_ctranslate2, write_onnx

    folder = write_onnx(read_ctranslate2(demo_models / "whisper"), tmp_path / "onnx")
    given = {"engine": "onnx", "model": str(folder), "language": "en", "max_speech_s": 8.0}
    words = check_whole(process(clip, tmp_path / "out", **given), "onnx")
    usual = process(clip, tmp_path / "usual", language="en")
    assert abs(len(words) - usual["num_words"]) <= 0.2 * usual["num_words"]
    assert all(0 < w["confidence"] <= 1 for w in words)


def test_a_service_that_speaks_openais_contract(clip: Path, tmp_path: Path) -> None:
    def answer(upload: Upload) -> Answer:
        """A word for each half second of the piece."""
        count = max(1, int(2 * len(upload.samples) / upload.rate))
        said = [{"word": f"word{i}", "start": i / 2, "end": i / 2 + 0.4} for i in range(count)]
        text = " ".join(w["word"].title() for w in said)
        return 200, {}, {"text": f"{text}.", "language": "english", "duration": count / 2, "words": said}

    with run_transcription_service(answer) as service:
        given = {"engine": "openai", "model": "some-model", "base_url": service.url, "language": "en"}
        words = check_whole(process(clip, tmp_path / "out", **given), "openai")
    assert service.problems == []
    assert {upload.fields["model"][0] for upload in service.uploads} == {"some-model"}
    assert {w["times"] for w in words} == {"engine"}
    assert sum(len(u.samples) / u.rate for u in service.uploads) < 2 * SECONDS
