"""Whisper base through faster-whisper, whisper.cpp and ONNX: one network, which must hear the same words."""

from __future__ import annotations

import csv
import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.evaluation.word_errors import count_word_errors
from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import ggml, onnx, whisper, whisper_cpp, whisper_limits
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tasks.word_forms import to_repetition_form

pytestmark = pytest.mark.weights

READER = "3080"
UTTERANCES = 6
PAUSE_S = 0.6
MAX_DIFFERENCE = 0.015
"""Of word error rates, all engines searching greedily."""
OUTSIDE_S = 0.6
MAX_LATE_S = {"whisper-cpp": 0.1, "onnx": 0.6}
"""Median difference of words' starts from faster-whisper's, which aligns by attention, as whisper.cpp does; with ONNX
words share their sentence."""


@pytest.fixture(scope="module")
def folder(light_home: Path) -> Path:
    from tasks.weights.resolve import resolve

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(light_home))
        return resolve("transcription", "base").path


@pytest.fixture(scope="module")
def read_aloud(shared_data: Path) -> tuple[NDArray[np.float32], list[Span], list[str]]:
    """Utterances of one reader with pauses between: the sound, where speech is, and the words."""
    from faster_whisper.audio import decode_audio

    with (shared_data / "readers" / "texts.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["reader"] == READER][:UTTERANCES]
    sound, spans, at = [], [], 0.0
    for row in rows:
        part = decode_audio(str(shared_data / "readers" / row["file"]))
        sound += [part, np.zeros(round(PAUSE_S * 16_000), np.float32)]
        spans.append(Span(at, at + len(part) / 16_000))
        at = spans[-1].end_s + PAUSE_S
    return np.concatenate(sound), spans, " ".join(row["text"] for row in rows).split()


def transcribe(engine: Any, read_aloud: tuple[NDArray[np.float32], list[Span], list[str]]) -> ChunkWords:
    def ask(method: str, *given: Any) -> Any:
        return getattr(engine, method)(*given)

    settings = TranscriptionSettings(batch_size=1, beam_size=1)
    return transcribe_chunk(read_aloud[0], read_aloud[1], "en", settings, ask)


def measure_error_rate(found: ChunkWords, reference: list[str]) -> float:
    from whisper_normalizer.english import EnglishTextNormalizer

    normalize = EnglishTextNormalizer()
    said, heard = (normalize(" ".join(words)).split() for words in (reference, [w.text for w in found.words]))
    return count_word_errors(said, heard).total / len(said)


def test_three_engines_hear_the_same_words(
    folder: Path, read_aloud: tuple[NDArray[np.float32], list[Span], list[str]], tmp_path: Path
) -> None:
    pytest.importorskip("onnx_asr")
    pytest.importorskip("pywhispercpp")
    from data.recipes.convert_whisper import read_ctranslate2, write_ggml, write_onnx

    checkpoint = read_ctranslate2(folder)
    ggml_file = write_ggml(checkpoint, tmp_path / "ggml-base.bin")
    prompt = "Kubernetes, Istio; Dr. Okafor's 42 Geräte  (3 %)"
    assert ggml.count_tokens(prompt, ggml_file) == whisper_limits.count_tokens(prompt, folder)
    engines = {
        "faster-whisper": whisper.load(str(folder), compute_type="float32", cpu_threads=1),
        "whisper-cpp": whisper_cpp.load(str(ggml_file), cpu_threads=1),
        "onnx": onnx.load(str(write_onnx(checkpoint, tmp_path / "onnx")), cpu_threads=1),
    }
    found = {name: transcribe(engine, read_aloud) for name, engine in engines.items()}
    rates = {name: measure_error_rate(words, read_aloud[2]) for name, words in found.items()}
    assert max(rates.values()) - min(rates.values()) <= MAX_DIFFERENCE, rates
    for name, words in found.items():
        near = [span.grow(OUTSIDE_S) for span in read_aloud[1]]
        assert all(any(w.middle_s in span for span in near) for w in words.words), name
        if name in MAX_LATE_S:
            assert measure_delay(found["faster-whisper"], words) <= MAX_LATE_S[name], name


def measure_delay(one: ChunkWords, other: ChunkWords) -> float:
    """Median difference of the starts of the words that both have, seconds."""
    texts = [[to_repetition_form(w.text) for w in words.words] for words in (one, other)]
    blocks = difflib.SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks()
    pairs = [(one.words[i + k], other.words[j + k]) for i, j, size in blocks for k in range(size)]
    return float(np.median([abs(a.start_s - b.start_s) for a, b in pairs]))
