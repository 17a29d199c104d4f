"""ONNX models through onnx-asr: a Parakeet of two tones, of which it is known what it must hear, and the bundled
Whisper converted to ONNX, which must hear what faster-whisper hears with the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import MissingWeights
from tasks.transcription import onnx, whisper, whisper_tokens
from tests.helpers.tone_recogniser import FRAME_S, write_tone_recogniser

pytest.importorskip("onnx_asr", reason="the extra onnx is not installed")

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "roundtable.opus"
STRETCHES = [(1.8, 6.2), (6.2, 13.0)]
RATE = 16_000


def sound(*tones: tuple[float, float, float], seconds: float = 8.0) -> NDArray[np.float32]:
    """Tones of (frequency, start, end) in soft noise."""
    samples = np.random.default_rng(1).normal(0, 1e-4, round(seconds * RATE)).astype(np.float32)
    for frequency, start, end in tones:
        at = np.arange(round(start * RATE), round(end * RATE))
        fade = np.minimum(1, np.minimum(at - at[0], at[-1] - at) / 800)  # a click has all frequencies
        samples[at] += (0.3 * fade * np.sin(2 * np.pi * frequency * at / RATE)).astype(np.float32)
    return samples


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return onnx.load(str(write_tone_recogniser(tmp_path_factory.mktemp("tones"))), cpu_threads=1)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory, demo_models: Path) -> Any:
    from data.recipes.convert_whisper import read_ctranslate2, write_onnx

    folder = write_onnx(read_ctranslate2(demo_models / "whisper"), tmp_path_factory.mktemp("whisper"))
    return onnx.load(str(folder), cpu_threads=1)


@pytest.fixture(scope="module")
def sample() -> NDArray[np.float32]:
    from faster_whisper.audio import decode_audio

    return np.asarray(decode_audio(str(SAMPLE))[: 13 * RATE], np.float32)


def test_tokens_are_words_where_they_sound(tones: Any) -> None:
    samples = sound((500, 1.04, 1.6), (3000, 2.4, 2.96), (500, 5.04, 5.6))
    words = tones.transcribe(samples, [(0.0, 4.0), (4.0, 8.0)])
    assert [(w["word"], w["stretch"]) for w in words] == [(" low", 0), (" high", 0), (" low", 1)]
    for word, start in zip(words, (1.04, 2.4, 5.04), strict=True):
        assert abs(word["start"] - start) <= FRAME_S
        assert word["start"] < word["end"] <= word["start"] + 0.8
        assert 0.5 < word["probability"] <= 1
        assert word["avg_logprob"] <= 0


def test_a_stretch_is_heard_by_itself(tones: Any) -> None:
    samples = sound((500, 1.04, 1.6), (3000, 2.4, 2.96), (500, 5.04, 5.6))
    assert [w["word"] for w in tones.transcribe(samples, [(2.0, 4.0)])] == [" high"]
    assert tones.transcribe(samples, [(7.0, 8.0)]) == []
    assert tones.transcribe(samples[:0], [(0.0, 0.0)]) == []


def test_models_that_tell_no_language_say_none(tones: Any) -> None:
    assert tones.detect_languages(sound(), [(0.0, 2.0), (2.0, 4.0)]) == [[], []]


def test_whisper_hears_in_onnx_what_it_hears_in_ctranslate2(
    converted: Any, sample: NDArray[np.float32], demo_models: Path
) -> None:
    reference = whisper.load(str(demo_models / "whisper"), compute_type="float32", cpu_threads=1)
    expected = reference.transcribe(sample, STRETCHES, "en", {"beam_size": 1})
    words = converted.transcribe(sample, STRETCHES, "en")
    assert [(w["word"], w["stretch"]) for w in words] == [(w["word"], w["stretch"]) for w in expected]
    assert len(words) > 20
    late = [abs(w["start"] - e["start"]) for w, e in zip(words, expected, strict=True)]
    assert np.median(late) < 0.5
    assert abs(words[0]["avg_logprob"] - expected[0]["avg_logprob"]) < 0.1
    sure = [w["probability"] - e["probability"] for w, e in zip(words, expected, strict=True)]
    assert np.median(np.abs(sure)) < 0.05


def test_whisper_in_onnx_detects_languages(converted: Any, sample: NDArray[np.float32]) -> None:
    [found] = converted.detect_languages(sample, STRETCHES[:1])
    assert found[0][0] == "en"
    assert abs(sum(p for _, p in found) - 1) < 1e-3
    assert "de" in converted.languages()


@pytest.mark.parametrize(("ngram", "said"), [(0, [5, 6, 7, 5, 6, 7, 5, 6, 7]), (3, [5, 6, 7, 5, 6])])
def test_no_run_of_tokens_comes_twice_where_that_is_asked(ngram: int, said: list[int]) -> None:
    """A decoder that would say 5, 6, 7 three times over."""
    ids = {"<|endoftext|>": 9, "<|startoftranscript|>": 10, "<|notimestamps|>": 11}
    vocabulary = whisper_tokens.Vocabulary({i: str(i) for i in range(9)}, ids)

    def step(tokens: list[int]) -> NDArray[np.float32]:
        text = [t for t in tokens[1:] if t < 9]
        scores = np.full((len(tokens), 1512), -20, np.float32)
        scores[-1, 12:] = -40
        scores[-1, 12] = 9 if len(tokens) == 1 else -40
        scores[-1, 9] = 1
        if len(text) < 9:
            scores[-1, 5 + len(text) % 3] = 3
        return scores

    found = whisper_tokens.decode(step, [10], vocabulary, ngram)
    assert [i for i, _ in found.tokens if i < 9] == said


@pytest.mark.parametrize(("sure", "ends_s"), [(False, 1.0), (True, 16.0)], ids=["unsure", "sure of a pause"])
def test_a_sentence_does_not_end_after_speech_that_is_not_its_own(sure: bool, ends_s: float) -> None:
    """A decoder that says one word, knows that it is over, and takes 16 s for a little likelier than 1 s."""
    ids = {"<|endoftext|>": 9, "<|startoftranscript|>": 10, "<|notimestamps|>": 11}
    vocabulary = whisper_tokens.Vocabulary(dict.fromkeys(range(9), "Ġword"), ids)

    def step(tokens: list[int]) -> NDArray[np.float32]:
        said = tokens[1:]
        scores = np.full((len(tokens), 1512), -30, np.float32)
        if not said:
            scores[-1, 12] = 9
        elif len(said) == 1:
            scores[-1, 5] = 9
        elif len(said) == 2:
            scores[-1, 12 + 50 : 12 + 55] = -9 if sure else 3
            scores[-1, 12 + 800] = 3.1
        else:
            scores[-1, 9] = 9
        return scores

    found = whisper_tokens.decode(step, [10], vocabulary)
    assert whisper_tokens.split_sentences(found.tokens, vocabulary, 30.0)[0][:2] == (0.0, pytest.approx(ends_s))


def test_a_sentence_does_not_end_before_it_can_be_said() -> None:
    ids = {"<|endoftext|>": 9, "<|startoftranscript|>": 10, "<|notimestamps|>": 11}
    vocabulary = whisper_tokens.Vocabulary(dict.fromkeys(range(9), "Ġsyllable"), ids)
    said = [12 + 100, *range(7)]  # 18 syllables from 2.0 s on
    scores = np.linspace(9, 0, 1512, dtype=np.float32)  # the likeliest time is the first
    scores[:12] = -30
    bound = whisper_tokens.bound_end(scores, said, vocabulary)
    earliest_s = (int(bound.argmax()) - 12) * 0.02
    assert 3.0 < earliest_s < 3.5
    assert np.isfinite(whisper_tokens.bound_end(scores, [1511, *range(7)], vocabulary)).any()


def test_sentences_lie_between_pairs_of_times() -> None:
    ids = {"<|endoftext|>": 9, "<|startoftranscript|>": 10, "<|notimestamps|>": 11}
    vocabulary = whisper_tokens.Vocabulary({}, ids)
    said = [(12, -0.1), (5, -0.1), (12 + 100, -0.1), (12 + 150, -0.1), (6, -0.1), (9, -0.1)]
    found = whisper_tokens.split_sentences(said, vocabulary, 4.5)
    assert found == [(0.0, 2.0, [(5, -0.1)]), (3.0, 4.5, [(6, -0.1)])]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: [p.unlink() for p in f.iterdir()] and f.rmdir(), "there is no such folder"),
        (lambda f: (f / "config.json").unlink(), "no config.json with a model_type"),
        (lambda f: (f / "config.json").write_text('{"model_type": "gpt2"}'), "a gpt2; the engine onnx runs whisper"),
        (lambda f: (f / "vocab.txt").unlink(), "vocab.txt missing"),
        (lambda f: (f / "encoder-model.onnx").unlink(), "encoder-model.onnx missing"),
    ],
)
def test_an_incomplete_folder_is_refused_and_nothing_fetched(tmp_path: Path, spoil: Any, said: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "nemo-conformer-tdt"}))
    for name in ("vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx"):
        (folder / name).write_bytes(b"")
    spoil(folder)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MissingWeights, match=said):
        onnx.load(str(folder))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("files", "compute_type", "device", "chosen"),
    [
        ("both", "auto", "cpu", "int8"),
        ("both", "auto", "cuda", ""),
        ("both", "float32", "cpu", ""),
        ("both", "int8", "cuda", "int8"),
        ("plain", "auto", "cpu", ""),
    ],
)
def test_arithmetic_chooses_among_the_files(
    tmp_path: Path, files: str, compute_type: str, device: str, chosen: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nemo-conformer-tdt"}))
    (tmp_path / "vocab.txt").write_text("")
    for suffix in ("", *([".int8"] if files == "both" else [])):
        for name in ("encoder-model", "decoder_joint-model"):
            (tmp_path / f"{name}{suffix}.onnx").write_bytes(b"")
    assert onnx.choose_quantization(tmp_path, compute_type, device) == chosen
    assert onnx.check_folder(tmp_path, chosen) == "nemo-conformer-tdt"
