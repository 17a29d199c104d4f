"""Set the level of a whole recording, and remove its offset: the same for every chunk of it.

Both work on samples as they stream by. A sample's result depends on its neighbours up to `MARGIN` away and on nothing
else, so that a span that is decoded by itself equals that span of the whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
import numpy.typing as npt

from tasks.audio.resample import Samples
from tasks.records import SAMPLE_RATE_HZ, Correction

STEP = 160
"""Samples for which the limiter measures a peak: 10 ms. Positions in the recording that are multiples begin one."""
MARGIN = 50 * STEP
_CUTOFF_HZ = 20.0
"""The high-pass filter that removes an offset; voices are above."""
_CEILING = 10 ** (-1 / 20)
_REACH = 5
"""Steps over which the limiter fades to and from a peak."""


def correct_samples(samples: Samples, correction: Correction) -> Samples:
    """Correct offset and level of float32 (n,) at 16 kHz, whose first sample is at a multiple of `STEP`."""
    if correction.removes_offset:
        samples = _remove_offset(samples)
    if not correction.gain_db:
        return samples
    louder = samples * np.float32(10 ** (correction.gain_db / 20))
    return limit_peaks(louder) if correction.gain_db > 0 else louder


def correct_stream(blocks: Iterable[Samples], correction: Correction) -> Generator[Samples, None, None]:
    """Correct consecutive blocks from the recording's start on; the blocks that come back have other lengths."""
    if not (correction.removes_offset or correction.gain_db):
        yield from blocks
        return
    held, first, done = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        end = first + len(held) - MARGIN
        if end > done:
            yield correct_samples(held, correction)[done - first : end - first]
            done = end
            start = align(done - MARGIN)
            held, first = held[start - first :], start
    if first + len(held) > done:
        yield correct_samples(held, correction)[done - first :]


def align(position: int) -> int:
    """Return the last position at or before this one at which a step begins; 0 for earlier ones."""
    return max(0, position // STEP * STEP)


def limit_peaks(samples: Samples) -> Samples:
    """Turn down float32 (n,) around peaks above −1 dBFS; the rest stays as it is.

    The gain of each step is what its peak needs, spread over its neighbours by a minimum and smoothed by a mean (a
    look-ahead limiter): a click costs a tenth of a second, and loud speech among quiet speech is not distorted.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    count = -(-len(samples) // STEP)
    padded = np.zeros(count * STEP, np.float32)
    padded[: len(samples)] = np.abs(samples)
    peaks = padded.reshape(count, STEP).max(axis=1)
    if not len(peaks) or peaks.max() <= _CEILING:
        return samples
    needed = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    lowest = minimum_filter1d(needed, 2 * _REACH + 3, mode="nearest")
    gains = uniform_filter1d(lowest, 2 * _REACH + 1, mode="nearest")
    centres = (np.arange(count) + 0.5) * STEP
    return np.asarray(samples * np.interp(np.arange(len(samples)), centres, gains), np.float32)


def _remove_offset(samples: Samples) -> Samples:
    from scipy.signal import butter, sosfilt, sosfilt_zi

    if not len(samples):
        return samples
    sections = butter(2, _CUTOFF_HZ, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    at_rest: npt.NDArray[np.float64] = sosfilt_zi(sections) * samples[: SAMPLE_RATE_HZ // 10].mean(dtype=np.float64)
    filtered, _ = sosfilt(sections, samples.astype(np.float64), zi=at_rest)
    return np.asarray(filtered, np.float32)
