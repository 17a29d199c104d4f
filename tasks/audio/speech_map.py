"""Where speech is in a whole recording, and how loud it is: read once, in bounded memory.

Silero judges a few minutes at a time, with some context on both sides, so that the borders of blocks neither
cut speech nor invent it. What it says of the context is thrown away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tasks.audio.pieces import Samples
from tasks.intervals import Span, clip, measure_union_s, merge_spans
from tasks.records import SAMPLE_RATE_HZ

T = TypeVar("T")

ENERGY_STEP_S = 0.5
FLOOR_DB = -100.0
"""What digital silence counts as."""

_CORE_S = 180.0
_CONTEXT_S = 10.0
_MIN_SILENCE_S = 0.2  # speakers often change within a quarter of a second
_MIN_SPEECH_S = 0.1
_PAD_S = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class SpeechMap:
    """`speech`: tidy spans within the recording. `energy_db`: float16 (n,), the level in dBFS of every 0.5 s."""

    speech: tuple[Span, ...]
    energy_db: npt.NDArray[np.float16]

    @property
    def speech_s(self) -> float:
        return measure_union_s(self.speech)


class Silero:
    """Silero's voice activity detector as faster-whisper ships it: no download, 1.5 s for 12 minutes."""

    def __init__(self, threshold: float = 0.5) -> None:
        from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model

        get_vad_model()
        self._find: Callable[..., list[dict[str, int]]] = get_speech_timestamps
        self._options: Any = VadOptions(
            threshold=threshold,
            min_speech_duration_ms=round(_MIN_SPEECH_S * 1000),
            min_silence_duration_ms=round(_MIN_SILENCE_S * 1000),
            speech_pad_ms=round(_PAD_S * 1000),
        )

    def speech(self, samples: Samples) -> list[Span]:
        """Spans of speech in float32 (n,) at 16 kHz, in seconds from its first sample."""
        if not len(samples) or not samples.any():
            return []
        found = self._find(samples, self._options, SAMPLE_RATE_HZ)
        return merge_spans(Span(f["start"] / SAMPLE_RATE_HZ, f["end"] / SAMPLE_RATE_HZ) for f in found)


def load(threshold: float = 0.5) -> Silero:
    """The detector, loaded. `threshold`: the probability of speech from which it counts as speech."""
    return Silero(threshold)


def speech_map(blocks: Iterable[Samples], detect: Callable[[Samples], list[Span]], duration_s: float) -> SpeechMap:
    """The speech of a recording that arrives as consecutive `blocks` of float32 at 16 kHz, of any lengths.

    `detect` gives spans in seconds from the start of what it is given, as `Silero.speech` does.
    """
    speech: list[Span] = []
    energy: list[npt.NDArray[np.float16]] = []
    for window, at_s, core in ahead(_windows(blocks)):
        speech += clip((span.shift(at_s) for span in detect(window)), core)
        first = round((core.start_s - at_s) * SAMPLE_RATE_HZ)
        energy.append(energy_db(window[first : first + round(core.duration_s * SAMPLE_RATE_HZ)]))
    whole = Span(0.0, duration_s)
    levels = np.concatenate(energy) if energy else np.zeros(0, np.float16)
    return SpeechMap(tuple(clip(merge_spans(speech), whole)), levels)


def ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """The same items; while one is used, the next is made in a thread of its own."""
    with contextlib.closing(items), ThreadPoolExecutor(1, "daylong-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def energy_db(samples: Samples) -> npt.NDArray[np.float16]:
    """The level of every 0.5 s in dBFS, float16 (n,); the last step may be shorter."""
    step = round(ENERGY_STEP_S * SAMPLE_RATE_HZ)
    if not len(samples):
        return np.zeros(0, np.float16)
    power = np.add.reduceat(np.square(samples, dtype=np.float64), np.arange(0, len(samples), step))
    sizes = np.full(len(power), step)
    sizes[-1] = len(samples) - step * (len(power) - 1)
    levels = 10 * np.log10(np.maximum(power / sizes, 10 ** (FLOOR_DB / 10)))
    return np.asarray(levels, np.float16)


def _windows(blocks: Iterable[Samples]) -> Generator[tuple[Samples, float, Span], None, None]:
    """(samples, their start, the core they are to be judged for): cores tile, samples have context around."""
    core, context = round(_CORE_S * SAMPLE_RATE_HZ), round(_CONTEXT_S * SAMPLE_RATE_HZ)
    held: list[Samples] = []
    held_size = at = core_start = 0
    for block in blocks:
        held.append(block)
        held_size += len(block)
        while at + held_size >= core_start + core + context:
            window = np.concatenate(held)
            end = core_start + core
            cut = window[: end + context - at]
            yield cut, at / SAMPLE_RATE_HZ, Span(core_start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ)
            rest = window[max(0, end - context - at) :].copy()
            at, core_start = max(at, end - context), end
            held, held_size = [rest], len(rest)
    if at + held_size > core_start:
        yield (
            np.concatenate(held),
            at / SAMPLE_RATE_HZ,
            Span(core_start / SAMPLE_RATE_HZ, (at + held_size) / SAMPLE_RATE_HZ),
        )
