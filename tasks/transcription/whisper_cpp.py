"""The recogniser whisper.cpp as an engine (the package pywhispercpp): CPU, and Metal, Vulkan or CUDA where its build
has them. Models are files in ggml format.

Words are built of whisper.cpp's tokens, with their times and probabilities. Its parameters are made anew for every
call, because those of pywhispercpp's `Model` stay from one call to the next.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.processors import count_cores
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.errors import MissingWeights
from tasks.languages import NAMES
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.ggml import GgmlHeader, check_whole, count_tokens, find_model_file, read_header
from tasks.transcription.pieces import begin_segment
from tasks.transcription.tokens import Token, build_words, join_bytes
from tasks.transcription.whisper_limits import CUT, refuse_long_prompt

LONGEST_S = 30.0
SHORTEST_S = 1.1
"""Seconds to which shorter stretches are filled with silence: whisper.cpp decodes none of less than one."""
TICKS = 100
"""Ticks of whisper.cpp's times in a second."""


def load(model: str, device: str = "cpu", cpu_threads: int = 0) -> WhisperCpp:
    """Load the engine from a ggml file, or a folder with one. Raises MissingWeights for a broken file."""
    path = find_model_file(Path(model))
    heads = find_alignment_heads(check_whole(path))
    import _pywhispercpp
    from pywhispercpp.model import Model

    options: Any = {"use_gpu": device == "cuda" or sys.platform == "darwin"}
    if heads:
        # Attention that is computed in one go leaves no weights to align by.
        options |= {
            "dtw_token_timestamps": True,
            "dtw_aheads_preset": getattr(_pywhispercpp, heads),
            "flash_attn": False,
        }
    loaded: Any = Model(
        str(path.resolve()),
        redirect_whispercpp_logs_to=None,
        context_params=options,
    )
    if loaded._ctx is None:
        raise MissingWeights(f"transcription.model = {path}: whisper.cpp can't open it")
    return WhisperCpp(_pywhispercpp, loaded, cpu_threads or count_threads(count_cores()))


class WhisperCpp:
    """A loaded model. Not thread-safe."""

    def __init__(self, library: Any, model: Any, cpu_threads: int) -> None:
        self._library = library
        self._model = model
        self._context = model._ctx
        self._threads = cpu_threads

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30 each),
        with "avg_logprob" and "compression_ratio".

        `options`: `beam_size`, `initial_prompt`, `hotwords`, `into_english`; others change nothing.
        Without fallback to higher temperatures, which sample: deterministic.
        """
        out: list[RawWord] = []
        for i, (start, end) in enumerate(stretches):
            part = samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
            if not len(part):
                continue
            spoken = language or self._detect(part)[0][0]
            parameters = self._build_parameters(spoken, options or {})
            if self._library.whisper_full(self._context, parameters, *_pad(part)) != 0:
                raise RuntimeError("whisper.cpp failed to decode")
            out += self._read_words(i, start, start + len(part) / SAMPLE_RATE_HZ)
        return out

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """Detect the language of each stretch (seconds, at most 30 each): all that the model knows as (code,
        probability), likeliest first."""
        return [
            self._detect(samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)])
            for start, end in stretches
        ]

    def _detect(self, part: NDArray[np.float32]) -> list[tuple[str, float]]:
        if not self._library.whisper_is_multilingual(self._context):
            return [("en", 1.0)]
        _, found = self._model.auto_detect_language(_pad(part)[0], offset_ms=0, n_threads=self._threads)
        return sorted(((str(c), float(p)) for c, p in found.items()), key=lambda d: (-d[1], d[0]))

    def _build_parameters(self, language: str, options: dict[str, Any]) -> Any:
        beams = int(options.get("beam_size", 5))
        ways = self._library.whisper_sampling_strategy
        way = ways.WHISPER_SAMPLING_BEAM_SEARCH if beams > 1 else ways.WHISPER_SAMPLING_GREEDY
        parameters = self._library.whisper_full_default_params(way)
        prompt = " ".join(p.strip() for k in ("initial_prompt", "hotwords") if (p := options.get(k)))
        given: dict[str, Any] = {
            "n_threads": self._threads,
            "language": language,
            "translate": bool(options.get("into_english", False)),
            "token_timestamps": True,
            "temperature": 0.0,
            "temperature_inc": 0.0,
            "no_context": True,
            "print_progress": False,
            "print_realtime": False,
            "print_timestamps": False,
            "print_special": False,
        }
        if prompt:
            given["initial_prompt"] = f" {prompt}"  # tokens of words begin with their blank
        if beams > 1:
            given["beam_search"] = {"beam_size": beams, "patience": -1.0}
        for name, value in given.items():
            setattr(parameters, name, value)
        return parameters

    def _read_words(self, stretch: int, start_s: float, end_s: float) -> list[RawWord]:
        library, context = self._library, self._context
        first_special = library.whisper_token_eot(context)
        out: list[RawWord] = []
        for segment in range(library.whisper_full_n_segments(context)):
            tokens, logprobs = [], []
            before = start_s + library.whisper_full_get_segment_t0(context, segment) / TICKS
            for k in range(library.whisper_full_n_tokens(context, segment)):
                data = library.whisper_full_get_token_data(context, segment, k)
                # Times are chosen by rules, whatever their probability.
                if data.id < first_special:
                    logprobs.append(float(data.plog))
                    times = (start_s + data.t0 / TICKS, start_s + data.t1 / TICKS)
                    if data.t_dtw >= 0:
                        # Dynamic time warping gives the time at which the text goes on to the next token.
                        times = (before, max(before, start_s + data.t_dtw / TICKS))
                        before = times[1]
                    text = library.whisper_token_to_bytes(context, data.id)
                    tokens.append((text, Token("", *times, float(data.plog))))
            words = build_words(join_bytes(tokens), stretch, end_s)
            said = "".join(w["word"] for w in words).encode()
            for n, word in enumerate(words):
                word["word"] = word["word"] if n else begin_segment(word["word"])
                word["avg_logprob"] = sum(logprobs) / len(logprobs)
                word["compression_ratio"] = len(said) / max(1, len(zlib.compress(said)))
            out += words
        return out


def find_alignment_heads(header: GgmlHeader) -> str | None:
    """The name of whisper.cpp's preset of attention heads by which a model's words are aligned, by its size; None for
    sizes of which several models exist or none, whose times whisper.cpp estimates of the sound's loudness."""
    sizes = {(4, 4): "TINY", (6, 6): "BASE", (12, 12): "SMALL", (24, 24): "MEDIUM"}
    size = sizes.get((header.encoder_layers, header.decoder_layers))
    if size is not None:
        return f"WHISPER_AHEADS_{size}{'' if header.is_multilingual else '_EN'}"
    newest = {32: "V3", 4: "V3_TURBO"}.get(header.decoder_layers)
    if header.encoder_layers == 32 and header.mels == 128 and newest:
        return f"WHISPER_AHEADS_LARGE_{newest}"
    return None


def _pad(part: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """The samples, filled with silence to `SHORTEST_S`, and their number."""
    least = round(SHORTEST_S * SAMPLE_RATE_HZ)
    sound = np.ascontiguousarray(np.pad(part, (0, max(0, least - len(part)))), np.float32)
    return sound, sound.size


def build(settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`: those of decoding are given with every call."""
    return Engine.of(
        "transcription/whisper-cpp",
        "tasks.transcription.whisper_cpp:load",
        model=str(weights),
        device=device,
        cpu_threads=count_threads(count_cores()),
    )


def count_threads(cores: int) -> int:
    """All cores but one: threads of ggml wait for each other by spinning, and one that finds no core of its own makes
    a call ten times as long."""
    return max(1, min(8, cores - 1))


def check_weights(settings: Any, name: str, path: Path | None) -> None:
    """Raise MissingWeights for what is no whole model of whisper.cpp, UsageError for too long a prompt."""
    if path is not None:
        file = find_model_file(path)
        check_whole(file)
        refuse_long_prompt(settings, name, lambda text: count_tokens(text, file), why=CUT)


def read_languages(name: str, path: Path | None) -> tuple[str, ...] | None:
    """Codes of the languages that a model's vocabulary has; None where there is no file to tell."""
    if path is None:
        return ("en",) if name.removesuffix(".bin").endswith(".en") else None
    header = read_header(find_model_file(path))
    return tuple(NAMES)[: header.num_languages] if header.is_multilingual else ("en",)


SPEC = EngineSpec(
    step="transcription",
    name="whisper-cpp",
    summary="Whisper in ggml format, on CPUs, Metal and Vulkan",
    provenance="OpenAI's Whisper weights as converted to ggml, run by whisper.cpp, G. Gerganov's reimplementation, "
    "through A. Sadi's pywhispercpp.",
    build=build,
    capabilities=Capabilities(
        confidences=True,
        prompt=True,
        translates=True,
        hotwords=True,
        beams=True,
        redecodes=True,
        longest_s=LONGEST_S,
    ),
    weights=(
        WeightsFormat(
            kind="transcription/whisper-cpp",
            setting="transcription.model",
            maker="whisper.cpp",
            patterns=("ggml-*.bin",),
            essential=("ggml-*.bin",),
            suffixes=(".bin",),
            from_hub=False,
        ),
    ),
    packages=("pywhispercpp",),
    install="pip install 'daylong[whisper-cpp]'",
    check="tasks.transcription.whisper_cpp:check_weights",
    read_languages="tasks.transcription.whisper_cpp:read_languages",
)
