"""Convert decoded frames to 16 kHz mono: consecutive frames are joined, and placed by their timestamps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tasks.errors import UnreadableAudio
from tasks.paths import format_path
from tasks.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

    from tasks.audio.source import TimedFrame

Samples = npt.NDArray[np.float32]

Observe = Callable[[npt.NDArray[np.float64], int], None]
"""Called with the samples of all channels, (channels, n) in −1…1 at a file's own rate, and that rate in Hz."""

_JUMP_S = 0.1
"""A frame this far from the end of the one before is no rounding error: sound is missing between them."""
MAX_LEAP_S = 8 * 24 * 3600.0
"""Timestamps that leap this far are broken, and ignored: the gap would be filled with days of silence."""
_DRIFT_S = 0.01
"""How far timestamps may drift from counted samples, on average, before they are followed."""
_GROUP_S = 1.0
"""Frames are converted a second at a time: they are as short as 20 ms, and each call costs time."""


def convert_frames(
    frames: Iterator[TimedFrame],
    path: Path,
    channel: int | None,
    weights: Sequence[tuple[float, ...]] = (),
    observe: Observe | None = None,
) -> Iterator[tuple[int, Samples]]:
    """Yield (position, samples) at 16 kHz. Positions increase, skip missing sound, and may step back by a drift.

    `weights`: see `Correction`; `observe` is called with the channels before they are mixed, a second at a time.
    """
    run: _Run | None = None
    for frame, time_s in _drop_strays(frames):
        if run is None:
            run = _Run(frame, time_s or 0.0, path, channel, weights, observe)
        elif (start_s := run.find_restart(frame, time_s)) is not None:
            yield from run.convert(last=True)
            run = _Run(frame, start_s, path, channel, weights, observe)
        run.add(frame)
        if run.waiting_s >= _GROUP_S:
            yield from run.convert()
    if run is not None:
        yield from run.convert(last=True)


def _drop_strays(frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
    """Yield the same frames, without the timestamp of a frame that jumps and that the next frame contradicts."""
    expected: float | None = None
    held: TimedFrame | None = None
    for following in itertools.chain(frames, [None]):
        if held is not None:
            frame, time_s = held
            length_s = frame.samples / frame.sample_rate
            after = None if following is None else following[1]
            jumps = time_s is not None and expected is not None and abs(time_s - expected) > _JUMP_S
            if jumps and after is not None and abs(time_s + length_s - after) > _JUMP_S:  # type: ignore[operator]
                time_s = None
            expected = (time_s if time_s is not None else expected or 0.0) + length_s
            yield frame, time_s
        held = following


class _Run:
    """Converts consecutive frames of one format, without a gap between them, to 16 kHz mono."""

    def __init__(
        self,
        frame: AudioFrame,
        start_s: float,
        path: Path,
        channel: int | None,
        weights: Sequence[tuple[float, ...]],
        observe: Observe | None,
    ) -> None:
        self.path, self.channel, self.observe = path, channel, observe
        self.weights = next((w for w in weights if channel is None and len(w) == frame.layout.nb_channels), None)
        self.rate: int = frame.sample_rate
        self.kind = _get_format(frame)
        if channel is not None and not 0 <= channel < frame.layout.nb_channels:
            raise UnreadableAudio(
                f"{format_path(path)}: no channel {channel}; it has {frame.layout.nb_channels}, counted from 0."
            )
        first = round(start_s * self.rate)
        # Start where an input sample falls on the 16 kHz grid: a span and the whole then share the resampler's phase.
        period = self.rate // math.gcd(self.rate, SAMPLE_RATE_HZ)
        self.skip = -first % period if first >= 0 else -first
        self.at = (first + self.skip) * SAMPLE_RATE_HZ // self.rate
        self.start_s, self.count, self.drift_s = start_s, 0, 0.0
        self.frames: list[AudioFrame] = []
        self.waiting_s = 0.0
        self.packer: Any = None
        if frame.format.is_planar and frame.layout.nb_channels >= 8:
            import av

            # PyAV looks for a ninth plane behind the eighth and reads memory that isn't the frame's.
            self.packer = av.AudioResampler(format=frame.format.packed)
        self.resampler: Any = None
        if self.rate != SAMPLE_RATE_HZ:
            import soxr

            self.resampler = soxr.ResampleStream(self.rate, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")

    @property
    def end_s(self) -> float:
        return self.start_s + self.count / self.rate

    def find_restart(self, frame: AudioFrame, time_s: float | None) -> float | None:
        """Return the time at which a new run has to start with `frame`, or None where it continues this one."""
        off = 0.0 if time_s is None or abs(time_s - self.end_s) >= MAX_LEAP_S else time_s - self.end_s
        self.drift_s += 0.02 * (off - self.drift_s)  # smoothed over the jitter of single frames
        if abs(off) > _JUMP_S:
            return time_s
        if abs(self.drift_s) > _DRIFT_S:
            return self.end_s + self.drift_s
        return None if self.kind == _get_format(frame) else self.end_s

    def add(self, frame: AudioFrame) -> None:
        self.frames += self.packer.resample(frame) if self.packer else [frame]
        self.count += frame.samples
        self.waiting_s += frame.samples / self.rate

    def convert(self, *, last: bool = False) -> Iterator[tuple[int, Samples]]:
        """Convert the frames added so far; `last` flushes the resampler."""
        if self.observe is not None and self.frames and self.kind[2] > 1:
            self.observe(_scale(_join(self.frames)), self.rate)
        mono = _mix_down(self.frames, self.channel, self.weights)
        self.frames, self.waiting_s = [], 0.0
        dropped = min(self.skip, len(mono))
        mono, self.skip = mono[dropped:], self.skip - dropped
        if self.resampler is not None:
            mono = self.resampler.resample_chunk(np.ascontiguousarray(mono), last=last)
        if len(mono):
            yield self.at, mono
            self.at += len(mono)


_MAX_AMPLITUDE = 1e7
"""140 dB over full scale. Floats past this, NaN and infinity are no samples; 24-bit integers written as floats are
still below."""


def _get_format(frame: AudioFrame) -> tuple[int, str, int]:
    return frame.sample_rate, frame.format.name, frame.layout.nb_channels


def _join(frames: list[AudioFrame]) -> npt.NDArray[Any]:
    """Join frames of one format to (channels, n), in the format's own type."""
    channels = frames[0].layout.nb_channels
    planes = [f.to_ndarray() for f in frames]
    if not frames[0].format.is_planar:
        planes = [p.reshape(-1, channels).T for p in planes]
    return np.concatenate(planes, axis=1)


def _scale(wave: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Scale (channels, n) to −1…1; NaN and infinity become silence."""
    if wave.dtype == np.uint8:
        return (wave - 128.0) / 128.0
    if np.issubdtype(wave.dtype, np.integer):
        return wave / 2.0 ** (8 * wave.dtype.itemsize - 1)
    with np.errstate(all="ignore"):
        return np.where(np.abs(wave) < _MAX_AMPLITUDE, wave, 0.0).astype(np.float64)


def _mix_down(frames: list[AudioFrame], channel: int | None, weights: tuple[float, ...] | None) -> Samples:
    """Mix frames of one format down to float32 (n,) in −1…1; NaN and infinity become silence."""
    if not frames:
        return np.zeros(0, np.float32)
    wave = _join(frames)
    if weights is not None:
        return np.asarray(np.array(weights) @ _scale(wave), np.float32)
    chosen = wave[channel : channel + 1] if channel is not None else wave
    if not np.issubdtype(wave.dtype, np.integer):
        return _average_floats(chosen)
    mono = chosen.mean(axis=0, dtype=np.float32 if wave.dtype.itemsize <= 4 else np.float64)
    mono = (mono - 128.0) / 128.0 if wave.dtype == np.uint8 else mono / 2.0 ** (8 * wave.dtype.itemsize - 1)
    return np.asarray(mono, np.float32)


def _average_floats(planes: npt.NDArray[Any]) -> Samples:
    """Average floats (channels, n) over channels; values past `_MAX_AMPLITUDE` count as silence."""
    with np.errstate(all="ignore"):
        mono = planes.mean(axis=0)
        if not np.abs(mono).max(initial=0.0) < _MAX_AMPLITUDE:  # test the mean first: it is hardly ever so
            mono = np.where(np.abs(planes) < _MAX_AMPLITUDE, planes, 0.0).mean(axis=0)
    return np.asarray(mono, np.float32)
