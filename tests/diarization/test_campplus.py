"""CAM++ speaker models: a small network with random weights; and, where they can be had, the published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.diarization.campplus import CampPlus, compute_mel_features, load
from tasks.diarization.engines import choose_speaker_engine
from tests.diarization.networks import write_campplus, write_segmentation

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CampPlus:
    return load(str(write_campplus(tmp_path_factory.mktemp("campplus") / "small.pt")))


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32)


def test_embeddings_have_unit_length(model: CampPlus, noise: NDArray[np.float32]) -> None:
    found = model.embed(noise, np.array([[0, 1.5], [3, 4.5], [7, 7.4], [0, 18.5]]))
    assert found.dtype == np.float32
    assert found.shape == (4, 24)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_window_has_the_same_embedding_alone_and_among_others(model: CampPlus, noise: NDArray[np.float32]) -> None:
    windows = np.array([[i * 0.75, i * 0.75 + 1.5] for i in range(20)] + [[16.0, 16.3]])
    together = model.embed(noise, windows)
    for i in (3, 20):
        assert model.embed(noise, windows[i : i + 1])[0] == pytest.approx(together[i], abs=1e-4)


def test_silence_and_no_window_are_no_errors(model: CampPlus, noise: NDArray[np.float32]) -> None:
    assert len(model.embed(noise, np.zeros((0, 2)))) == 0
    assert np.isfinite(model.embed(np.zeros(RATE, np.float32), np.array([[0.0, 0.5], [5.0, 6.0]]))).all()


def test_features_are_kaldis(noise: NDArray[np.float32]) -> None:
    found = compute_mel_features(noise[: RATE + 240])
    assert found.shape == (100, 80)
    assert found.mean(0) == pytest.approx(0.0, abs=1e-4)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    mel = 1127 * np.log(1 + np.array([20.0, 1000.0, 8000.0]) / 700)
    loudest = compute_mel_features(np.concatenate([noise[:RATE] * 1e-3, tone]))[150].argmax()
    assert loudest == pytest.approx((mel[1] - mel[0]) / (mel[2] - mel[0]) * 81 - 1, abs=1)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"other\.pt: no state dict of a CAM\+\+ network"):
        load(str(write_segmentation(tmp_path / "other.pt")))


def test_the_engine_follows_from_the_file() -> None:
    assert choose_speaker_engine(Path("/m/voice.pt")).name == "diarization/campplus"
    assert choose_speaker_engine(Path("/m/voice.nemo"), "cuda").options == (
        ("device", "cuda"),
        ("model", "/m/voice.nemo"),
    )


@pytest.mark.weights
def test_the_published_weights_tell_readers_apart(
    light_home: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    from tasks.weights.resolve import resolve

    monkeypatch.setenv("DAYLONG_HOME", str(light_home))
    model = load(str(resolve("embedding", "campplus").path))
    halves = []
    for file in sorted((shared_data / "voices").glob("*.flac"))[::25][:10]:
        sound, _ = soundfile.read(file, dtype="float32")
        middle = len(sound) / RATE / 2
        halves.append(model.embed(sound, np.array([[middle - 3, middle], [middle, middle + 3]])))
    first, second = (np.stack([h[k] for h in halves]) for k in (0, 1))
    cosines = first @ second.T
    same, other = np.diag(cosines), cosines[~np.eye(len(cosines), dtype=bool)]
    assert same.min() > other.max()
    assert same.mean() > 0.6
