"""The level of a chunk's sound.

pydub holds what it edits in memory several times over, so it serves chunks and never a whole recording.
Samples go in and out as float32 in −1…1.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from tasks.audio.pieces import Samples
from tasks.errors import UsageError
from tasks.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pydub import AudioSegment

LONGEST_S = 20 * 60.0
QUIET_DBFS = -40.0
"""Speech below this level is lifted before recognition."""
TARGET_DBFS = -26.0
_SILENT_DBFS = -80.0
"""Below this there is no speech to lift, only a recorder's own noise."""
_PEAK_DBFS = -1.0
_WIDTH = 4  # bytes a sample: at 16 bits, quiet speech would be left with a few steps


def lift_quiet(samples: Samples) -> Samples:
    """A very quiet chunk, float32 (n,) at 16 kHz, brought to a level that recognisers know; others unchanged.

    Its level is that of its loud parts (the 95th percentile of half seconds), since most of it may be silence.
    """
    level = _loud_dbfs(samples)
    if not _SILENT_DBFS < level < QUIET_DBFS:
        return samples
    return normalise_gain(samples, TARGET_DBFS, level)


def normalise_gain(samples: Samples, target_dbfs: float, level_dbfs: float | None = None) -> Samples:
    """float32 (n,) at 16 kHz with gain that takes its level to `target_dbfs`, as far as no peak passes −1 dBFS.

    `level_dbfs`: the level it counts as having; left out, its root mean square. Silence stays as it is.
    """
    segment = _segment(samples)
    level = segment.dBFS if level_dbfs is None else level_dbfs
    if not np.isfinite(level):
        return samples
    gain = min(target_dbfs - level, _PEAK_DBFS - segment.max_dBFS)
    return _samples(segment.apply_gain(gain))


def _segment(samples: Samples) -> AudioSegment:
    if len(samples) > LONGEST_S * SAMPLE_RATE_HZ:
        raise UsageError(
            f"{len(samples) / SAMPLE_RATE_HZ / 60:.0f} minutes of sound at once: edits take up to "
            f"{LONGEST_S / 60:.0f} minutes. Cut it into chunks first."
        )
    with warnings.catch_warnings():
        # Its own oddities: no ffmpeg in PATH (raw samples need none), old escapes, audioop's farewell.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment

    full = 2.0 ** (8 * _WIDTH - 1)
    whole = np.clip(np.asarray(samples, np.float64) * full, -full, full - 1).astype("<i4")
    return AudioSegment(whole.tobytes(), sample_width=_WIDTH, frame_rate=SAMPLE_RATE_HZ, channels=1)


def _samples(segment: AudioSegment) -> Samples:
    whole = np.frombuffer(segment.raw_data, "<i4")
    return np.asarray(whole / 2.0 ** (8 * _WIDTH - 1), np.float32)


def _loud_dbfs(samples: Samples) -> float:
    step = SAMPLE_RATE_HZ // 2
    halves = [samples[i : i + step] for i in range(0, len(samples), step)]
    levels = [10 * np.log10(np.mean(np.square(h, dtype=np.float64)) + 1e-12) for h in halves]
    return float(np.percentile(levels, 95)) if levels else -np.inf
