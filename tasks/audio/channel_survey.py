"""Find out whether a recording's channels cancel each other when they are mixed, and how to mix them instead.

Every second, the channels' cross-powers in octaves of speech are measured; from these follows the power of any mix.
A mix of channels that have nothing in common has the sum of their powers, one of equal channels more, and one of
channels that cancel far less.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weights = tuple[float, ...]

OCTAVES_HZ = ((100, 200), (200, 400), (400, 800), (800, 1600), (1600, 3200), (3200, 6400))
LOST_DB = 9.0
"""A mix that is so far below the sum of powers has lost the sound; a single channel, one below the loudest."""
AUDIBLE_DB = 20.0
"""Frames and octaves further below the mean, or below the frame's loudest octave, do not count."""
MAX_LOST_OCTAVE, MAX_LOST_FRAMES = 0.5, 0.01
"""Shares of the frames: in which one octave may be lost (harmonics meet in any phase), and all octaves: a cable that
has a fault for a quarter of an hour of a day is one."""
MIN_COUNTED = 0.05
"""Share of the frames that an octave must be heard in to count."""
MIN_OPPOSITION = 0.3
"""Correlation from which on a channel counts as the opposite of another."""
FRAME_S = 0.5
_MAX_FRAMES, _MAX_VALUES = 7200, 20_000_000


class ChannelSurvey:
    """Cross-powers of a recording's channels. Of a long recording, every second, fourth, … frame is kept."""

    def __init__(self) -> None:
        self._frames: dict[int, list[Floats]] = {}
        self._every: dict[int, int] = {}
        self._seen: dict[int, int] = {}

    def add(self, planes: Floats, rate_hz: int) -> None:
        """Add about a second of sound, (channels, n); its first half second is measured."""
        count = len(planes)
        size = round(FRAME_S * rate_hz)
        seen, every = self._seen.get(count, 0), self._every.setdefault(count, 1)
        self._seen[count] = seen + 1
        if count < 2 or seen % every or planes.shape[1] < size:
            return
        kept = self._frames.setdefault(count, [])
        kept.append(measure_cross_powers(planes[:, :size], rate_hz))
        if len(kept) >= min(_MAX_FRAMES, _MAX_VALUES // (len(OCTAVES_HZ) * count * count)):
            del kept[1::2]
            self._every[count] = 2 * every

    def choose_weights(self) -> tuple[Weights, ...]:
        """Choose the channels' weights for each number of channels whose plain mean would lose sound."""
        found = ((count, choose_weights(np.array(frames))) for count, frames in sorted(self._frames.items()))
        return tuple(weights for count, weights in found if weights != (1 / count,) * count)


def measure_cross_powers(planes: Floats, rate_hz: int) -> Floats:
    """Measure (octaves, channels, channels): the real parts of the channels' cross-powers in each octave."""
    size = planes.shape[1]
    spectra = np.fft.rfft((planes - planes.mean(axis=1, keepdims=True)) * np.hanning(size), axis=1) / size
    borders = [[round(hz * size / rate_hz) for hz in octave] for octave in OCTAVES_HZ]
    return np.array([np.real(part @ part.conj().T) for a, b in borders for part in [spectra[:, a:b]]])


def choose_weights(powers: Floats) -> Weights:
    """Choose the weights of a mix for cross-powers (frames, octaves, channels, channels).

    The mean, if it loses nothing; else the mean with opposite channels turned, else one channel; else what loses
    least.
    """
    count = int(powers.shape[-1])
    total = np.trace(powers, axis1=2, axis2=3)
    frames = total.sum(axis=1)
    audible = frames > max(frames.mean() * 10 ** (-AUDIBLE_DB / 10), 1e-14)
    powers, total = powers[audible], total[audible]
    mean: Weights = (1 / count,) * count
    if not len(powers):
        return mean
    counts = total > total.max(axis=1, keepdims=True) * 10 ** (-AUDIBLE_DB / 10)
    losses: dict[Weights, tuple[float, int]] = {}
    weights: Weights
    for weights in dict.fromkeys(_list_candidates(powers.sum(axis=(0, 1)))):
        w = np.array(weights)
        single = np.count_nonzero(w) == 1
        expected = np.diagonal(powers, axis1=2, axis2=3).max(axis=2) if single else total / count**2
        lost = (np.einsum("i,foij,j->fo", w, powers, w) < expected * 10 ** (-LOST_DB / 10)) & counts
        octaves = np.where(counts.mean(axis=0) > MIN_COUNTED, lost.sum(axis=0) / np.maximum(counts.sum(axis=0), 1), 0)
        whole = float((lost == counts).all(axis=1).mean())
        if octaves.max() <= MAX_LOST_OCTAVE and whole <= MAX_LOST_FRAMES:
            return weights
        losses[weights] = (whole + float(octaves.max()), len(losses))
    return min(losses, key=losses.__getitem__)


def _list_candidates(powers: Floats) -> Iterator[Weights]:
    """Yield the mean, the mean with turned channels, each channel by its level; `powers`: (channels, channels)."""
    count = len(powers)
    own = np.maximum(np.diagonal(powers), 1e-30)
    yield (1 / count,) * count
    loudest = int(np.argmax(own))
    opposite = powers[loudest] / np.sqrt(own * own[loudest]) < -MIN_OPPOSITION
    # Turn as few as possible: the sign of the whole is nobody's concern.
    turned = ~opposite if opposite.sum() > count / 2 else opposite
    yield tuple(-1 / count if t else 1 / count for t in turned.tolist())
    for channel in np.argsort(-own, kind="stable").tolist():
        yield tuple(1.0 if c == channel else 0.0 for c in range(count))
