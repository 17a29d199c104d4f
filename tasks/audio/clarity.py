"""Tell which of two channels that hold one sound is the clearer: clipping flattens a wave, and a telephone or a
muffled microphone takes its high frequencies.

Measured are the crest factor (peak over root mean square), and the level of the difference of neighbouring samples,
which is that of high frequencies, relative to the wave's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.audio.resample import Samples

Floats = npt.NDArray[np.float64]

MIN_CREST_DB = 5.0
"""By so much less crest a channel is clipped, and the other one is not."""
MIN_BRIGHT_DB = 6.0
"""By so much less of high frequencies a channel is the duller one."""
MIN_SNR_DB = 20.0
"""Level over the noise from which high frequencies are not hiss."""


def measure_clarity(samples: Samples) -> tuple[float, float]:
    """Measure crest factor and high frequencies, both in dB over the level, of float32 (n,) at 16 kHz.

    >>> tone = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000).astype(np.float32)
    >>> [round(value) for value in measure_clarity(tone)]
    [3, -28]
    """
    if len(samples) < 2:
        return 0.0, 0.0
    wave = samples.astype(np.float64)
    wave -= wave.mean()
    power = float(np.mean(np.square(wave))) + 1e-12
    ratios = float(np.max(np.square(wave))), float(np.mean(np.square(np.diff(wave))))
    crest_db, bright_db = (10.0 * float(np.log10((ratio + 1e-12) / power)) for ratio in ratios)
    return crest_db, bright_db


def find_clearer(crest_db: Floats, bright_db: Floats, snr_db: Sequence[float]) -> int | None:
    """Find the clearer of two channels, 0 or 1; None where neither is. Arrays: (2, n), of frames with their sound."""
    crest, bright = np.median(crest_db, axis=1), np.median(bright_db, axis=1)
    if abs(crest[0] - crest[1]) >= MIN_CREST_DB:
        return int(np.argmax(crest))
    brighter = int(np.argmax(bright))
    is_duller = abs(bright[0] - bright[1]) >= MIN_BRIGHT_DB
    return brighter if is_duller and snr_db[brighter] >= MIN_SNR_DB else None
