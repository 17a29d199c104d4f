"""A recording in another voice: formants and pitch move, words and level stay."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from data.recipes.new_voices import PITCH, move_formants, new_voice
from data.recipes.readers import RATE, Samples

PERIOD = 128
"""Samples: a voice at 125 Hz."""


def vowel(formant: float, seconds: float = 1.0) -> Samples:
    """Pulses through one resonance of 300 Hz width."""
    pulses = np.zeros(int(seconds * RATE))
    pulses[::PERIOD] = 1
    radius = np.exp(-np.pi * 300 / RATE)
    out = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], pulses)
    return (0.1 * out / np.abs(out).max()).astype(np.float32)


def spectrum(samples: Samples) -> NDArray[np.float64]:
    """Power by Hz, of a second of sound."""
    return np.asarray(np.abs(np.fft.rfft(samples[:RATE] * np.hanning(RATE))) ** 2)


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.2])
def test_formants_move_by_the_factor_and_pitch_stays(factor: float) -> None:
    moved = spectrum(move_formants(vowel(1000), factor))

    around = slice(int(600 * factor), int(1500 * factor))
    middle = np.average(np.arange(len(moved))[around], weights=moved[around])
    assert middle == pytest.approx(1000 * factor, rel=0.08)
    harmonics = moved[:4000].reshape(-1, RATE // PERIOD)
    assert harmonics[:, [0, 1, 2, -1, -2]].sum() > 0.99 * harmonics.sum()


def test_formants_that_stay_leave_the_sound_as_it_is() -> None:
    said = vowel(700)

    inner = slice(RATE // 10, -RATE // 10)
    np.testing.assert_allclose(move_formants(said, 1.0)[inner], said[inner], atol=1e-4)


def test_level_and_silence_stay() -> None:
    said = vowel(700)

    assert np.std(move_formants(said, 1.15)) == pytest.approx(np.std(said), rel=0.02)
    assert not move_formants(np.zeros(RATE, np.float32), 1.15).any()


def test_a_new_voice_is_drawn_from_the_generator() -> None:
    said = vowel(700, 2.0)

    one, same, other = (new_voice(said, random.Random(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one, same)
    assert len(one) != len(other)
    assert len(said) / PITCH - 1 <= len(one) <= len(said) * PITCH + 1
