"""The voices that the speaker model learns: real readers, also at other speeds, and synthetic ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from data.recipes.fresh_sentences import fresh_sentences
from data.recipes.lexicon import dialogue, plain
from data.recipes.music import music
from data.recipes.readers import RATE, Readers, Samples, at_speed
from data.recipes.synthesis import VOICES, Voice, speak

SPEEDS = (1.0, 0.82, 0.91, 1.1, 1.21)
SENTENCES = 40  # of each synthetic voice
NEIGHBOUR = 22  # pitch steps that make a synthetic voice someone else
_STRANGERS = ("m2", "m4", "m6", "m8", "f1", "f2", "f3", "f4")
_ACCENTS = ("en-us", "en-gb-x-rp", "en-029")


@dataclass(frozen=True, slots=True)
class Voices:
    """`samples[i]` is all the int16 speech of class `i`; `real` and `synthetic` list the classes."""

    samples: list[npt.NDArray[np.int16]]
    real: list[int]
    synthetic: list[int]
    dev: list[Samples]
    unseen_sentences: list[Samples]
    """One array a voice of `VOICES`, in sentences that no class contains."""


@dataclass(frozen=True, slots=True)
class Conversation:
    samples: Samples
    turns: list[tuple[float, float, int]]
    """Start and end in seconds, and the speaker's number."""


def gather(readers: Readers, seed: int) -> Voices:
    real = [at_speed(voice, speed) for speed in SPEEDS for voice in readers.train]
    rng = random.Random(seed)
    synthetic = synthetic_voices(rng, seed)
    unseen = [_monologue(voice, fresh_sentences(seed + 1), rng) for voice in VOICES]
    return Voices(
        samples=[(voice * 32767).clip(-32768, 32767).astype(np.int16) for voice in real + synthetic],
        real=list(range(len(real))),
        synthetic=list(range(len(real), len(real) + len(synthetic))),
        dev=readers.dev,
        unseen_sentences=unseen,
    )


def synthetic_voices(rng: random.Random, seed: int) -> list[Samples]:
    """All that each of `VOICES`, and each of the voices that only widen the choice, says."""
    text = fresh_sentences(seed)
    return [_monologue(voice, text, rng) for voice in (*VOICES, *_others(rng))]


def background_music(seed: int) -> torch.Tensor:
    """Two minutes of different pieces, one after the other, (samples,)."""
    pieces = [music(seed + number, 20, RATE).mean(axis=0) for number in range(6)]
    return torch.from_numpy(np.concatenate(pieces)).float()


def conversation(seed: int, people: int = 4, turns: int = 40) -> Conversation:
    """The first `people` of `VOICES` talking in a quiet room, in sentences not trained on."""
    rng = random.Random(f"conversation {seed}")
    parts: list[Samples] = []
    spans: list[tuple[float, float, int]] = []
    now = 0.0
    for speaker, text in dialogue(seed + 2, turns, people):
        said, _ = speak(" ".join(plain(text)), VOICES[speaker], rng.uniform(0.95, 1.05), rng.randint(-4, 4))
        spans.append((now, now + len(said) / RATE, speaker))
        parts += [said, np.zeros(int(rng.uniform(0.2, 0.8) * RATE), np.float32)]
        now += (len(parts[-2]) + len(parts[-1])) / RATE
    samples = np.concatenate(parts)
    noise = np.random.default_rng(seed).normal(0, 1e-3, len(samples))
    return Conversation(samples + noise.astype(np.float32), spans)


def _others(rng: random.Random) -> Iterator[Voice]:
    """Voices that only widen the choice: each of `VOICES` far higher and lower, and strangers."""
    for voice in VOICES:
        for shift in (-NEIGHBOUR, NEIGHBOUR):
            yield replace(voice, pitch=min(99, max(0, voice.pitch + shift)))
    for variant in _STRANGERS:
        for accent in _ACCENTS:
            yield Voice(
                name="stranger",
                variant=f"{accent}+{variant}",
                sex="",
                pitch=rng.randint(20, 75),
                range=rng.randint(30, 70),
                rate=rng.randint(145, 175),
                tract=rng.uniform(0.86, 1.16),
                tilt=rng.uniform(-0.3, 0.5),
            )


def _monologue(voice: Voice, texts: Iterator[str], rng: random.Random) -> Samples:
    """`SENTENCES` sentences, each at another tempo and pitch: what stays the same is who speaks."""
    said = [
        speak(" ".join(plain(next(texts))), voice, rng.uniform(0.85, 1.15), rng.randint(-8, 8))[0]
        for _ in range(SENTENCES)
    ]
    return np.concatenate(said)
