"""Map the speech and the level of a whole recording, in one pass and bounded memory.

Silero's detector gets a few minutes at a time, with context on both sides, so that borders of windows neither cut
speech nor add any. Speech that it finds in the context is discarded. Windows don't depend on each other: several are
worked on side by side, while the next is decoded.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tasks.audio.resample import Samples
from tasks.intervals import Span, clip, measure_union_s, merge_spans
from tasks.records import SAMPLE_RATE_HZ

T = TypeVar("T")
R = TypeVar("R")

ENERGY_STEP_S = 0.5
FLOOR_DB = -100.0
"""The level of digital silence."""

_CORE_S = 180.0
_CONTEXT_S = 10.0
_MIN_SILENCE_S = 0.2  # speakers often change within a quarter of a second
_MIN_SPEECH_S = 0.1
_PAD_S = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class SpeechMap:
    """`speech`: merged spans within the recording. `energy_db`: float16 (n,), the level in dBFS of every 0.5 s."""

    speech: tuple[Span, ...]
    energy_db: npt.NDArray[np.float16]

    @property
    def speech_s(self) -> float:
        return measure_union_s(self.speech)


class Silero:
    """Silero's voice activity detector, as bundled with faster-whisper: no download, 1.5 s for 12 minutes."""

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

    def find_speech(self, samples: Samples) -> list[Span]:
        """Find spans of speech in float32 (n,) at 16 kHz, in seconds from its first sample."""
        if not len(samples) or not samples.any():
            return []
        found = self._find(samples, self._options, SAMPLE_RATE_HZ)
        return merge_spans(Span(f["start"] / SAMPLE_RATE_HZ, f["end"] / SAMPLE_RATE_HZ) for f in found)


def load(threshold: float = 0.5, copy: int = 0) -> Silero:
    """Load the detector. `threshold`: the least probability that counts as speech. `copy`: tells engines apart that
    are called side by side. In one process they share the weights: a session of ONNX Runtime takes calls of several
    threads at once (microsoft/onnxruntime #114)."""
    return Silero(threshold)


def build_speech_map(
    blocks: Iterable[Samples], detect: Callable[[Samples], list[Span]], duration_s: float, threads: int = 1
) -> SpeechMap:
    """Build the map of a recording from consecutive `blocks` of float32 at 16 kHz, of any lengths.

    `detect` returns spans in seconds from the start of the samples it gets, as `Silero.find_speech` does; so many
    `threads` call it at once. The map is the same with any number of them.
    """

    def map_window(cut: tuple[Samples, float, Span]) -> tuple[list[Span], npt.NDArray[np.float16]]:
        window, at_s, core = cut
        speech = clip((span.shift(at_s) for span in detect(window)), core)
        first = round((core.start_s - at_s) * SAMPLE_RATE_HZ)
        return speech, measure_energy_db(window[first : first + round(core.duration_s * SAMPLE_RATE_HZ)])

    speech: list[Span] = []
    energy: list[npt.NDArray[np.float16]] = []
    for found, levels_db in work_side_by_side(map_window, _cut_windows(blocks), threads):
        speech += found
        energy.append(levels_db)
    whole = Span(0.0, duration_s)
    levels = np.concatenate(energy) if energy else np.zeros(0, np.float16)
    return SpeechMap(tuple(clip(merge_spans(speech), whole)), levels)


def work_side_by_side(
    work: Callable[[T], R], items: Generator[T, None, None], threads: int
) -> Generator[R, None, None]:
    """Yield `work(item)` in the order of the items: `threads` of them are worked on at a time, and meanwhile the next
    one is made, by whoever asks. No more than that is in memory.

    Closed, or where work or an item fails, what is under way ends, and no more is begun.
    """
    under_way: deque[Future[R]] = deque()
    with contextlib.closing(items), ThreadPoolExecutor(threads, "daylong-window") as workers:
        try:
            for item in items:
                under_way.append(workers.submit(copy_context().run, work, item))
                del item
                if len(under_way) > threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def measure_energy_db(samples: Samples) -> npt.NDArray[np.float16]:
    """Measure the level of every 0.5 s in dBFS, float16 (n,); the last step may be shorter."""
    step = round(ENERGY_STEP_S * SAMPLE_RATE_HZ)
    if not len(samples):
        return np.zeros(0, np.float16)
    power = np.add.reduceat(np.square(samples, dtype=np.float64), np.arange(0, len(samples), step))
    sizes = np.full(len(power), step)
    sizes[-1] = len(samples) - step * (len(power) - 1)
    levels = 10 * np.log10(np.maximum(power / sizes, 10 ** (FLOOR_DB / 10)))
    return np.asarray(levels, np.float16)


def _cut_windows(blocks: Iterable[Samples]) -> Generator[tuple[Samples, float, Span], None, None]:
    """Yield (samples, their start in seconds, their core): cores tile the recording, samples add context around."""
    core, context = round(_CORE_S * SAMPLE_RATE_HZ), round(_CONTEXT_S * SAMPLE_RATE_HZ)
    pending: list[Samples] = []
    pending_size = at = core_start = 0
    for block in blocks:
        pending.append(block)
        pending_size += len(block)
        while at + pending_size >= core_start + core + context:
            window = np.concatenate(pending)
            end = core_start + core
            cut = window[: end + context - at]
            yield cut, at / SAMPLE_RATE_HZ, Span(core_start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ)
            rest = window[max(0, end - context - at) :].copy()
            at, core_start = max(at, end - context), end
            pending, pending_size = [rest], len(rest)
    if at + pending_size > core_start:
        yield (
            np.concatenate(pending),
            at / SAMPLE_RATE_HZ,
            Span(core_start / SAMPLE_RATE_HZ, (at + pending_size) / SAMPLE_RATE_HZ),
        )
