"""Speech over music for the demo separator: real readers and synthetic voices, generated music, noise."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data.recipes.degradation import Degrader
from data.recipes.fresh_sentences import fresh_sentences
from data.recipes.lexicon import plain
from data.recipes.music import music
from data.recipes.readers import RATE, Readers, Samples
from data.recipes.synthesis import VOICES, speak

SECONDS = 3
"""Length of a mix."""


class Mixes:
    """Draws training mixes: usually both sources, at times only one of them."""

    def __init__(self, readers: Readers, seed: int, tracks: int = 150) -> None:
        self._random = random.Random(seed)
        self._voices = [*readers.train, *synthetic_voices(seed)]
        self._tracks = music_tracks(seed, tracks)
        self._degrade = Degrader(seed)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Mixes (size, 1, samples) and their sources (size, 2, 1, samples): everything else, then speech."""
        speech = torch.stack([self._speech() for _ in range(size)])
        speech = self._degrade.rooms_and_microphones(speech)
        other = torch.stack([self._music() for _ in range(size)])
        draw = torch.tensor([[self._random.random(), self._random.uniform(-8, 15)] for _ in range(size)])
        speech = speech / loudness(speech) * (draw[:, :1] > 0.08)
        other = other / loudness(other) * 10 ** (-draw[:, 1:] / 20) * (draw[:, :1] < 0.85)
        quiet = torch.tensor([[self._random.uniform(1, 3)] for _ in range(size)])
        noise = torch.randn(speech.shape) * 10**-quiet
        sources = torch.stack([other + noise, speech], dim=1)
        mix = sources.sum(dim=1, keepdim=True)
        level = loudness(mix[:, 0])[:, None]
        return mix / level, (sources / level)[:, :, None]

    def _speech(self) -> Tensor:
        voice = self._cut(self._random.choice(self._voices))
        if self._random.random() < 0.15:  # somebody speaks at the same time
            voice = voice + self._random.uniform(0.3, 1) * self._cut(self._random.choice(self._voices))
        if self._random.random() < 0.3:  # a pause: music alone
            begin = self._random.randrange(len(voice))
            voice[begin : begin + self._random.randrange(2 * RATE)] = 0
        return voice

    def _music(self) -> Tensor:
        track = self._cut(self._random.choice(self._tracks))
        if self._random.random() < 0.3:
            track = track + self._random.uniform(0.3, 1) * self._cut(self._random.choice(self._tracks))
        return track

    def _cut(self, samples: Samples) -> Tensor:
        """`SECONDS` from anywhere; what is too short is repeated."""
        start = self._random.randrange(max(1, len(samples) - SECONDS * RATE))
        return torch.from_numpy(np.resize(samples[start : start + SECONDS * RATE], SECONDS * RATE).copy())


def synthetic_voices(seed: int, count: int = 25) -> list[Samples]:
    """One array a voice of `VOICES`, of `count` sentences with pauses; none of the sample's sentences."""
    rng = random.Random(seed)
    texts = fresh_sentences(seed + 7)
    voices = []
    for voice in VOICES:
        parts = []
        for _ in range(count):
            said, _ = speak(" ".join(plain(next(texts))), voice, rng.uniform(0.9, 1.1), rng.randint(-6, 6))
            parts += [said, np.zeros(int(rng.uniform(0.1, 0.8) * RATE), np.float32)]
        voices.append(np.concatenate(parts))
    return voices


def music_tracks(seed: int, count: int) -> list[Samples]:
    """`count` pieces of 12 s, mono. Seeds that differ by 100,000 share no piece."""
    return [music(seed + number, 12, RATE).mean(axis=0) for number in range(count)]


def test_mixes(voices: Sequence[Samples], seed: int) -> tuple[Tensor, Tensor]:
    """A mix of each voice with a piece of its own at 0 dB, and its sources, shaped as in `Mixes.batch`."""
    size = SECONDS * RATE
    tracks = music_tracks(seed + 100_000, len(voices))
    sources = torch.from_numpy(
        np.stack([[t[RATE : RATE + size], np.resize(v, size)] for t, v in zip(tracks, voices, strict=True)])
    ).float()
    sources = sources / sources.square().mean(dim=2, keepdim=True).sqrt()
    return sources.sum(dim=1, keepdim=True), sources[:, :, None]


def loudness(signal: Tensor) -> Tensor:
    """Root mean square along the last axis, which is kept."""
    return signal.square().mean(dim=-1, keepdim=True).sqrt() + 1e-4
