"""Segmentation models: a small network with random weights; and, where they can be had, the published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.diarization.segmentation import Segmentation, load, place_windows
from tests.diarization.networks import write_campplus, write_segmentation

RATE = 16_000
STEP_S = 270 / RATE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    return load(str(write_segmentation(tmp_path_factory.mktemp("segmentation") / "small.pt")))


def test_windows_cover_the_sound_and_the_last_ends_with_it() -> None:
    assert place_windows(3 * RATE).tolist() == [0]
    assert place_windows(10 * RATE).tolist() == [0]
    firsts = place_windows(round(25.3 * RATE))
    assert np.diff(firsts).max() * STEP_S <= 2.0
    assert 25.3 <= firsts[-1] * STEP_S + 10 < 25.3 + STEP_S


def test_activities_are_probabilities_of_each_window_by_itself(model: Segmentation) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 24 * RATE).astype(np.float32)
    firsts = place_windows(len(sound))
    found = model.activity(sound, firsts)
    assert found.shape == (len(firsts), 589, 3)
    assert (found >= 0).all()
    assert (found.sum(2) <= 2.01).all()
    assert model.activity(sound, firsts[3:4])[0] == pytest.approx(found[3], abs=2e-3)
    assert len(model.activity(sound, firsts[:0])) == 0


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"other\.pt: no state dict of a PyanNet"):
        load(str(write_campplus(tmp_path / "other.pt")))


@pytest.mark.weights
def test_the_published_weights_find_who_speaks_over_whom(
    light_home: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.weights.resolve import resolve
    from tests.simulation.conversation import converse, read_utterances

    monkeypatch.setenv("DAYLONG_HOME", str(light_home))
    model = load(str(resolve("segmentation", "segmentation-3.0").path))
    readers = list(read_utterances(shared_data / "readers").values())
    talk = converse([readers[0][:3], readers[1][:3]], overlap=0.2, seed=1)
    firsts = place_windows(len(talk.samples))
    speakers = (model.activity(talk.samples, firsts).astype(float) > 0.5).sum(2)
    frames = firsts[:, None] * STEP_S + np.arange(speakers.shape[1]) * STEP_S + 0.031
    truth = sum((frames >= a) & (frames < b) for a, b, _ in talk.turns)
    assert (speakers[truth > 0] > 0).mean() > 0.9
    assert (speakers[truth > 1] > 1).mean() > 0.6
    assert (speakers[truth == 1] > 1).mean() < 0.1
