"""Samples that are cut off at full scale."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.audio.speech_map import ENERGY_STEP_S
from tasks.quality.clipping import STEP_S, count_clipped
from tasks.records import SAMPLE_RATE_HZ

TIME_S = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def make_voice(level: float) -> np.ndarray:
    """A vowel-like wave of 150 Hz and its harmonics, in syllables, whose highest peak is `level`."""
    loudness = np.interp(TIME_S, np.arange(0, 2.2, 0.2), [0.2, 0.9, 0.3, 0.7, 0.1, 1.0, 0.2, 0.8, 0.4, 0.6, 0.2])
    wave = loudness * sum(np.sin(2 * np.pi * 150 * k * TIME_S + k * k) / k for k in range(1, 12))
    return np.asarray(level * wave / np.abs(wave).max(), np.float32)


def test_steps_are_those_of_the_speech_map() -> None:
    assert STEP_S == ENERGY_STEP_S


@pytest.mark.parametrize("level", [0.0, 0.1, 0.9, 1.0])
def test_what_only_touches_full_scale_is_not_clipped(level: float) -> None:
    assert count_clipped(make_voice(level)).sum() <= 0.003 * len(TIME_S)


@pytest.mark.parametrize("gain", [2.0, 4.0, 10.0])
def test_what_is_cut_off_is_counted_in_its_half_second(gain: float) -> None:
    loud = np.clip(gain * make_voice(1.0), -1, 1)
    loud[: SAMPLE_RATE_HZ // 2] = 0
    counts = count_clipped(loud)
    assert len(counts) == 4
    assert counts[0] == 0
    assert min(counts[1:]) >= 0.01 * SAMPLE_RATE_HZ / 2


def test_a_wave_that_was_cut_off_at_another_rate_still_is() -> None:
    from scipy.signal import resample_poly

    loud = np.clip(4 * resample_poly(make_voice(1.0), 441, 160), -1, 1)
    assert count_clipped(resample_poly(loud, 160, 441).astype(np.float32)).sum() >= 0.02 * len(TIME_S)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7999, 8000, 8001])
def test_any_length_has_a_count_for_each_half_second_begun(size: int) -> None:
    assert len(count_clipped(np.ones(size, np.float32))) == -(-size // 8000)
    assert count_clipped(np.ones(size, np.float32)).sum() == (size if size >= 3 else 0)
