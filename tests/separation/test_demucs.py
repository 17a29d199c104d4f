"""Demucs from safetensors: voices of any length, in bounded memory; nothing else is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.errors import UsageError
from tasks.separation.demucs import Demucs, load, split_into_pieces

RATE = 16_000
SMALL: dict[str, Any] = {
    "sources": ["other", "vocals"],
    "audio_channels": 1,
    "samplerate": RATE,
    "nfft": 1024,
    "channels": 4,
    "dconv_comp": 2,
    "dconv_depth": 1,
    "depth": 4,
    "t_layers": 1,
    "t_heads": 2,
    "segment": 2.0,
}


def write_model(folder: Path, klass: str = "demucs.htdemucs.HTDemucs", **changes: Any) -> Path:
    """An untrained model in a folder, in the form of Demucs's hub repositories."""
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save_file

    arguments = SMALL | changes
    torch.manual_seed(0)
    state = {k: v.contiguous() for k, v in HTDemucs(**arguments).state_dict().items()}
    metadata = {"klass": klass, "args": "[]", "kwargs": json.dumps(arguments)}
    folder.mkdir(exist_ok=True)
    save_file(state, folder / "model.safetensors", metadata=metadata)
    (folder / "small.yaml").write_text("models: [model]\n")
    return folder


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Demucs:
    return load(str(write_model(tmp_path_factory.mktemp("demucs"))))


@pytest.fixture(scope="module")
def trained(demo_models: Path) -> Demucs:
    return load(str(demo_models / "separation"))


@given(st.integers(1, 5000), st.integers(20, 900), st.integers(0, 9))
def test_pieces_fade_into_each_other_without_a_trace(count: int, piece: int, fade: int) -> None:
    total = np.zeros(count)
    last_seen = 0
    for first, last, weights in split_into_pieces(count, piece, fade):
        assert first <= last_seen
        assert len(weights) == last - first <= piece + fade
        total[first:last] += weights
        last_seen = last
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 100, RATE, 33 * RATE + 17])
def test_voices_are_as_long_as_the_recording(untrained: Demucs, count: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)
    voices = untrained.vocals(sound)
    assert voices.shape == (count,)
    assert voices.dtype == np.float32
    assert np.isfinite(voices).all()


def test_the_same_sound_gives_the_same_voices(untrained: Demucs) -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)
    assert np.array_equal(untrained.vocals(sound), untrained.vocals(sound))


def test_a_model_of_another_rate_and_in_stereo_serves_too(tmp_path: Path) -> None:
    model = load(str(write_model(tmp_path / "stereo", samplerate=24_000, audio_channels=2)))
    assert model.vocals(np.zeros(2 * RATE + 3, np.float32)).shape == (2 * RATE + 3,)


def test_a_class_that_is_not_demucs_is_not_called(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "hostile", klass="os.getcwd")
    with pytest.raises(UsageError, match=r"not a Demucs model \(its class is 'os.getcwd'\)"):
        load(str(folder))


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "htdemucs.th").write_bytes(b"not even a pickle")
    with pytest.raises(UsageError, match="no Demucs model here"):
        load(str(tmp_path))


def test_a_yaml_cannot_point_elsewhere(tmp_path: Path) -> None:
    write_model(tmp_path / "real")
    other = tmp_path / "other"
    other.mkdir()
    (other / "bag.yaml").write_text("models: [../real/model]\n")
    with pytest.raises(UsageError, match="no Demucs model here"):
        load(str(other))


def test_a_model_without_voices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no vocals"):
        load(str(write_model(tmp_path / "drums", sources=["drums", "bass"])))


def test_the_bundled_model_takes_music_away_from_speech(trained: Demucs) -> None:
    from data.recipes.music import music
    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    gains = []
    for seed, start in ((9001, 30.0), (9002, 60.0), (9003, 100.0)):
        speech = decode(sample(), Span(start, start + 10.0))
        played = np.asarray(music(seed, 10.0, RATE), np.float32).mean(axis=0)[: len(speech)]
        mixed = speech + played * np.sqrt(np.mean(speech**2) / np.mean(played**2))
        gains.append(ratio_db(speech, trained.vocals(mixed)) - ratio_db(speech, mixed))
    print(f"SI-SDR gains at 0 dB: {gains}")
    assert np.mean(gains) > 1.0


def ratio_db(clean: NDArray[np.float32], heard: NDArray[np.float32]) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019)."""
    scale = float(np.dot(heard, clean) / np.dot(clean, clean))
    return float(10 * np.log10(np.sum((scale * clean) ** 2) / np.sum((heard - scale * clean) ** 2)))
