"""mlx-whisper, through modules of its signature: it runs on Apple's processors alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import MissingWeights, UsageError
from tasks.settings.load import load
from tasks.transcription import mlx_whisper
from tests.helpers.apple_whisper import Apple, be_apple

SOUND = np.zeros(80 * 16_000, np.float32)
FACTS = {"avg_logprob": -0.2, "no_speech_prob": 0.01, "compression_ratio": 1.1}


def say(*words: tuple[str, float, float]) -> dict[str, Any]:
    said = [{"word": text, "start": start, "end": end, "probability": 0.9} for text, start, end in words]
    return {"text": "".join(w[0] for w in words), "words": said, **FACTS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights.safetensors").touch()
    (tmp_path / "config.json").write_text(json.dumps({"n_vocab": 51_865}))
    return tmp_path


@pytest.fixture
def apple() -> Iterator[Apple]:
    made = Apple(
        lambda sound: [say(("Good", 0.1, 0.4), (" day.", 0.5, 99.0)), {**say(), "words": []}],
        {"en": 0.2, "de": 0.7, "fr": 0.1},
    )
    with be_apple(made):
        yield made


def test_words_of_each_stretch_in_the_time_of_the_sound(folder: Path, apple: Apple) -> None:
    engine = mlx_whisper.load(str(folder))
    words = engine.transcribe(SOUND, [(2.0, 12.0), (13.0, 13.05), (20.0, 30.0)], "de", {"initial_prompt": "Istio"})
    assert [(w["word"], w["start"], w["end"], w["stretch"]) for w in words] == [
        (" Good", 2.1, 2.4, 0),
        (" day.", 2.5, 12.0, 0),
        (" Good", 20.1, 20.4, 2),
        (" day.", 20.5, 30.0, 2),
    ]
    assert all(w["probability"] == 0.9 and w["avg_logprob"] == -0.2 for w in words)
    assert [call["seconds"] for call in apple.calls] == [10.0, 10.0]
    assert apple.cleared == 1


def test_no_text_goes_from_one_stretch_to_the_next_and_nothing_is_sampled(folder: Path, apple: Apple) -> None:
    engine = mlx_whisper.load(str(folder))
    engine.transcribe(SOUND, [(0.0, 20.0), (20.0, 70.0)])
    assert [call["seconds"] for call in apple.calls] == [20.0, 30.0]
    for call in apple.calls:
        assert (call["conditions"], call["temperature"], call["times"]) == (False, 0.0, True)
        assert (call["language"], call["prompt"], call["verbose"]) == (None, None, None)
        assert call["folder"] == str(folder)
        assert call["task"] == "transcribe"
    engine.transcribe(SOUND, [(0.0, 20.0)], "de", {"into_english": True})
    assert apple.calls[-1]["task"] == "translate"
    assert not mlx_whisper.SPEC.capabilities.context


def test_languages_come_likeliest_first(folder: Path, apple: Apple) -> None:
    engine = mlx_whisper.load(str(folder))
    assert engine.detect_languages(SOUND, [(0.0, 5.0)]) == [[("de", 0.7), ("en", 0.2), ("fr", 0.1)]]
    assert len(engine.languages()) == 99
    apple.multilingual = False
    english = mlx_whisper.load(str(folder))
    assert english.detect_languages(SOUND, [(0.0, 5.0)]) == [[("en", 1.0)]]
    assert english.languages() == ["en"]


def test_what_is_no_folder_is_never_downloaded(folder: Path, apple: Apple) -> None:
    (folder / "weights.safetensors").unlink()
    for name in (str(folder), "mlx-community/whisper-tiny"):
        with pytest.raises(MissingWeights, match="no Whisper in MLX's format"):
            mlx_whisper.load(name)
    assert apple.loaded == []


@pytest.mark.parametrize(("size", "count"), [(51_864, 1), (51_865, 99), (51_866, 100)])
def test_the_languages_are_those_of_the_vocabulary(folder: Path, size: int, count: int) -> None:
    (folder / "config.json").write_text(json.dumps({"n_vocab": size}))
    found = mlx_whisper.read_languages("x", folder)
    assert found is not None
    assert len(found) == count
    assert found[0] == "en"
    assert mlx_whisper.read_languages("mlx-community/whisper-tiny.en-mlx", None) == ("en",)
    assert mlx_whisper.read_languages("tiny", None) is None


def test_other_machines_are_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert mlx_whisper.SPEC.find_obstacle() == "runs on darwin only, and this is linux"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert mlx_whisper.SPEC.find_obstacle() == (
        "its package mlx_whisper is not installed. Install it with: pip install 'daylong[mlx-whisper]'"
    )
    refused = "transcription.condition_on_previous_text: mlx-whisper has no such setting"
    with pytest.raises(UsageError, match=refused):
        load(
            {},
            ["transcription.engine=mlx-whisper", "transcription.condition_on_previous_text=true"],
            environment={},
            folder=Path("/nowhere"),
        )
