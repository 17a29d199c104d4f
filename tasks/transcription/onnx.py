"""Recognisers in ONNX format as an engine (the package onnx-asr): Whisper as transformers' export divides it, and
NeMo's Parakeet, from a folder.

Nothing is fetched: onnx-asr would create a folder that is missing and download into it, so the folder is checked here
first. Decoding is greedy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.processors import count_cores
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.errors import MissingWeights, UsageError
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.stretches import cut
from tasks.transcription.tokens import Token, build_words
from tasks.transcription.whisper_limits import CUT, count_tokens, list_prompts, refuse_long_prompt

LONGEST_S = 30.0
"""Seconds in one call: more than these models' attention was exported for costs memory by its square."""
WHISPER = "whisper"
FILES = {
    WHISPER: ("encoder_model", "decoder_model_merged"),
    "nemo-conformer-tdt": ("encoder-model", "decoder_joint-model"),
    "nemo-conformer-rnnt": ("encoder-model", "decoder_joint-model"),
    "nemo-conformer-ctc": ("model",),
}
"""Names of the networks' files, without ending and quantization, by the `model_type` of config.json."""
CUDA = "CUDAExecutionProvider"
GPT2_END = 50256
"""Id of `<|endoftext|>` in the vocabulary of GPT-2, which Whisper's models for English have."""
TEXTS = {WHISPER: ("vocab.json", "added_tokens.json")}
NEMO_TEXTS = ("vocab.txt",)


def load(model: str, device: str = "cpu", quantization: str = "", cpu_threads: int = 0) -> Any:
    """Load the engine from a folder with a model's ONNX files, its config.json and its vocabulary.

    `quantization`: how the files are marked (`int8`, `fp16`); empty: the plain ones. Raises MissingWeights for an
    incomplete folder, UsageError without the device.
    """
    folder = Path(model)
    kind = check_folder(folder, quantization)
    check_device(device)
    import onnx_asr
    import onnxruntime

    providers = [*([CUDA] if device == "cuda" else []), "CPUExecutionProvider"]
    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = cpu_threads
    session.log_severity_level = 3
    loaded = onnx_asr.load_model(
        kind, folder, quantization=quantization or None, sess_options=session, providers=providers
    )
    if kind == WHISPER:
        from tasks.transcription.onnx_whisper import OnnxWhisper

        return OnnxWhisper.of(loaded.asr, folder)
    return OnnxTransducer(loaded.with_timestamps())


def check_device(device: str) -> None:
    """Raise UsageError for a GPU that the installed onnxruntime can't use."""
    import onnxruntime

    if device == "cuda" and CUDA not in onnxruntime.get_available_providers():
        raise UsageError(
            "transcription.engine = onnx: this onnxruntime has no CUDA. Install onnxruntime-gpu in its place, or set "
            "device = cpu"
        )


def check_folder(folder: Path, quantization: str = "") -> str:
    """The `model_type` of the model in a folder. Raises MissingWeights where it is none that this engine runs."""
    config = folder / "config.json"
    if not folder.is_dir():
        raise MissingWeights(
            f"transcription.model = {folder}: there is no such folder. The engine onnx downloads none"
        )
    try:
        kind = str(json.loads(config.read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        raise MissingWeights(
            f"transcription.model = {folder}: no config.json with a model_type ({', '.join(FILES)})"
        ) from None
    if kind not in FILES:
        raise MissingWeights(f"transcription.model = {folder}: a {kind}; the engine onnx runs {', '.join(FILES)}")
    absent = [name for name in TEXTS.get(kind, NEMO_TEXTS) if not (folder / name).is_file()]
    absent += [f"{name}.onnx" for name in FILES[kind] if not _find(folder, name, quantization)]
    if absent:
        marked = f", quantized as {quantization}" if quantization else ""
        raise MissingWeights(f"transcription.model = {folder}: {' and '.join(absent)} missing{marked}")
    return kind


def choose_quantization(folder: Path, compute_type: str, device: str) -> str:
    """Which of a folder's files suit `transcription.compute_type`: "" for the plain ones.

    auto takes int8 on a CPU where the folder has it, and else the plain files.
    """
    if compute_type in ("int8", "int8_float16"):
        return "int8"
    if compute_type == "float16":
        return "fp16"
    if compute_type == "auto" and device == "cpu":
        kind = check_folder(folder, "int8") if _has_int8(folder) else None
        return "int8" if kind else ""
    return ""


def _has_int8(folder: Path) -> bool:
    try:
        check_folder(folder, "int8")
    except MissingWeights:
        return False
    return True


def _find(folder: Path, name: str, quantization: str) -> list[Path]:
    suffix = f"?{quantization}" if quantization else ""
    return [p for at in ("", "onnx/") for p in folder.glob(f"{at}{name}{suffix}.onnx") if p.is_file()]


class OnnxTransducer:
    """A loaded Parakeet (TDT, RNN-T or CTC): it gives tokens with their starts and log probabilities. Not
    thread-safe."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30 each),
        as `build_words` gives them, with "avg_logprob". Deterministic. `language` and `options` change nothing: the
        model finds the language by itself, and decodes greedily."""
        out: list[RawWord] = []
        for i, (start, part) in enumerate(cut(samples, stretches, LONGEST_S)):
            if not len(part):
                continue
            heard = self._model.recognize(part, sample_rate=SAMPLE_RATE_HZ)
            texts = heard.tokens if heard.tokens is not None else re.findall(r"\s*\S+", heard.text)
            starts = heard.timestamps or [None] * len(texts)
            logprobs = heard.logprobs or [None] * len(texts)
            tokens = [
                Token(text, None if at is None else start + float(at), None, None if p is None else float(p))
                for text, at, p in zip(texts, starts, logprobs, strict=True)
            ]
            known = [t.logprob for t in tokens if t.logprob is not None]
            words = build_words(tokens, i, start + len(part) / SAMPLE_RATE_HZ)
            for word in words if known else ():
                word["avg_logprob"] = sum(known) / len(known)
            out += words
        return out

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """No language for any stretch: these models do not tell it."""
        return [[] for _ in stretches]


def build(settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`."""
    return Engine.of(
        "transcription/onnx",
        "tasks.transcription.onnx:load",
        model=str(weights),
        device=device,
        quantization=choose_quantization(weights, settings.compute_type, device),
        cpu_threads=count_cores() if device == "cpu" else 0,
    )


def check_weights(settings: Any, name: str, folder: Path | None) -> None:
    """Raise MissingWeights for a folder that this engine can't run in the settings' arithmetic, UsageError for a
    prompt that its model can't take."""
    if folder is None:
        return
    kind = check_folder(folder, choose_quantization(folder, settings.compute_type, "cpu"))
    prompts = " and ".join(list_prompts(settings))
    if prompts and kind != WHISPER:
        raise UsageError(f"{prompts}: {name} is a {kind}, which takes none. Leave it out, or take a Whisper")
    if prompts and not (folder / "tokenizer.json").is_file():
        raise UsageError(f"{prompts}: {name} has no tokenizer.json, which divides a prompt into tokens. Put it there")
    if prompts:
        refuse_long_prompt(settings, name, lambda text: count_tokens(text, folder), why=CUT)


def read_languages(name: str, folder: Path | None) -> tuple[str, ...] | None:
    """Codes of the languages that a Whisper's tokens name; None for other models, which do not tell."""
    try:
        if folder is None or check_folder(folder) != WHISPER:
            return None
        added = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    except (MissingWeights, OSError, ValueError):
        return None
    codes = tuple(found[1] for token in added if (found := re.fullmatch(r"<\|([a-z]{2,3})\|>", token)))
    return ("en",) if added.get("<|endoftext|>") == GPT2_END or not codes else codes


SPEC = EngineSpec(
    step="transcription",
    name="onnx",
    summary="Whisper and Parakeet in ONNX format, fast on CPUs",
    provenance="OpenAI's Whisper or NVIDIA's Parakeet as exported to ONNX by whoever made the folder; run by "
    "onnx-asr, I. Stupakov's reimplementation of their decoding, not by their makers' code.",
    build=build,
    capabilities=Capabilities(
        word_times="starts",
        confidences=True,
        prompt=True,
        hotwords=True,
        precisions=("int8", "float16", "float32"),
        redecodes=True,
        longest_s=LONGEST_S,
    ),
    weights=(
        WeightsFormat(
            kind="transcription/onnx",
            setting="transcription.model",
            maker="onnx-asr",
            patterns=(
                "config.json",
                "*.onnx",
                "*.onnx?data",
                "onnx/*.onnx",
                "onnx/*.onnx?data",
                "vocab.*",
                "added_tokens.json",
                "tokenizer.json",
            ),
            essential=("config.json", "**/*.onnx"),
            from_hub=False,
        ),
    ),
    packages=("onnx_asr", "onnxruntime"),
    install="pip install 'daylong[onnx]'",
    check="tasks.transcription.onnx:check_weights",
    check_device="tasks.transcription.onnx:check_device",
    read_languages="tasks.transcription.onnx:read_languages",
)
