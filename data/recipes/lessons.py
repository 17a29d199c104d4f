"""What a teacher makes of many voices: stretches of sound with its embeddings, kept in a folder."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from data.recipes.new_voices import PITCH, new_voice
from data.recipes.readers import RATE, Samples

STRETCH = 6 * RATE

Teacher = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Stretches of one length, (n, samples), to embeddings of unit length, (n, dimensions)."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Stretches of sound and what the teacher makes of them."""

    samples: npt.NDArray[np.int16]
    """(n, `STRETCH`)"""
    targets: npt.NDArray[np.float32]
    """(n, dimensions), each of unit length"""


def prepare(voices: Sequence[Samples], teacher: Teacher, rounds: int, folder: Path, seed: int) -> Lessons:
    """`rounds` stretches of each voice, the first as it is, the others in new voices. What `folder` has of an
    earlier run with the same voices and seed is taken from there."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number in range(rounds):
        file = folder / f"{seed}-{number:03d}.npz"
        if not file.exists():
            lessons = teach(voices, teacher, random.Random(f"{seed} {number}"), changed=number > 0)
            with open(file.with_suffix(".part"), "wb") as part:
                np.savez(part, samples=lessons.samples, targets=lessons.targets)
            file.with_suffix(".part").rename(file)
        with np.load(file) as kept:
            parts.append(Lessons(kept["samples"], kept["targets"]))
    return Lessons(np.concatenate([p.samples for p in parts]), np.concatenate([p.targets for p in parts]))


def teach(voices: Sequence[Samples], teacher: Teacher, rng: random.Random, changed: bool) -> Lessons:
    """A stretch of each voice, in a new voice if `changed`, with the teacher's embedding."""
    if changed:
        needed = int(PITCH * STRETCH) + RATE
        cuts = [cut(new_voice(cut(voice, needed, rng), rng), STRETCH, rng) for voice in voices]
    else:
        cuts = [cut(voice, STRETCH, rng) for voice in voices]
    clips = np.stack(cuts)
    return Lessons((clips * 32767).clip(-32768, 32767).astype(np.int16), teacher(clips))


def cut(samples: npt.NDArray, size: int, rng: random.Random) -> npt.NDArray:  # type: ignore[type-arg]
    """A stretch of `size` samples from anywhere; a shorter recording is repeated to fill it."""
    start = rng.randrange(max(1, len(samples) - size))
    return np.resize(samples[start : start + size], size)


def campplus(file: Path | None) -> Teacher:
    """The teacher: CAM++ in `file`, or as `daylong models fetch --profile light` left it."""
    from tasks.diarization.campplus import load
    from tasks.weights.resolve import resolve

    model = load(str(file or resolve("embedding", "campplus").path))

    def teacher(clips: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        whole = np.array([[0.0, clips.shape[1] / RATE]])
        with torch.autocast("cpu", torch.bfloat16):
            return np.concatenate([model.embed(clip, whole) for clip in clips])

    return teacher
