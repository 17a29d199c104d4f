"""Training windows for the demo recogniser: what faster-whisper will hear when it decodes one stretch of speech.

A window begins shortly before the first word and ends shortly after the last; what follows is padding. Some windows
begin or end inside a sentence, hold nothing but a room, or the rest of a word that was decoded before.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import soxr
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor

from data.recipes.music import music
from data.recipes.synthesis import SAMPLE_RATE, VOICES
from data.recipes.whisper_corpus import Utterance

FRAMES = 50
"""Encoder frames a second."""
IGNORED = -100
_MELS = torch.tensor(FeatureExtractor().mel_filters, dtype=torch.float32)
_HANN = torch.hann_window(400)


@dataclass
class Window:
    """Samples, the length that counts (seconds) and the words in it: (index, start, end), by start.

    `unfinished`: somebody speaks on beyond the length. In a crowded window words come by speaker instead: those of
    whoever began first, then the next one's.
    """

    samples: np.ndarray
    length: float
    words: list[tuple[int, float, float]] = field(default_factory=list)
    unfinished: bool = False


class Mixer:
    """Draws windows of at most `seconds` from utterances.

    `crowded`: people interrupt each other more often, and each finishes in the labels before the next begins; what
    somebody throws in while another speaks is heard but not written down. That is what a transcript with
    one speaker at a time can say best.
    """

    def __init__(self, utterances: Sequence[Utterance], seed: int, *, crowded: bool = False) -> None:
        self.crowded = crowded
        self.rng = random.Random(seed)
        self.noise = np.random.default_rng(seed)
        self.by_voice: dict[int, list[Utterance]] = {}
        for u in utterances:
            self.by_voice.setdefault(u.voice, []).append(u)
        self.utterances = utterances
        self.tunes = [music(1000 + i, 40, SAMPLE_RATE).mean(axis=0) for i in range(16)]

    def draw(self, seconds: float) -> Window:
        rng = self.rng
        window = Window(np.zeros(round(seconds * SAMPLE_RATE), np.float32), seconds)
        kind = rng.random()
        if kind < 0.05:  # nothing
            window.length = rng.uniform(0.1, seconds)
        elif kind < 0.12:  # what is left of a word, and the silence after it
            u = rng.choice(self.utterances)
            rest = min(rng.uniform(-0.2, 0.45) * float(u.ends[-1] - u.starts[-1]), 0.15)
            if rest > 0:
                self._add(window, u, -(float(u.ends[-1]) - rest), label=False)
            window.length = max(rest, 0) + rng.uniform(0.03, 0.5)
        else:
            self._speech(window)
        window.length = min(window.length, seconds)
        window.samples[round(window.length * SAMPLE_RATE) :] = 0
        self._surroundings(window)
        return window

    def _speech(self, window: Window) -> None:
        """Sentences of one or several people, one after the other, sometimes over one another."""
        rng, limit = self.rng, window.length
        if rng.random() < 0.35:
            limit = rng.uniform(min(1.5, limit), limit)
        voice, throat = self._voice(), self._throat()
        at = rng.choice((rng.uniform(0, 0.12), rng.uniform(0, 0.45)))
        end, stop = 0.0, 0.25 * min(1.0, 10 / window.length)
        while True:
            u = self._changed(rng.choice(self.by_voice[voice]), throat)
            if not window.words and rng.random() < 0.2 and len(u.words) > 3:  # begins inside a sentence
                at -= float(u.starts[rng.randrange(1, len(u.words) - 1)]) - rng.uniform(-0.05, 0.03)
            self._add(window, u, at)
            begin, end = at, at + len(u.samples) / SAMPLE_RATE
            if rng.random() < (0.12 if self.crowded else 0.05):  # somebody says something in between
                other = rng.choice(self.by_voice[self._voice()])
                if other.voice != u.voice and len(other.words) <= 4:
                    aside = rng.uniform(max(begin, 0), end)
                    written = not self.crowded or aside + len(other.samples) / SAMPLE_RATE / 2 > end
                    self._add(window, other, aside, gain=rng.uniform(0.5, 1.1), label=written)
            if end > limit - 0.4 or rng.random() < stop:
                break
            if rng.random() < (0.45 if self.crowded else 0.3):
                voice, throat = self._voice(), self._throat()
                overlap = min(1.6, 0.6 * (end - begin)) if self.crowded else 0.5
                at = end + rng.uniform(-overlap, 0.3)
            else:
                at = end + rng.uniform(0.1, 0.5)
        end = max(e for _, _, e in window.words) if window.words else end
        window.length = min(window.length, end + rng.choice((rng.uniform(0, 0.15), rng.uniform(0, 0.5))))
        cut = window.length + 0.02
        whole = [w for w in window.words if w[2] <= cut]
        window.words, window.unfinished = whole, len(whole) < len(window.words)
        if not self.crowded:
            window.words.sort(key=lambda w: w[1])

    def _throat(self) -> tuple[float, float]:
        """(how much shorter a vocal tract, how much brighter) than the voice's own; of a half of the people."""
        if not self.crowded or self.rng.random() < 0.5:
            return 1.0, 0.0
        return self.rng.uniform(0.86, 1.16), self.rng.uniform(-0.5, 0.6)

    def _changed(self, u: Utterance, throat: tuple[float, float]) -> Utterance:
        """The utterance by somebody else: pitch, formants and tempo scaled, the spectrum tilted."""
        factor, tilt = throat
        if factor == 1.0:
            return u
        x = soxr.resample(u.samples.astype(np.float32), SAMPLE_RATE * factor, SAMPLE_RATE, "LQ")
        y = x - np.float32(tilt) * np.concatenate([x[:1], x[:-1]])
        y *= np.sqrt(np.mean(x**2) + 1) / np.sqrt(np.mean(y**2) + 1)
        return replace(
            u,
            samples=np.clip(y, -32768, 32767).astype(np.int16),
            starts=(u.starts / factor).astype(np.float32),
            ends=(u.ends / factor).astype(np.float32),
        )

    def _voice(self) -> int:
        """One of `VOICES` more often than one of the others, where there are others."""
        others = [v for v in self.by_voice if v >= len(VOICES)]
        known = [v for v in self.by_voice if v < len(VOICES)]
        return self.rng.choice(others if others and self.rng.random() < 0.4 else known)

    def _add(self, window: Window, u: Utterance, at: float, gain: float = 1.0, *, label: bool = True) -> None:
        """Lays an utterance at `at` (negative: its beginning is cut) and, with `label`, its whole words."""
        i, x = round(at * SAMPLE_RATE), u.samples
        if i < 0:
            i, x = 0, x[-i:]
        x = x[: max(0, len(window.samples) - i)]
        window.samples[i : i + len(x)] += x.astype(np.float32) * (gain * self.rng.uniform(0.7, 1.3) / 32768)
        if label:
            for word, a, b in zip(u.words.tolist(), u.starts.tolist(), u.ends.tolist(), strict=True):
                if a + at >= -0.04 and a + at < len(window.samples) / SAMPLE_RATE:
                    window.words.append((word, max(0.0, a + at), b + at))

    def _surroundings(self, window: Window) -> None:
        """Music, somebody faint, noise and the recording level."""
        rng, n = self.rng, round(window.length * SAMPLE_RATE)
        x = window.samples[:n]
        if rng.random() < 0.2:
            tune = rng.choice(self.tunes)
            i = rng.randrange(len(tune) - len(window.samples))
            x += tune[i : i + n] * (0.8 * 10 ** (-rng.uniform(8, 24) / 20))
        if rng.random() < 0.08:
            faint = rng.choice(self.utterances).samples[:n]
            x[: len(faint)] += faint.astype(np.float32) / 32768 * 10 ** (-rng.uniform(14, 26) / 20)
        x += self.noise.standard_normal(n, np.float32) * np.float32(10 ** rng.uniform(-5, -2.5))
        x *= 10 ** rng.uniform(-0.9, 0.15)


def log_mel(windows: Sequence[Window], padding: float, rng: random.Random) -> Tensor:
    """faster-whisper's features, (batch, 80, 100 a second), zero from a window's end to `padding` seconds after all.

    faster-whisper limits the range below the loudest frame of the file, which may lie outside of the window: hence
    the random headroom.
    """
    x = torch.from_numpy(np.stack([w.samples for w in windows]))
    power = torch.stft(x, 400, 160, window=_HANN, return_complex=True)[..., :-1].abs() ** 2
    mel = torch.clamp(_MELS @ power, min=1e-10).log10()
    loudest = mel.amax((1, 2), keepdim=True) + torch.tensor([rng.uniform(0, 0.6) for _ in windows])[:, None, None]
    mel = (torch.maximum(mel, loudest - 8.0) + 4.0) / 4.0
    mel = torch.nn.functional.pad(mel, (0, round(padding * 100)))
    for row, window in zip(mel, windows, strict=True):
        row[:, round(window.length * 100) :] = 0
    return mel
