"""Set the level of a chunk's samples with pydub.

pydub holds several copies in memory, so these functions take chunks, never a whole recording. Samples are float32
in −1…1.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from tasks.audio.resample import Samples
from tasks.errors import UsageError
from tasks.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pydub import AudioSegment

MAX_S = 20 * 60.0
QUIET_DBFS = -40.0
"""Speech below this level is amplified before recognition."""
TARGET_DBFS = -26.0
_SILENT_DBFS = -80.0
"""Below this level there is no speech, only a recorder's own noise."""
_PEAK_DBFS = -1.0
_WIDTH = 4  # bytes a sample: at 16 bits, quiet speech would be left with a few steps


def lift_quiet(samples: Samples) -> Samples:
    """Amplify a very quiet chunk, float32 (n,) at 16 kHz, to the level of usual speech; return others unchanged.

    The level is that of its loud parts (the 95th percentile of half seconds), since most of it may be silence.
    """
    level = _measure_loud_dbfs(samples)
    if not _SILENT_DBFS < level < QUIET_DBFS:
        return samples
    return normalize_gain(samples, TARGET_DBFS, level)


def normalize_gain(samples: Samples, target_dbfs: float, level_dbfs: float | None = None) -> Samples:
    """Apply the gain that takes float32 (n,) at 16 kHz to `target_dbfs`, limited so that no peak passes −1 dBFS.

    `level_dbfs`: the present level; by default, the root mean square. Silence is returned unchanged.
    """
    segment = _to_segment(samples)
    level = segment.dBFS if level_dbfs is None else level_dbfs
    if not np.isfinite(level):
        return samples
    gain = min(target_dbfs - level, _PEAK_DBFS - segment.max_dBFS)
    return _to_samples(segment.apply_gain(gain))


def _to_segment(samples: Samples) -> AudioSegment:
    if len(samples) > MAX_S * SAMPLE_RATE_HZ:
        raise UsageError(
            f"{len(samples) / SAMPLE_RATE_HZ / 60:.0f} minutes of sound at once: edits take up to "
            f"{MAX_S / 60:.0f} minutes. Cut it into chunks first."
        )
    with warnings.catch_warnings():
        # pydub's import warns: no ffmpeg in PATH (raw samples need none), old escapes, audioop is deprecated.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment

    full = 2.0 ** (8 * _WIDTH - 1)
    whole = np.clip(np.asarray(samples, np.float64) * full, -full, full - 1).astype("<i4")
    return AudioSegment(whole.tobytes(), sample_width=_WIDTH, frame_rate=SAMPLE_RATE_HZ, channels=1)


def _to_samples(segment: AudioSegment) -> Samples:
    whole = np.frombuffer(segment.raw_data, "<i4")
    return np.asarray(whole / 2.0 ** (8 * _WIDTH - 1), np.float32)


def _measure_loud_dbfs(samples: Samples) -> float:
    step = SAMPLE_RATE_HZ // 2
    halves = [samples[i : i + step] for i in range(0, len(samples), step)]
    levels = [10 * np.log10(np.mean(np.square(h, dtype=np.float64)) + 1e-12) for h in halves]
    return float(np.percentile(levels, 95)) if levels else -np.inf
