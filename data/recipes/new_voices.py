"""Voices that nobody has: a reader's recording with another pitch and other formants."""

from __future__ import annotations

import math
import random

import numpy as np
import soxr
import torch

from data.recipes.readers import RATE, Samples

FORMANTS = 1.17
"""Formants are moved by at most this factor, up or down: vocal tracts of adults differ by as much."""

PITCH = 1.35
"""Pitch, and with it tempo, is moved by at most this factor."""

_FRAME, _HOP = 512, 128
_ENVELOPE = 26
"""Cepstral coefficients of the envelope: up to 1.6 ms, shorter than any voice's period."""

_MOST_GAIN = 3.0
"""Of the change of envelope, natural logarithm of an amplitude: 26 dB."""


def new_voice(samples: Samples, rng: random.Random) -> Samples:
    """The words of `samples` (16 kHz), in another voice drawn from `rng`."""
    pitch = math.exp(rng.uniform(-1, 1) * math.log(PITCH))
    formants = math.exp(rng.uniform(-1, 1) * math.log(FORMANTS))
    faster = soxr.resample(samples, RATE * pitch, RATE).astype(np.float32)
    return move_formants(faster, formants / pitch)


def move_formants(samples: Samples, factor: float) -> Samples:
    """`samples` with their spectral envelope stretched by `factor`; pitch and tempo stay.

    The envelope is what the first cepstral coefficients say of each short spectrum.
    """
    size = len(samples)
    window = torch.hann_window(_FRAME)
    spectrum = torch.stft(
        torch.from_numpy(samples), _FRAME, _HOP, window=window, pad_mode="constant", return_complex=True
    )
    cepstrum = torch.fft.irfft((spectrum.abs() + 1e-5).log(), dim=0)
    cepstrum[_ENVELOPE : _FRAME - _ENVELOPE + 1] = 0
    envelope = torch.fft.rfft(cepstrum, dim=0).real
    place = (torch.arange(len(envelope)) / factor).clamp(max=len(envelope) - 1)
    low = place.long().clamp(max=len(envelope) - 2)
    share = (place - low)[:, None]
    moved = torch.lerp(envelope[low], envelope[low + 1], share)
    gain = (moved - envelope).clamp(-_MOST_GAIN, _MOST_GAIN).exp()
    found = torch.istft(spectrum * gain, _FRAME, _HOP, window=window, length=size).numpy()
    level = np.sqrt(np.mean(samples**2) / (np.mean(found**2) + 1e-12))
    return np.asarray(found * level, dtype=np.float32)
