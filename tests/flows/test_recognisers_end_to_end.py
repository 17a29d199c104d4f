"""Recognisers and diarizers beside the default through the whole flow: tables and exports are whole with each.

Real speech where the weights need not know it: small networks of the published ones' classes, and a service.
"""

from __future__ import annotations

import difflib
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

pytestmark = pytest.mark.usefixtures("prefect_server")

SECONDS = 40.0
TABLES = {"chunks", "quality", "recordings", "segments", "speakers", "turns", "words"}
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


@pytest.fixture(scope="module")
def real_clip(home: Path, shared_data: Path) -> Path:
    """Forty seconds of two real readers, who take turns."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "two readers.flac"
    soundfile.write(path, decode(shared_data / "stereo" / "ls2_stereo.flac", Span(0.0, SECONDS)), 16_000)
    return path


def process(clip: Path, out: Path, diarization: dict[str, Any] | None = None, **transcription: Any) -> Outcome:
    from flows.process_recording import process_recording

    settings = {
        "profile": "demo",
        "out": str(out),
        "models": {"run_in": "process"},
        "transcription": transcription,
        "diarization": diarization or {},
    }
    return process_recording(str(clip), settings)  # type: ignore[arg-type]  # Prefect makes the form


def check_whole(outcome: Outcome, engine: str, step: str = "transcription", least: int = 21) -> list[dict[str, Any]]:
    """Check tables and exports of a recording with at least so many words; return its words."""
    assert (outcome["status"], outcome["errors"]) == ("complete", [])
    out = Path(outcome["out"])
    rows = {path.parts[-3]: pq.read_table(path).to_pylist() for path in out.glob("*/*/*.parquet")}
    assert rows.keys() == TABLES
    (recording,) = rows["recordings"]
    assert json.loads(recording["settings"])[step]["engine"] == engine
    assert {row["run_id"] for table in rows.values() for row in table} == {recording["run_id"]}
    words = rows["words"]
    assert len(words) == recording["num_words"] == outcome["num_words"] >= least
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


def convert(model: Path, engine: str, folder: Path) -> Path:
    """The model of a folder of faster-whisper's in the format of an engine."""
    from data.recipes.convert_whisper import read_ctranslate2, write_ggml, write_onnx

    if engine == "faster-whisper":
        return model
    pytest.importorskip(PACKAGES[engine], reason=f"the extra {engine} is not installed")
    checkpoint = read_ctranslate2(model)
    return (
        write_onnx(checkpoint, folder / "onnx") if engine == "onnx" else write_ggml(checkpoint, folder / "ggml-x.bin")
    )


PACKAGES = {"onnx": "onnx_asr", "whisper-cpp": "pywhispercpp"}


@pytest.mark.slow
def test_whisper_in_onnx_format(clip: Path, tmp_path: Path, demo_models: Path) -> None:
    model = convert(demo_models / "whisper", "onnx", tmp_path)
    given = {"engine": "onnx", "model": str(model), "language": "en", "max_speech_s": 8.0}
    words = check_whole(process(clip, tmp_path / "out", **given), "onnx")
    usual = process(clip, tmp_path / "usual", language="en")
    assert abs(len(words) - usual["num_words"]) <= 0.2 * usual["num_words"]
    assert all(0 < w["confidence"] <= 1 for w in words)


@pytest.mark.slow
def test_a_whisper_in_ggml_format(real_clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("pywhispercpp", reason="the extra whisper-cpp is not installed")
    from tests.helpers.constant_whisper import write_constant_whisper

    given = {"engine": "whisper-cpp", "model": str(write_constant_whisper(tmp_path / "ggml")), "language": "de"}
    words = check_whole(process(real_clip, tmp_path / "out", **given), "whisper-cpp", least=2)
    assert {w["word"].strip(".,") for w in words} <= {"Guten", "Tagü"}
    assert all(0.9 < w["confidence"] <= 1 for w in words)


@pytest.mark.weights
def test_whisper_base_in_three_formats(
    real_clip: Path, tmp_path: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.weights.resolve import resolve

    with monkeypatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(light_home))
        base = resolve("transcription", "base").path
    texts = {}
    for engine in ("faster-whisper", *PACKAGES):
        given = {"engine": engine, "model": str(convert(base, engine, tmp_path)), "language": "en"}
        words = check_whole(process(real_clip, tmp_path / engine, max_speech_s=28.0, **given), engine, least=60)
        texts[engine] = [w["word"].strip(".,?!").lower() for w in words]
    usual = texts.pop("faster-whisper")
    for engine, text in texts.items():
        assert difflib.SequenceMatcher(None, usual, text, autojunk=False).ratio() > 0.85, (engine, usual, text)


@pytest.mark.slow
def test_a_parakeet_of_nemos_class(real_clip: Path, tmp_path: Path) -> None:
    from tests.helpers.small_parakeet import write_small_parakeet

    model = write_small_parakeet(tmp_path / "parakeet")
    given = {"engine": "parakeet", "model": str(model), "language": "en", "max_speech_s": 8.0}
    words = check_whole(process(real_clip, tmp_path / "out", **given), "parakeet", least=1)
    assert {w["word"].strip(".,?").lower() for w in words} <= {"low", "high"}
    assert {(w["times"], w["confidence"]) for w in words} == {("engine", None)}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sortformer", "nemotron"])
def test_a_diarizer_of_the_published_ones_class(engine: str, real_clip: Path, tmp_path: Path) -> None:
    from tests.diarization.networks import write_nemotron
    from tests.diarization.test_sortformer import write_model

    model = (
        write_nemotron(tmp_path / "nemotron")
        if engine == "nemotron"
        else write_model(tmp_path / "sortformer.nemo", streaming=True)
    )
    outcome = process(real_clip, tmp_path / "out", {"engine": engine, "model": str(model)}, language="en")
    check_whole(outcome, engine, "diarization", least=1)


@pytest.mark.slow
def test_a_service_that_speaks_openais_contract(real_clip: Path, tmp_path: Path) -> None:
    def answer(upload: Upload) -> Answer:
        """A word for each half second of the piece."""
        count = max(1, int(2 * len(upload.samples) / upload.rate))
        said = [{"word": f"word{i}", "start": i / 2, "end": i / 2 + 0.4} for i in range(count)]
        text = " ".join(w["word"].title() for w in said)
        return 200, {}, {"text": f"{text}.", "language": "english", "duration": count / 2, "words": said}

    with run_transcription_service(answer) as service:
        given = {"engine": "openai", "model": "some-model", "base_url": service.url, "language": "en"}
        words = check_whole(process(real_clip, tmp_path / "out", **given), "openai")
    assert service.problems == []
    assert {upload.fields["model"][0] for upload in service.uploads} == {"some-model"}
    assert {w["times"] for w in words} == {"engine"}
    assert sum(len(u.samples) / u.rate for u in service.uploads) < 2 * SECONDS
