"""The bundled speaker model: windows of sound become comparable vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.diarization.speaker_model import SpeakerModel, load

RATE = 16_000


@pytest.fixture(scope="module")
def model(demo_models: Path) -> SpeakerModel:
    weights = demo_models / "speaker.nemo"
    return load(str(weights))


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32)


def test_embeddings_have_unit_length(model: SpeakerModel, noise: NDArray[np.float32]) -> None:
    found = model.embed(noise, np.array([[0, 1.5], [3, 4.5], [7, 7.4]]))
    assert found.dtype == np.float32
    assert found.shape[0] == 3
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_window_sounds_the_same_alone_and_among_others(model: SpeakerModel, noise: NDArray[np.float32]) -> None:
    where = np.array([[i * 0.75, i * 0.75 + 1.5] for i in range(20)] + [[16.0, 16.3]])
    together = model.embed(noise, where)
    assert np.array_equal(model.embed(noise, where), together)
    for i in (3, 20):
        alone = model.embed(noise, where[i : i + 1])
        assert alone[0] == pytest.approx(together[i], abs=1e-4)


def test_nothing_to_hear_is_no_trouble(model: SpeakerModel, noise: NDArray[np.float32]) -> None:
    assert len(model.embed(noise, np.zeros((0, 2)))) == 0
    silent = model.embed(np.zeros(RATE, np.float32), np.array([[0.0, 0.5], [0.9, 3.0], [5.0, 6.0]]))
    assert silent.shape[0] == 3
    assert np.isfinite(silent).all()


def test_real_voices_are_told_apart(model: SpeakerModel, shared_data: Path) -> None:
    import soundfile

    files = sorted((shared_data / "voices").glob("*.flac"))[::25][:10]
    halves = []
    for file in files:
        sound, _ = soundfile.read(file, dtype="float32")
        middle = len(sound) / RATE / 2
        halves.append(model.embed(sound, np.array([[middle - 3, middle], [middle, middle + 3]])))
    first, second = (np.stack([h[k] for h in halves]) for k in (0, 1))
    alike = first @ second.T
    assert (alike.argmax(axis=1) == np.arange(len(files))).mean() >= 0.8
