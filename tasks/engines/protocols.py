"""What a loaded engine answers, by step: plain data and NumPy arrays, because calls may cross to a child process.

Sound is 16 kHz mono float32 of shape (n,), full scale 1; times are seconds from its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Stretches = Sequence[tuple[float, float]]
"""(start, end) of stretches of sound."""


class RawWord(TypedDict):
    """A word, or a piece of one, as a recogniser gives it."""

    start: float | None
    end: float | None
    word: str
    """With its blank where a word begins."""
    probability: float | None
    """0–1; None where the engine gives none."""
    stretch: int
    """Index of the stretch that it was decoded from."""
    avg_logprob: NotRequired[float]
    """Mean natural logarithm of the probability of the text that it is in."""
    no_speech_prob: NotRequired[float]
    """Probability that nobody speaks in its stretch."""
    compression_ratio: NotRequired[float]
    shared: NotRequired[bool]
    """Whether its times are a share of its sentence's, by length."""


class Recogniser(Protocol):
    """Sound -> words."""

    def transcribe(
        self,
        samples: Samples,
        stretches: Stretches,
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Sequence[RawWord]:
        """Words within `stretches`, in their order. `options`: of `tasks.transcription.options`, those that the
        engine's capabilities name."""
        ...

    def detect_languages(self, samples: Samples, stretches: Stretches) -> Sequence[Sequence[tuple[str, float]]]:
        """(code, probability) of the languages of each stretch, likeliest first; empty where it can't tell."""
        ...


class Diarizer(Protocol):
    """Sound -> turns (`Capabilities.reads` = "sound")."""

    def find_turns(self, samples: Samples) -> Sequence[tuple[float, float, str]]:
        """(start, end, number of the local speaker) of turns, which may overlap, in order of time."""
        ...


class Clusterer(Protocol):
    """Embeddings -> local speakers (`Capabilities.reads` = "embeddings")."""

    def cluster(
        self, embeddings: NDArray[np.float32], starts_ends: NDArray[np.float64], max_speakers: int = 8
    ) -> NDArray[np.int64]:
        """A speaker's number for each of N `embeddings` (N, D) of windows `starts_ends` (N, 2)."""
        ...


class Segmenter(Protocol):
    """Sound -> who of a few local speakers is active (`Capabilities.reads` = "segments")."""

    def activity(self, samples: Samples, firsts: NDArray[np.int64]) -> NDArray[np.float16]:
        """Probabilities (W, F, S) that each local speaker speaks, for windows beginning with the frames `firsts`."""
        ...


class SpeakerModel(Protocol):
    """Windows of sound -> embeddings."""

    def embed(self, samples: Samples, windows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Embeddings (N, D) of unit length of the `windows` (N, 2) of the sound."""
        ...


class Aligner(Protocol):
    """Sound and its text -> times of words."""

    def align(
        self, samples: Samples, stretches: Stretches, texts: Sequence[Sequence[str]], language: str | None = None
    ) -> Sequence[Sequence[tuple[float, float, float | None] | None]]:
        """(start, end, confidence or None) of each word of the text of each stretch; None where it was not found."""
        ...
