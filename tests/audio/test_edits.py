"""The level of a chunk's sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.audio.edits import lift_quiet, normalize_gain
from tasks.errors import UsageError
from tests.helpers.sound_files import make_noise, measure_similarity

RATE = 16_000


def level(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


@settings(max_examples=25, deadline=None)
@given(st.floats(-70, -10), st.floats(-40, -20))
def test_gain_reaches_target_or_peak_limit(from_db: float, to_db: float) -> None:
    wave = make_noise(1)
    wave = (wave * 10 ** ((from_db - level(wave)) / 20)).astype(np.float32)
    wave = np.clip(wave, -1, 1)
    done = normalize_gain(wave, to_db)
    peak_db = 20 * np.log10(np.abs(done).max())
    assert done.dtype == np.float32
    assert len(done) == len(wave)
    assert peak_db <= -0.99
    assert level(done) == pytest.approx(to_db, abs=0.1) or peak_db == pytest.approx(-1, abs=0.1)
    assert measure_similarity(done, wave) > 0.9999


def test_quiet_chunk_is_lifted_by_its_loud_parts() -> None:
    speech = make_noise(10) * 10 ** (-55 / 20)
    chunk = np.concatenate([np.zeros(50 * RATE, np.float32), speech]).astype(np.float32)
    lifted = lift_quiet(chunk)
    assert level(lifted[50 * RATE :]) > level(speech) + 30
    assert not lifted[: 49 * RATE].any()
    assert np.abs(lifted).max() <= 0.9


@pytest.mark.parametrize("gain_db", [0, -6, -15])
def test_other_chunks_are_unchanged(gain_db: float) -> None:
    chunk = (make_noise(10) * 10 ** (gain_db / 20)).astype(np.float32)
    assert lift_quiet(chunk) is chunk


def test_silence_is_not_lifted_into_noise() -> None:
    for chunk in (np.zeros(RATE, np.float32), make_noise(5) * np.float32(1e-5), np.zeros(0, np.float32)):
        assert lift_quiet(chunk) is chunk
    assert not normalize_gain(np.zeros(RATE, np.float32), -20).any()


def test_whole_recording_is_refused() -> None:
    with pytest.raises(UsageError, match="25 minutes of sound at once"):
        normalize_gain(np.zeros(25 * 60 * RATE, np.float32), -20)
