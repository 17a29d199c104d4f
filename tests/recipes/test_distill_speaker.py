"""A small speaker model learns a teacher's embeddings of voices, and begins with weights of an earlier model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from data.recipes.lessons import STRETCH, Lessons
from data.recipes.readers import RATE, Samples
from tasks.engines.nemo import silence_nemo

PERIODS = (0.06, 0.12, 0.24, 0.48)
"""Seconds from one burst of noise to the next, of four people."""


def speak_in_bursts(period_s: float) -> Samples:
    time = np.arange(STRETCH) / RATE
    noise = np.random.default_rng(0).standard_normal(STRETCH)
    return (noise * np.where(time % period_s < period_s / 2, 0.1, 0.003)).astype(np.float32)


def name_period(clips: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A teacher with one direction for each of `PERIODS`."""
    loud = np.abs(clips).reshape(len(clips), -1, 160).mean(2) > 0.03
    changes_s = len(clips[0]) / RATE / np.abs(np.diff(loud.astype(int), axis=1)).sum(1)
    nearest = np.abs(np.log(2 * changes_s[:, None] / np.array(PERIODS))).argmin(1)
    return np.eye(len(PERIODS), dtype=np.float32)[nearest]


@pytest.mark.slow
def test_training_brings_embeddings_near_to_the_teachers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [speak_in_bursts(period) for period in PERIODS]
    targets = name_period(np.stack(people))
    lessons = Lessons((np.stack(people) * 32767).astype(np.int16), targets)
    with silence_nemo():
        from data.recipes import distill_speaker

        monkeypatch.setattr(distill_speaker, "BATCH", 16)
        monkeypatch.setattr(distill_speaker, "PEAK_RATE", 1e-2)
        monkeypatch.setattr(distill_speaker, "background_music", lambda seed: 0.1 * torch.randn(3 * RATE))
        torch.manual_seed(0)
        model = distill_speaker.build(2, 16, len(PERIODS))
        wanted = torch.nn.functional.normalize(torch.from_numpy(targets - targets.mean(0)), dim=1)
        before = distill_speaker.closeness(model, people, wanted)

        distill_speaker.train(model, lessons, people, name_period, steps=60, seed=0)

        assert distill_speaker.closeness(model, people, wanted) > max(0.6, before + 0.3)
        assert not model.training
        assert "step 60" in capsys.readouterr().out

        model.save_to(str(tmp_path / "speaker.nemo"))
        another = distill_speaker.build(2, 16, 3)
        distill_speaker.warm_start(another, tmp_path / "speaker.nemo")

        for name, value in model.encoder.state_dict().items():
            torch.testing.assert_close(another.encoder.state_dict()[name], value)


def test_the_teachers_people_are_told_apart_by_the_teacher() -> None:
    assert name_period(np.stack([speak_in_bursts(p) for p in PERIODS])).argmax(1).tolist() == [0, 1, 2, 3]
