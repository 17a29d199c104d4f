"""What a teacher says of stretches of sound is asked for once, and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import correlate

from data.recipes.lessons import STRETCH, Teacher, prepare
from data.recipes.readers import RATE, Samples


def voices() -> list[Samples]:
    """Two people's recordings, the second shorter than a stretch."""
    rng = np.random.default_rng(0)
    return [0.1 * rng.standard_normal(seconds * RATE).astype(np.float32) for seconds in (8, 5)]


class Listener:
    """A teacher who counts what it is asked, and embeds level and brightness."""

    def __init__(self) -> None:
        self.heard = 0

    def __call__(self, clips: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.heard += len(clips)
        found = np.stack([clips.std(1), np.diff(clips).std(1)], 1)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_every_round_has_a_stretch_of_each_voice_with_the_teachers_embedding(tmp_path: Path) -> None:
    lessons = prepare(voices(), Listener(), 3, tmp_path, seed=0)

    assert lessons.samples.shape == (6, STRETCH)
    assert lessons.samples.dtype == np.int16
    heard = Listener()(lessons.samples.astype(np.float32) / 32767)
    np.testing.assert_allclose(lessons.targets, heard, atol=1e-3)


def test_the_first_round_leaves_the_voices_as_they_are_and_the_others_change_them(tmp_path: Path) -> None:
    said = voices()

    lessons = prepare(said, Listener(), 2, tmp_path, seed=0)

    assert likeness(lessons.samples[0], said[0]) == pytest.approx(1, abs=0.01)
    assert likeness(lessons.samples[2], said[0]) < 0.5


def likeness(stretch: npt.NDArray[np.int16], whole: Samples) -> float:
    """The highest correlation of a stretch with any place of a recording."""
    part = stretch.astype(np.float64)
    power = np.cumsum(whole.astype(np.float64) ** 2)
    energy = power[STRETCH - 1 :] - np.concatenate([[0], power[:-STRETCH]])
    return float((correlate(whole.astype(np.float64), part, "valid", "fft") / np.sqrt(energy * (part @ part))).max())


def test_what_the_folder_has_is_not_asked_again(tmp_path: Path) -> None:
    first = Listener()
    short = prepare(voices(), first, 2, tmp_path, seed=0)
    again = Listener()

    longer = prepare(voices(), again, 3, tmp_path, seed=0)

    assert (first.heard, again.heard) == (4, 2)
    np.testing.assert_array_equal(longer.samples[:4], short.samples)


def test_a_round_that_broke_off_is_asked_again(tmp_path: Path) -> None:
    def broken(clips: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise MemoryError

    refusing: Teacher = broken
    with pytest.raises(MemoryError):
        prepare(voices(), refusing, 1, tmp_path, seed=0)

    assert len(prepare(voices(), Listener(), 1, tmp_path, seed=0).targets) == 2
