"""Modules with the names and signatures of mlx and mlx-whisper 0.4, which exist for Apple's processors alone: what is
called is checked, and the answers are the test's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

Answer = Callable[[NDArray[np.float32]], list[dict[str, Any]]]


@dataclass
class Apple:
    """What was asked. `answer`: the segments for a sound."""

    answer: Answer
    languages: dict[str, float]
    multilingual: bool = True
    calls: list[dict[str, Any]] = field(default_factory=list)
    loaded: list[tuple[str, str]] = field(default_factory=list)
    cleared: int = 0


@contextmanager
def be_apple(apple: Apple) -> Iterator[None]:
    """Have the modules while the block runs."""

    def get_model(model_path: str, dtype: Any) -> Any:
        assert Path(model_path).is_dir()
        apple.loaded.append((model_path, dtype))
        return SimpleNamespace(
            is_multilingual=apple.multilingual,
            num_languages=99,
            dims=SimpleNamespace(n_mels=80),
            detect_language=detect_language,
        )

    def detect_language(mel: NDArray[np.float32]) -> tuple[Any, dict[str, float]]:
        assert mel.shape == (3000, 80)
        return None, apple.languages

    def transcribe(
        audio: NDArray[np.float32],
        *,
        path_or_hf_repo: str = "mlx-community/whisper-turbo",
        verbose: bool | None = None,
        temperature: float | tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
        compression_ratio_threshold: float | None = 2.4,
        logprob_threshold: float | None = -1.0,
        no_speech_threshold: float | None = 0.6,
        condition_on_previous_text: bool = True,
        initial_prompt: str | None = None,
        word_timestamps: bool = False,
        prepend_punctuations: str = "\"'“¿([{-",
        append_punctuations: str = "\"'.。,，!！?？:：”)]}、",
        clip_timestamps: str | list[float] = "0",
        hallucination_silence_threshold: float | None = None,
        **decode_options: Any,
    ) -> dict[str, Any]:
        assert decode_options.keys() <= {"language", "task", "fp16"}
        assert audio.dtype == np.float32
        assert audio.ndim == 1
        apple.calls.append(
            {
                "seconds": len(audio) / 16_000,
                "folder": path_or_hf_repo,
                "temperature": temperature,
                "conditions": condition_on_previous_text,
                "prompt": initial_prompt,
                "times": word_timestamps,
                "language": decode_options.get("language"),
                "task": decode_options.get("task"),
                "verbose": verbose,
            }
        )
        segments = apple.answer(audio)
        return {"text": "".join(s["text"] for s in segments), "segments": segments, "language": "en"}

    def log_mel_spectrogram(audio: NDArray[np.float32], n_mels: int = 80, padding: int = 0) -> NDArray[np.float32]:
        return np.zeros(((len(audio) + padding) // 160, n_mels), np.float32)

    def pad_or_trim(array: NDArray[np.float32], length: int = 480_000, *, axis: int = -1) -> NDArray[np.float32]:
        assert axis == -2
        return array[:length]

    def get_tokenizer(
        multilingual: bool, *, num_languages: int = 99, language: str | None = None, task: str | None = None
    ) -> Any:
        """A token for each character."""
        return SimpleNamespace(encode=lambda text, **_: list(map(ord, text)))

    def clear_cache() -> None:
        apple.cleared += 1

    modules = {
        "mlx": {},
        "mlx.core": {"float16": np.float16, "clear_cache": clear_cache},
        "mlx_whisper": {"transcribe": transcribe},
        "mlx_whisper.transcribe": {"ModelHolder": SimpleNamespace(get_model=get_model), "transcribe": transcribe},
        "mlx_whisper.audio": {
            "log_mel_spectrogram": log_mel_spectrogram,
            "pad_or_trim": pad_or_trim,
            "N_FRAMES": 3000,
            "N_SAMPLES": 480_000,
        },
        "mlx_whisper.tokenizer": {"get_tokenizer": get_tokenizer},
    }
    made = {}
    for name, content in modules.items():
        made[name] = ModuleType(name)
        made[name].__dict__.update(content)
    with patch.dict(sys.modules, made):
        yield
