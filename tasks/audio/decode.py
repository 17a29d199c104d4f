"""A recording's sound as numbers: one span by itself, or everything once, block by block.

Both give float32 samples at 16 kHz, mono: the mean of the channels, or one channel. Both place samples by
presentation time, so a span decoded by itself equals that span of the whole, and what cannot be decoded
leaves silence of its length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tasks.audio.source import PREROLL_S, Source, opened, shown
from tasks.errors import UnreadableAudio
from tasks.intervals import Span

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

RATE_HZ = 16_000
Samples = npt.NDArray[np.float32]

_JUMP_S = 0.1
"""A frame this far from where the last one ended was not cut off by rounding: something is missing."""
_DRIFT_S = 0.01
"""How far the mean time of the last frames may wander from counted samples before we follow it."""
_GROUP_S = 1.0
"""Frames are converted a second at a time: they are as short as 20 ms, and each call has a price."""


def decode(path: Path, span: Span, *, channel: int | None = None) -> Samples:
    """`span` of the recording as float32 (n,) at 16 kHz, n = round(span.duration_s * 16000).

    Silent before 0 and past the recording's end. Raises UnreadableAudio, or TransientError if the file is gone.
    """
    first, size = round(span.start_s * RATE_HZ), round(span.duration_s * RATE_HZ)
    out = np.zeros(size, np.float32)
    with opened(path) as source:
        for at, samples in _pieces(_frames_from(source, span.start_s), path, channel):
            if at >= first + size:
                break
            skip, place = max(0, first - at), max(0, at - first)
            part = samples[skip : skip + size - place]
            out[place : place + len(part)] = part
    return out


def stream(path: Path, block_s: float = 60.0, *, channel: int | None = None) -> Iterator[Samples]:
    """The whole recording once, in blocks of `block_s` (the last one shorter), in constant memory."""
    size = round(block_s * RATE_HZ)
    block, filled = np.zeros(size, np.float32), 0
    cursor = 0  # the next sample to be given out
    with opened(path) as source:
        for at, samples in _pieces(source.frames(), path, channel):
            samples = samples[max(0, cursor - at) :]
            silence = max(0, at - cursor)
            cursor += silence + len(samples)
            while silence or len(samples):
                quiet = min(silence, size - filled)
                silence, filled = silence - quiet, filled + quiet
                part = samples[: size - filled] if not silence else samples[:0]
                block[filled : filled + len(part)] = part
                samples, filled = samples[len(part) :], filled + len(part)
                if filled == size:
                    yield block
                    block, filled = np.zeros(size, np.float32), 0
    if filled:
        yield block[:filled]


def _frames_from(source: Source, start_s: float) -> Iterator[tuple[AudioFrame, float | None]]:
    """Frames from a little before `start_s` on; from the file's beginning where it cannot be sought exactly."""
    if start_s <= PREROLL_S or not source.seek(start_s - PREROLL_S):
        return source.frames()
    frames = source.frames()
    head = next(frames, None)
    if head is not None and head[1] is not None and head[1] <= start_s:
        return _chain(head, frames)
    # Sought too far, or without a clock: read on from the start instead.
    return source.frames() if source.seek(-source.origin_s) else iter(())


def _chain(
    head: tuple[AudioFrame, float | None], frames: Iterator[tuple[AudioFrame, float | None]]
) -> Iterator[tuple[AudioFrame, float | None]]:
    yield head
    yield from frames


def _pieces(
    frames: Iterator[tuple[AudioFrame, float | None]], path: Path, channel: int | None
) -> Iterator[tuple[int, Samples]]:
    """(position, samples) at 16 kHz. Positions rise; they skip what is missing and may step back by a drift."""
    run: _Run | None = None
    for frame, time_s in frames:
        if run is not None and (not run.fits(frame) or run.strays(time_s)):
            yield from run.convert(last=True)
            time_s = run.end_s if time_s is None else time_s
            run = None
        if run is None:
            run = _Run(frame, time_s or 0.0, path, channel)
        run.add(frame)
        if run.waiting_s >= _GROUP_S:
            yield from run.convert()
    if run is not None:
        yield from run.convert(last=True)


class _Run:
    """Frames of one format that follow each other without a gap, on their way to 16 kHz mono."""

    def __init__(self, frame: AudioFrame, start_s: float, path: Path, channel: int | None) -> None:
        self.path, self.channel = path, channel
        self.rate: int = frame.sample_rate
        self.kind = _kind(frame)
        if channel is not None and not 0 <= channel < frame.layout.nb_channels:
            raise UnreadableAudio(
                f"{shown(path)}: no channel {channel}; it has {frame.layout.nb_channels}, counted from 0."
            )
        first = round(start_s * self.rate)
        # Start where an input sample falls on the 16 kHz grid, so that a span and the whole share their phase.
        period = self.rate // math.gcd(self.rate, RATE_HZ)
        self.skip = -first % period if first >= 0 else -first
        self.at = (first + self.skip) * RATE_HZ // self.rate
        self.start_s, self.count, self.drift_s = start_s, 0, 0.0
        self.frames: list[AudioFrame] = []
        self.waiting_s = 0.0
        self.resampler: Any = None
        if self.rate != RATE_HZ:
            import soxr

            self.resampler = soxr.ResampleStream(self.rate, RATE_HZ, 1, dtype="float32", quality="HQ")

    @property
    def end_s(self) -> float:
        return self.start_s + self.count / self.rate

    def fits(self, frame: AudioFrame) -> bool:
        return self.kind == _kind(frame)

    def strays(self, time_s: float | None) -> bool:
        """Has the file's clock left the counted samples? Jitter of single frames is no reason."""
        if time_s is None:
            return False
        off = time_s - self.end_s
        self.drift_s += 0.02 * (off - self.drift_s)
        return abs(off) > _JUMP_S or abs(self.drift_s) > _DRIFT_S

    def add(self, frame: AudioFrame) -> None:
        self.frames.append(frame)
        self.count += frame.samples
        self.waiting_s += frame.samples / self.rate

    def convert(self, *, last: bool = False) -> Iterator[tuple[int, Samples]]:
        """What the frames so far amount to; `last` empties the resampler."""
        mono = _mono(self.frames, self.channel)
        self.frames, self.waiting_s = [], 0.0
        dropped = min(self.skip, len(mono))
        mono, self.skip = mono[dropped:], self.skip - dropped
        if self.resampler is not None:
            mono = self.resampler.resample_chunk(np.ascontiguousarray(mono), last=last)
        if len(mono):
            yield self.at, mono
            self.at += len(mono)


def _kind(frame: AudioFrame) -> tuple[int, str, int]:
    return frame.sample_rate, frame.format.name, frame.layout.nb_channels


def _mono(frames: list[AudioFrame], channel: int | None) -> Samples:
    """Frames of one format as float32 (n,) in −1…1; values that are no numbers become silence."""
    if not frames:
        return np.zeros(0, np.float32)
    channels = frames[0].layout.nb_channels
    planes = [f.to_ndarray() for f in frames]
    if not frames[0].format.is_planar:
        planes = [p.reshape(-1, channels).T for p in planes]
    wave = np.concatenate(planes, axis=1)
    chosen = wave[channel : channel + 1] if channel is not None else wave
    mono = chosen.mean(axis=0, dtype=np.float32 if wave.dtype.itemsize <= 4 else np.float64)
    if wave.dtype == np.uint8:
        mono = (mono - 128.0) / 128.0
    elif np.issubdtype(wave.dtype, np.integer):
        mono = mono / float(np.iinfo(wave.dtype).max + 1)
    else:
        mono = np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(mono, np.float32)
