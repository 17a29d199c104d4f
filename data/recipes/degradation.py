"""What happens to a voice before it is recorded, for training: rooms, noise, people, music.

Everything works on a batch of windows at once, shape (windows, samples) at 16 kHz, and draws from one seeded
generator. Signal-to-noise ratios are dB against the window's own mean power.
"""

from __future__ import annotations

import torch
from torch import Tensor

from data.recipes.readers import RATE

_ROOM = RATE // 4  # longest echo, samples
_BANDS = 10  # control points of a microphone's response, evenly spaced in log frequency


class Degrader:
    """Degrades batches. `music` is a (samples,) track to draw backgrounds from, longer than any window."""

    def __init__(self, seed: int, music: Tensor | None = None) -> None:
        self._random = torch.Generator().manual_seed(seed)
        self._music = music
        self._noises = self._coloured_noise(tracks=16, seconds=20)

    def __call__(self, clean: Tensor, share: float = 0.85) -> Tensor:
        """The windows as they might have been recorded, a `share` of them with more than another level."""
        speech = self._chance(0.3, clean) * self._babble(clean) + clean
        speech = self.rooms_and_microphones(speech)
        if self._music is not None:
            speech = speech + self._chance(0.2, clean) * self._at_snr(
                speech, self._cut(self._music[None], clean), 5, 20
            )
        speech = speech + self._chance(0.65, clean) * self._at_snr(speech, self._cut(self._noises, clean), 3, 30)
        speech = torch.where(self._chance(share, clean) > 0, speech, clean)
        return speech * 10 ** (self._uniform(clean, -24, 6) / 20)

    def _uniform(self, like: Tensor, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(like), 1, generator=self._random)

    def _chance(self, probability: float, like: Tensor) -> Tensor:
        return (self._uniform(like, 0, 1) < probability).float()

    def _integers(self, high: int, count: int) -> list[int]:
        return torch.randint(high, (count,), generator=self._random).tolist()

    def _at_snr(self, speech: Tensor, noise: Tensor, low: float, high: float) -> Tensor:
        wanted = speech.square().mean(1, keepdim=True) / 10 ** (self._uniform(speech, low, high) / 10)
        return noise * (wanted / (noise.square().mean(1, keepdim=True) + 1e-10)).sqrt()

    def _cut(self, tracks: Tensor, like: Tensor) -> Tensor:
        length = like.shape[1]
        rows = self._integers(len(tracks), len(like))
        starts = self._integers(tracks.shape[1] - length, len(like))
        return torch.stack([tracks[r, s : s + length] for r, s in zip(rows, starts, strict=True)])

    def _babble(self, clean: Tensor) -> Tensor:
        """One to five other windows of the batch; in pairs of one person, hence the even distances."""
        others = torch.zeros_like(clean)
        for distance in self._integers(max(1, len(clean) // 2 - 1), 1 + self._integers(5, 1)[0]):
            others = others + clean.roll(2 + 2 * distance, 0)
        return self._at_snr(clean, others, 8, 22)

    def rooms_and_microphones(self, speech: Tensor) -> Tensor:
        """A room's echo and a microphone's colour, in one product of spectra."""
        size = speech.shape[1] + _ROOM
        response = torch.fft.rfft(self._rooms(speech), size)
        gain = 10 ** (self._colour(speech, torch.fft.rfftfreq(size, 1 / RATE)) / 20)
        out = torch.fft.irfft(torch.fft.rfft(speech, size) * response * gain, size)
        return out[:, : speech.shape[1]]

    def _rooms(self, like: Tensor) -> Tensor:
        """Impulse responses, (windows, _ROOM): direct sound, in half of the cases decaying noise behind."""
        time = torch.arange(_ROOM) / RATE
        decay = torch.exp(-6.9 * time / self._uniform(like, 0.1, 0.6))
        echo = torch.randn(len(like), _ROOM, generator=self._random) * decay
        echo = echo / echo.square().sum(1, keepdim=True).sqrt()
        echo = echo * 10 ** (self._uniform(like, -15, 2) / 20) * self._chance(0.5, like)
        echo[:, 0] = 1
        return echo

    def _colour(self, like: Tensor, frequencies: Tensor) -> Tensor:
        """dB at each frequency, (windows, frequencies): a bumpy response, at times a telephone's band."""
        points = torch.randn(len(like), _BANDS, generator=self._random) * 4 * self._chance(0.7, like)
        place = (frequencies.clamp(min=60) / 60).log() / torch.tensor(RATE / 2 / 60).log() * (_BANDS - 1)
        hats = (1 - (place[None] - torch.arange(_BANDS)[:, None]).abs()).clamp(min=0)
        top = torch.where(self._chance(0.25, like) > 0, self._uniform(like, 3000, 7000), 20000.0)
        bottom = torch.where(self._chance(0.2, like) > 0, self._uniform(like, 100, 300), -1000.0)
        lost = torch.sigmoid((frequencies - top) / 150) + torch.sigmoid((bottom - frequencies) / 30)
        return points @ hats - 50 * lost

    def _coloured_noise(self, tracks: int, seconds: int) -> Tensor:
        """Noise from white to brown, (tracks, samples), its level wandering slowly as traffic and fans do."""
        white = torch.randn(tracks, seconds * RATE, generator=self._random)
        steepness = torch.linspace(0, 1, tracks)[:, None]
        frequencies = torch.fft.rfftfreq(white.shape[1], 1 / RATE).clamp(min=50)
        noise = torch.fft.irfft(torch.fft.rfft(white) * frequencies**-steepness, white.shape[1])
        level = torch.randn(tracks, 1, seconds * 2, generator=self._random) * 0.3
        return noise * torch.nn.functional.interpolate(level, white.shape[1], mode="linear")[:, 0].exp()
