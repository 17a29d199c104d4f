"""Qwen3-ASR through transformers, with a small network of its class that tells noise from a tone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import qwen3_asr
from tasks.transcription.qwen3_asr import Qwen3Asr, split_text
from tasks.transcription.step import transcribe_chunk
from tasks.weights.model_files import find_defect
from tests.helpers.small_qwen3_asr import make_sound, write_small_qwen3_asr

SOUND = np.concatenate([make_sound("noise"), make_sound("tone"), make_sound("noise")])
STRETCHES = [(0.0, 1.0), (1.0, 2.0), (2.0, 2.05), (2.0, 3.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_qwen3_asr(tmp_path_factory.mktemp("qwen3-asr"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Qwen3Asr:
    return qwen3_asr.load(str(folder))


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_each_stretch_has_its_own_words_without_times(model: Qwen3Asr, batch_size: int) -> None:
    words = model.transcribe(SOUND, STRETCHES, None, {"batch_size": batch_size})
    assert [(w["stretch"], w["word"]) for w in words] == [
        (0, " hello"),
        (0, " world."),
        (1, " guten"),
        (1, " tag."),
        (3, " hello"),
        (3, " world."),
    ]
    assert all((w["start"], w["end"], w["probability"]) == (None, None, None) for w in words)


def test_the_language_is_what_the_model_names(model: Qwen3Asr) -> None:
    assert model.detect_languages(SOUND, STRETCHES) == [[("en", 1.0)], [("de", 1.0)], [], [("en", 1.0)]]
    assert "tl" in model.languages()


def test_a_language_that_is_given_is_no_part_of_the_text(model: Qwen3Asr) -> None:
    for language in ("de", "xx"):
        words = model.transcribe(SOUND, STRETCHES[1:2], language, {"initial_prompt": "Istio"})
        assert [w["word"] for w in words] == [" guten", " tag."]


def test_nothing_is_heard_where_there_is_no_sound(model: Qwen3Asr) -> None:
    assert model.transcribe(SOUND[:0], [(0.0, 0.0)]) == []
    assert model.transcribe(SOUND, []) == []


def test_words_share_the_speech_and_say_so(model: Qwen3Asr) -> None:
    settings = TranscriptionSettings(engine="qwen3-asr", vocabulary=("Istio",))
    found = transcribe_chunk(
        SOUND, [Span(0.0, 1.0)], "en", settings, lambda method, *given: getattr(model, method)(*given)
    )
    assert [w.text for w in found.words] == ["hello", "world."]
    assert {w.times for w in found.words} == {"fast"}
    assert all(0 <= w.start_s < w.end_s <= 1.5 for w in found.words)


def test_only_a_network_that_writes_text_is_opened(folder: Path, tmp_path: Path) -> None:
    assert find_defect("transcription/qwen3-asr", folder) is None
    config = json.loads((folder / "config.json").read_text())
    for change, told in (
        ({"model_type": "qwen3", "architectures": None}, "a model of type qwen3, and no qwen3_asr"),
        (
            {"architectures": ["Qwen3ASRForTokenClassification"]},
            "a Qwen3ASRForTokenClassification, and no Qwen3ASRFor",
        ),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match=told):
            qwen3_asr.load(str(tmp_path))


def test_weights_that_run_code_are_not_opened(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    assert find_defect("transcription/qwen3-asr", tmp_path) is not None
    with pytest.raises(OSError, match="safetensors"):
        qwen3_asr.load(str(tmp_path))


def test_scripts_without_blanks_stay_one_piece() -> None:
    assert [w["word"] for w in split_text("今日は", 2)] == ["今日は"]
    assert split_text("  ", 0) == []
