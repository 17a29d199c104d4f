"""Engines of a device of a given speed, which only take time: a recogniser, a diarizer of sound, a speaker model.

They are in the registry and are called through the pool as real ones, in the run's process or in children. A device
does one thing at a time: engines of one process wait for each other. What they answer depends on the sound's length
alone, so that runs can be compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from tasks.engines import registry
from tasks.engines.calls import EnginePool
from tasks.engines.engine import Engine
from tasks.engines.protocols import RawWord, Samples, Stretches
from tasks.engines.spec import Capabilities, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ

NAME = "simulated"
SHARES = {"transcription": 0.7, "diarization": 0.2, "embedding": 0.1}
"""Of the device's time that each engine takes."""
TAKING_TIME = ("transcribe", "find_turns", "embed")
"""Methods that take a device's time, by the length of the sound that they are given first."""
DIMENSIONS = 64
SPEAKERS = 2
TURN_S = 8.0
WORD_S = 0.4

_device = threading.Lock()
_times_real = 100.0


def make_word(number: int) -> str:
    """Five letters that look drawn: text that repeats itself, or could be packed small, is decoded a second time.

    >>> make_word(1), make_word(2)
    ('ddesk', 'kiwsi')
    """
    mixed = number * 2654435761 % 2**32
    return "".join(chr(97 + mixed // 26**place % 26) for place in range(5))


class SimulatedEngine:
    """What is loaded: takes `share` of the time in which a device of `times_real` hears the sound of a call."""

    def __init__(self, times_real: float, share: float) -> None:
        self._seconds = share / times_real

    def _take_time(self, samples: Samples) -> None:
        with _device:
            time.sleep(self._seconds * len(samples) / SAMPLE_RATE_HZ)

    def transcribe(
        self, samples: Samples, stretches: Stretches, language: str | None = None, options: Any = None
    ) -> list[RawWord]:
        """Two and a half words a second of the stretches."""
        self._take_time(samples)
        return [
            {"start": a + i * WORD_S, "end": a + (i + 0.9) * WORD_S, "word": f" {make_word(round(a / WORD_S) + i)}",
             "probability": 0.9, "stretch": number}
            for number, (a, b) in enumerate(stretches) for i in range(int((b - a) / WORD_S))
        ]  # fmt: skip

    def detect_languages(self, samples: Samples, stretches: Stretches) -> list[list[tuple[str, float]]]:
        return [[("en", 1.0)] for _ in stretches]

    def find_turns(self, samples: Samples) -> list[tuple[float, float, str]]:
        """Speakers in turn, each for `TURN_S`."""
        self._take_time(samples)
        length = len(samples) / SAMPLE_RATE_HZ
        starts = np.arange(0.0, length, TURN_S)
        return [(float(s), float(min(length, s + TURN_S)), str(i % SPEAKERS)) for i, s in enumerate(starts)]

    def embed(self, samples: Samples, windows: NDArray[np.float64]) -> NDArray[np.float32]:
        """One of `SPEAKERS` directions, by the turn in which a window lies, and a little noise."""
        self._take_time(samples)
        found = np.zeros((len(windows), DIMENSIONS), np.float32)
        who = (windows.mean(axis=1) // TURN_S).astype(int) % SPEAKERS
        found[np.arange(len(windows)), who] = 1.0
        found += np.random.default_rng(len(windows)).normal(0.0, 0.02, found.shape).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)  # type: ignore[no-any-return]


@contextmanager
def sum_device_time() -> Iterator[Callable[[], float]]:
    """Add up what the devices of all processes are asked to take while the block runs; yields a function that returns
    the seconds so far. Waiting for a device does not count."""
    taken: list[float] = []
    call = EnginePool.call

    def counted(pool: EnginePool, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Any:
        done = call(pool, engine, method, *args, **kwargs)
        if engine.name.endswith(f"/{NAME}") and method in TAKING_TIME:
            options = dict(engine.options)
            taken.append(options["share"] / options["times_real"] * len(args[0]) / SAMPLE_RATE_HZ)
        return done

    with patch.object(EnginePool, "call", counted):
        yield lambda: sum(taken)


def load(times_real: float, share: float) -> SimulatedEngine:
    return SimulatedEngine(times_real, share)


def _make_spec(step: Any, setting: str, **more: Any) -> EngineSpec:
    def build(_settings: Any, _weights: Path, _device: Any) -> Engine:
        return Engine.of(
            f"{step}/{NAME}", "tests.simulation.engines:load", times_real=_times_real, share=SHARES[step]
        )

    kind = step if step == "embedding" else f"{step}/{NAME}"
    format = WeightsFormat(kind=kind, setting=setting, maker=NAME, suffixes=(f".{NAME}-{step}",))
    provenance = "Code of this test; no weights."
    return EngineSpec(
        step=step, name=NAME, summary="takes its time", provenance=provenance, build=build, weights=(format,), **more
    )


RECOGNISER = _make_spec(
    "transcription", "transcription.model", capabilities=Capabilities(languages=("en",), punctuates=True)
)
DIARIZER = _make_spec("diarization", "diarization.model", capabilities=Capabilities(reads="sound"))
SPEAKER_MODEL = _make_spec("embedding", "diarization.embedding_model")


@contextmanager
def register_simulated(folder: Path, times_real: float = 100.0) -> Iterator[dict[str, Any]]:
    """Register the engines of a device of `times_real` while the block runs; yields the settings that choose them.

    `folder`: where their empty weights lie.
    """
    global _times_real
    folder.mkdir(parents=True, exist_ok=True)
    paths = {step: folder / f"weights.{NAME}-{step}" for step in SHARES}
    for path in paths.values():
        path.write_bytes(NAME.encode())
    specs = {"transcription": "RECOGNISER", "diarization": "DIARIZER", "embedding": "SPEAKER_MODEL"}
    added = {step: {**registry.BUILT_IN[step], NAME: f"{__name__}:{specs[step]}"} for step in SHARES}  # type: ignore[index]
    before, _times_real = _times_real, times_real
    with patch.dict(registry.BUILT_IN, added):
        registry.clear()
        yield {
            "profile": "demo",
            "transcription": {"engine": NAME, "model": str(paths["transcription"]), "language": "en"},
            "diarization": {
                "engine": NAME, "model": str(paths["diarization"]), "embedding_model": str(paths["embedding"]),
            },
            "punctuation": {"mode": "never"},
        }  # fmt: skip
    _times_real = before
    registry.clear()
