"""The separator: how much of the music it takes away, and what that does to the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.recipes.music import music
from data.recipes.readers import RATE, Samples, load_readers
from tests.benchmarks.demo_weights.figure import Figure
from tests.benchmarks.demo_weights.recogniser import Recogniser, compared, material, recording

UNHEARD = 800_000
"""Seed of music that no training had."""
LENGTH = 8 * RATE


def figures(models: Path, voices: Path | None, quick: bool) -> Iterator[Figure]:
    from tasks.separation import demucs

    model = demucs.load(str(models / "separation"))
    if voices is not None:
        readers = [r for r in load_readers(voices).test if len(r) >= LENGTH][:: 5 if quick else 1]
        gains, clean = quality(model, readers)
        yield Figure("SI-SDR gained, unheard readers and music at 0 dB", float(np.mean(gains)), "dB", least=6)
        yield Figure("… median of the readers", float(np.median(gains)), "dB")
        yield Figure("SI-SDR of what becomes of clean readers' speech", clean, "dB", least=15)
    recogniser = Recogniser(models)
    speech, expected = recording(material("exam", quick)[:100])
    for name, sound, most in (
        ("speech and music at 0 dB", mixed(speech, over(speech), 0.0), None),
        ("clean speech", speech, None),
    ):
        before, _ = compared(expected, recogniser.words(sound))
        after, _ = compared(expected, recogniser.words(model.vocals(sound)))
        yield Figure(f"word errors, {name}", 100 * before, "%", most)
        if sound is speech:
            yield Figure("… separated", 100 * after, "%", most=100 * before + 1)
        else:
            yield Figure("… separated", 100 * after, "%", most=100 * before * 2 / 3)


def quality(model: Any, readers: Sequence[Samples]) -> tuple[list[float], float]:
    """(gain over the mix in dB, of each reader; median SI-SDR of clean speech after separation), of 8 s each."""
    gains, clean = [], []
    for k, reader in enumerate(readers):
        speech = reader[:LENGTH]
        mix = mixed(speech, music(UNHEARD + k, len(speech) / RATE + 1, RATE).mean(axis=0)[: len(speech)], 0.0)
        gains.append(si_sdr(model.vocals(mix), speech) - si_sdr(mix, speech))
        clean.append(si_sdr(model.vocals(speech), speech))
    return gains, float(np.median(clean))


def over(speech: Samples) -> Samples:
    """As much music, in pieces of 30 s."""
    pieces = [music(UNHEARD + 500 + k, 30, RATE).mean(axis=0) for k in range(len(speech) // (30 * RATE) + 1)]
    return np.concatenate(pieces)[: len(speech)].astype(np.float32)


def mixed(speech: Samples, other: Samples, snr_db: float) -> Samples:
    """Loudness (root mean square) of speech over the other is `snr_db`; no louder than full scale."""
    loud = [float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (speech, other)]
    mix = speech + other * np.float32(loud[0] / loud[1] * 10 ** (-snr_db / 20))
    return (mix / max(1.0, float(np.abs(mix).max()))).astype(np.float32)


def si_sdr(found: Samples, wanted: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, arXiv:1811.02508)."""
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    target = b * (a @ b) / (b @ b + 1e-12)
    return float(10 * np.log10((target @ target + 1e-12) / ((a - target) @ (a - target) + 1e-12)))
