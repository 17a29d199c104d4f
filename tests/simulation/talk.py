"""A long conversation composed of real readers, for engines: who speaks when is known exactly.

Each reader has one utterance of some 12 s, so every second of it is heard many times; each hearing has another
cut, level and speed, and each quarter of an hour another room and microphone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from data.recipes.degradation import Degrader
from data.recipes.readers import RATE, Samples, at_speed

ROOM_S = 900
LEVELS_DB = (-6.0, 3.0)
SPEEDS = (0.98, 1.02)
"""More would make somebody else of a voice: pitch moves along."""


@dataclass(frozen=True)
class Talk:
    """16 kHz mono; turns of (start_s, end_s, speaker); how often a second of each reader is heard in the mean."""

    samples: Samples
    turns: tuple[tuple[float, float, str], ...]
    hearings: float


def compose(readers: Sequence[Samples], minutes: float, seed: int = 0) -> Talk:
    """Turns of 1.5–8 s, 0.1–1.2 s apart; now and then 20–90 s in which nobody speaks."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    parts: list[Samples] = []
    turns: list[tuple[float, float, str]] = []
    now, last, spoken = 0, -1, 0
    end = round(minutes * 60 * RATE)
    while now < end:
        who = rng.choice([k for k in range(len(readers)) if k != last])
        said = _hearing(readers[who], rng)
        pause = rng.uniform(20, 90) if rng.random() < 0.02 else rng.uniform(0.1, 1.2)
        silence = np.zeros(round(pause * RATE), np.float32)
        turns += [(now / RATE + a, now / RATE + b, f"reader-{who}") for a, b in voiced(said)]
        parts += [said, silence]
        now += len(said) + len(silence)
        last, spoken = who, spoken + len(said)
    samples = _rooms(np.concatenate(parts), seed)
    samples += noise.standard_normal(len(samples), np.float32) * np.float32(1e-3)
    return Talk(samples, tuple(turns), spoken / sum(map(len, readers)))


def voiced(said: Samples, pause_s: float = 0.3) -> list[tuple[float, float]]:
    """Seconds of a clean recording without its pauses: `pause_s` and more of less than a hundredth of the loudest."""
    step = RATE // 100
    frames = said[: len(said) // step * step].reshape(-1, step)
    loud = np.sqrt(np.mean(np.square(frames), axis=1)) > 0.01 * np.abs(said).max(initial=1e-9)
    out: list[tuple[float, float]] = []
    for k in np.flatnonzero(loud).tolist():
        if out and k / 100 - out[-1][1] < pause_s:
            out[-1] = (out[-1][0], (k + 1) / 100)
        else:
            out.append((k / 100, (k + 1) / 100))
    return out


def _hearing(reader: Samples, rng: random.Random) -> Samples:
    size = min(len(reader), round(rng.uniform(1.5, 8) * RATE))
    start = rng.randrange(len(reader) - size + 1)
    cut = at_speed(reader[start : start + size], rng.uniform(*SPEEDS))
    level = 0.3 / max(1e-3, float(np.abs(reader).max())) * 10 ** (rng.uniform(*LEVELS_DB) / 20)
    return (cut * level).astype(np.float32)


def _rooms(samples: Samples, seed: int) -> Samples:
    degrade = Degrader(seed)
    out = [
        degrade.rooms_and_microphones(torch.from_numpy(samples[a : a + ROOM_S * RATE].copy())[None])[0].numpy()
        for a in range(0, len(samples), ROOM_S * RATE)
    ]
    return np.clip(np.concatenate(out), -1, 1).astype(np.float32)
