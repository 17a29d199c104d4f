"""whisper.cpp with a network of which it is known what it says: words, times, languages, and refusals of broken
files before they reach it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import MissingWeights
from tasks.transcription import whisper_cpp
from tasks.transcription.ggml import GgmlHeader, check_whole, find_model_file
from tests.helpers.constant_whisper import write_constant_whisper

needs_package = pytest.mark.skipif(
    whisper_cpp.SPEC.find_obstacle() is not None, reason="the extra whisper-cpp is not installed"
)
RATE = 16_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_constant_whisper(tmp_path_factory.mktemp("ggml"))


@pytest.fixture(scope="module")
def model(file: Path) -> whisper_cpp.WhisperCpp:
    return whisper_cpp.load(str(file.parent), cpu_threads=1)


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(0, 0.1, 12 * RATE).astype(np.float32)


@needs_package
@pytest.mark.parametrize("beams", [1, 2])
def test_words_of_each_stretch_with_times_and_confidences(
    model: whisper_cpp.WhisperCpp, noise: NDArray[np.float32], beams: int
) -> None:
    words = model.transcribe(noise, [(0.0, 2.0), (6.0, 8.0)], "en", {"beam_size": beams, "batch_size": 8})
    assert [(w["word"], w["stretch"]) for w in words] == [(" Guten", 0), (" Tagü", 0), (" Guten", 1), (" Tagü", 1)]
    for i, start in ((0, 0.0), (2, 6.0)):
        first, second = words[i : i + 2]
        assert start <= first["start"] < first["end"] <= second["start"] + 0.02  # type: ignore[operator]
        assert second["end"] <= start + 2.0  # type: ignore[operator]
    assert all(0.9 < w["probability"] <= 1 for w in words)  # type: ignore[operator]
    assert all(-0.2 < w["avg_logprob"] <= 0 for w in words)


@needs_package
def test_options_of_one_call_are_gone_in_the_next(
    model: whisper_cpp.WhisperCpp, noise: NDArray[np.float32], capfd: pytest.CaptureFixture[str]
) -> None:
    plain = model.transcribe(noise, [(0.0, 2.0)], None, {"beam_size": 1})
    model.transcribe(noise, [(0.0, 2.0)], "de", {"beam_size": 3, "initial_prompt": "Guten", "hotwords": "Tag"})
    assert model.transcribe(noise, [(0.0, 2.0)], None, {"beam_size": 1}) == plain
    assert capfd.readouterr() == ("", "")


@needs_package
def test_a_short_stretch_and_none(model: whisper_cpp.WhisperCpp, noise: NDArray[np.float32]) -> None:
    words = model.transcribe(noise, [(1.0, 1.3)], "en")
    assert [w["word"] for w in words] == [" Guten", " Tagü"]
    assert all(1.0 <= w["start"] <= w["end"] <= 1.3 for w in words)  # type: ignore[operator]
    assert model.transcribe(noise[:0], [(0.0, 0.0)], "en") == []


@needs_package
def test_the_language_of_each_stretch(model: whisper_cpp.WhisperCpp, noise: NDArray[np.float32]) -> None:
    first, second = model.detect_languages(noise, [(0.0, 2.0), (6.0, 6.5)])
    assert first[0][0] == second[0][0] == "de"
    assert first[0][1] > 0.9
    assert len(first) >= 99


def test_languages_are_those_of_the_vocabulary(file: Path) -> None:
    known = whisper_cpp.read_languages("ggml-constant.bin", file)
    assert known is not None
    assert (len(known), known[:3], "yue" in known) == (99, ("en", "zh", "de"), False)
    assert whisper_cpp.read_languages("ggml-base.en.bin", None) == ("en",)


@pytest.mark.parametrize(
    ("sizes", "heads"),
    [
        ((51865, 6, 6, 80), "WHISPER_AHEADS_BASE"),
        ((51864, 12, 12, 80), "WHISPER_AHEADS_SMALL_EN"),
        ((51866, 32, 32, 128), "WHISPER_AHEADS_LARGE_V3"),
        ((51866, 32, 4, 128), "WHISPER_AHEADS_LARGE_V3_TURBO"),
        ((51865, 32, 32, 80), None),  # large-v1 or large-v2
        ((51865, 1, 1, 80), None),
    ],
)
def test_heads_that_align_are_known_by_a_models_size(sizes: tuple[int, int, int, int], heads: str | None) -> None:
    tokens, encoder, decoder, mels = sizes
    assert whisper_cpp.find_alignment_heads(GgmlHeader(tokens, 512, encoder, decoder, mels)) == heads
    if heads is not None:
        assert hasattr(pytest.importorskip("_pywhispercpp"), heads)


def test_a_core_is_left_for_the_others() -> None:
    assert [whisper_cpp.count_threads(cores) for cores in (1, 2, 4, 64)] == [1, 1, 3, 8]


def test_a_folder_names_its_one_model(file: Path, tmp_path: Path) -> None:
    assert find_model_file(file.parent) == find_model_file(file) == file
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(file.read_bytes()[:100])
    with pytest.raises(MissingWeights, match=r"several models there \(a.bin, b.bin\)"):
        find_model_file(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"PK\x03\x04" + data[4:], "not a model of whisper.cpp"),
        (lambda data: data[:30], "not a model of whisper.cpp"),
        (lambda data: data[: len(data) // 2], "incomplete"),
        (lambda data: data[:-1], "incomplete"),
        (lambda data: data[:2000], "incomplete"),
        (lambda data: data[:4] + struct.pack("<i", 7) + data[8:], "no Whisper"),
    ],
)
def test_a_broken_file_is_refused_before_whisper_cpp_sees_it(
    file: Path, tmp_path: Path, spoil: Any, said: str
) -> None:
    broken = tmp_path / "ggml-broken.bin"
    broken.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(MissingWeights, match=said):
        check_whole(broken)


def test_a_name_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingWeights, match="there is no such file or folder"):
        whisper_cpp.load("base.en")
    assert list(tmp_path.iterdir()) == []
