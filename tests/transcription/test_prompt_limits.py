"""What engines take of a prompt, hotwords and vocabulary: more is refused with the number, before any work."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest

from tasks.engines import registry
from tasks.errors import UsageError
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.ggml import ENGLISH_VOCABULARY, MAGIC, count_tokens
from tasks.transcription.limits import check_settings
from tests.helpers.apple_whisper import Apple, be_apple
from tests.transcription.test_limits import make_weights

LONG = {"initial_prompt": "a" * 150, "vocabulary": ["b" * 150]}


def write_vocabulary(path: Path, *tokens: bytes) -> Path:
    """The beginning of a ggml file, with these tokens and one for each byte."""
    known = [*tokens, *(bytes([i]) for i in range(256))]
    sizes = struct.pack("<11i", ENGLISH_VOCABULARY + 1, 1500, 64, 1, 1, 448, 64, 1, 1, 80, 1)
    filters = struct.pack("<2i", 80, 2) + bytes(4 * 80 * 2)
    vocabulary = struct.pack("<i", len(known)) + b"".join(struct.pack("<i", len(t)) + t for t in known)
    path.write_bytes(MAGIC + sizes + filters + vocabulary)
    return path


def write_onnx_folder(folder: Path, kind: str = "whisper", tokenizer: bool = True) -> Path:
    make_weights(folder)
    if not tokenizer:
        (folder / "tokenizer.json").unlink()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    for name in (
        "vocab.json", "vocab.txt", "encoder_model.onnx", "decoder_model_merged.onnx", "encoder-model.onnx",
        "decoder_joint-model.onnx",
    ):  # fmt: skip
        (folder / name).touch()
    (folder / "added_tokens.json").write_text("{}")
    return folder


def check(engine: str, folder: Path | None, name: str = "m", **given: object) -> None:
    check_settings(TranscriptionSettings.model_validate({"engine": engine, **given}), name, folder)


def test_onnx_takes_what_whisper_takes(tmp_path: Path) -> None:
    folder = write_onnx_folder(tmp_path / "m")
    check("onnx", folder, initial_prompt="a" * 110, hotwords="b" * 111)
    with pytest.raises(UsageError) as refused:
        check("onnx", folder, **LONG)
    assert str(refused.value) == (
        "transcription.initial_prompt (151 tokens) and transcription.vocabulary (151 tokens), 302 together: m takes "
        "223 tokens for prompt and hotwords together, and would leave out the beginning of what is more. Shorten them"
    )


@pytest.mark.parametrize(
    ("kind", "tokenizer", "told"),
    [
        ("nemo-conformer-tdt", True, "transcription.hotwords: m is a nemo-conformer-tdt, which takes none"),
        ("whisper", False, "transcription.hotwords: m has no tokenizer.json"),
    ],
)
def test_onnx_refuses_what_a_model_would_never_see(tmp_path: Path, kind: str, tokenizer: bool, told: str) -> None:
    folder = write_onnx_folder(tmp_path / "m", kind, tokenizer)
    check("onnx", folder)
    with pytest.raises(UsageError, match=told):
        check("onnx", folder, hotwords="Istio")


def test_whisper_cpp_counts_by_its_own_vocabulary(tmp_path: Path) -> None:
    path = write_vocabulary(tmp_path / "ggml-x.bin", b" Gut", b" Guten", b" Tag", b"en", "ü".encode())
    counts = {"Guten Tag": 2, " Guten ": 1, "Gutenü": 2, "Taged": 3, "Tag, Tag": 3, "42": 3}
    assert {text: count_tokens(text, path) for text in counts} == counts


def test_whisper_cpp_refuses_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.transcription import whisper_cpp

    monkeypatch.setattr(whisper_cpp, "check_whole", lambda path: None)  # a vocabulary is no whole model
    path = write_vocabulary(tmp_path / "ggml-x.bin", b" ok")
    check("whisper-cpp", path, hotwords="ok " * 223)
    with pytest.raises(UsageError, match=r"transcription\.hotwords \(224 tokens\): m takes 223 tokens"):
        check("whisper-cpp", path, hotwords="ok " * 224)


def test_mlx_whisper_counts_by_its_packages_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"n_vocab": 51_865}))
    check("mlx-whisper", tmp_path, initial_prompt="a" * 500)  # elsewhere the engine itself is refused
    monkeypatch.setattr(sys, "platform", "darwin")
    with be_apple(Apple(lambda _: [], {})):
        check("mlx-whisper", tmp_path, initial_prompt="a" * 222)
        with pytest.raises(UsageError, match=r"transcription\.initial_prompt \(224 tokens\): m takes 223 tokens"):
            check("mlx-whisper", tmp_path, initial_prompt="a" * 223)


@pytest.mark.parametrize(("text", "tokens"), [("four " * 180, 225), ("東京都庁" * 60, 240)], ids=["latin", "han"])
def test_a_services_whisper_takes_224_tokens_and_other_models_what_they_may(text: str, tokens: int) -> None:
    with pytest.raises(UsageError, match=rf"transcription\.hotwords \({tokens} tokens\): whisper-1 takes 224 tokens"):
        check("openai", None, "whisper-1", hotwords=text)
    check("openai", None, "whisper-1", hotwords=text[: len(text) // 2])
    check("openai", None, "gpt-4o-transcribe", hotwords=text)


@pytest.mark.parametrize("name", registry.BUILT_IN["transcription"])
def test_every_engine_that_keeps_the_end_of_a_prompt_says_what_it_takes(name: str) -> None:
    """A language model's context is longer than the settings let a prompt be."""
    spec = registry.find("transcription", name)
    assert bool(spec.check) == (spec.capabilities.terms and name != "qwen3-asr")
