"""Seeded background music: chords, bass, arpeggio, percussion, made of sines and noise.

Nobody holds rights in it. For the sample (music under two stretches of the meeting) and for the mixes that
the separator learns from.
"""

from __future__ import annotations

import numpy as np

_PROGRESSIONS = ((0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4), (1, 4, 0, 5), (0, 4, 5, 3))  # degrees of the scale
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


def music(seed: int, seconds: float, sample_rate: int = 44_100) -> np.ndarray:
    """Stereo music, float32 of shape (2, samples), root mean square 0.1, not above full scale.

    Key, mode, tempo, progression, timbre and which instruments play are drawn from the seed.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * sample_rate)
    beat = 60.0 / rng.uniform(72, 132)
    scale = _MAJOR if rng.random() < 0.6 else _MINOR
    root = int(rng.integers(43, 55))  # MIDI note of the key
    chords = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    bright = rng.uniform(0.35, 0.75)
    plays = {name: rng.random() < p for name, p in (("bass", 0.85), ("arpeggio", 0.7), ("drums", 0.7))}
    rhythm = rng.integers(0, 3, 8)  # which chord note the arpeggio plays on each half beat
    out = np.zeros((2, n + sample_rate), np.float32)

    def put(sound: np.ndarray, at: float, gain: float, pan: float) -> None:
        i = round(at * sample_rate)
        sound = sound[: max(0, out.shape[1] - i)] * gain
        out[0, i : i + len(sound)] += sound * np.sqrt(0.5 - pan / 2)
        out[1, i : i + len(sound)] += sound * np.sqrt(0.5 + pan / 2)

    def pitch(degree: int) -> float:
        octave, step = divmod(degree, 7)
        return 440.0 * 2.0 ** ((root + 12 * octave + scale[step] - 69) / 12)

    for bar in range(int(seconds / (4 * beat)) + 1):
        t, degree = bar * 4 * beat, chords[bar % len(chords)]
        for k, pan in zip((0, 2, 4), (-0.5, 0.0, 0.5), strict=True):
            put(
                _tone(pitch(degree + k + 7), 4 * beat, sample_rate, bright, attack=0.08, decay=0.6),
                t,
                0.16,
                pan,
            )
        for half in range(8):
            if plays["arpeggio"]:
                note = pitch(degree + 14 + 2 * int(rhythm[half]))
                put(
                    _tone(note, beat, sample_rate, bright, attack=0.005, decay=4.0),
                    t + half * beat / 2,
                    0.14,
                    0.3,
                )
            if plays["bass"] and half % 2 == 0 and (half != 2 or rng.random() < 0.5):
                put(
                    _tone(pitch(degree - 7), beat, sample_rate, 0.5, attack=0.01, decay=2.0),
                    t + half * beat / 2,
                    0.3,
                    0,
                )
            if plays["drums"]:
                for sound, gain, pan in _drums(half, sample_rate, rng):
                    put(sound, t + half * beat / 2, gain, pan)
    out = out[:, :n]
    out *= 0.1 / (np.sqrt(np.mean(np.square(out))) + 1e-9)
    return (out / max(1.0, float(np.abs(out).max(initial=0.0)))).astype(np.float32)


def _tone(
    frequency: float, seconds: float, sample_rate: int, bright: float, *, attack: float, decay: float
) -> np.ndarray:
    """A note: partials fading by `bright` each, attack in seconds, decay in nepers a second."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    partials = [k for k in range(1, 7) if k * frequency < sample_rate / 2]
    x = sum(bright ** (k - 1) * np.sin(2 * np.pi * frequency * k * t + k) for k in partials)
    envelope = np.minimum(1.0, t / attack) * np.exp(-decay * t) * np.minimum(1.0, (seconds - t) / 0.03)
    return (x * envelope).astype(np.float32)


def _drums(half: int, sample_rate: int, rng: np.random.Generator) -> list[tuple[np.ndarray, float, float]]:
    """What sounds on a half beat of the bar: (sound, gain, pan)."""
    t = np.arange(round(0.25 * sample_rate)) / sample_rate
    noise = rng.standard_normal(len(t))
    hits = [(np.diff(noise, prepend=0) * np.exp(-70 * t), 0.05, -0.3)]
    if half in (0, 4):
        hits.append((np.sin(2 * np.pi * (45 * t + 8 * (1 - np.exp(-25 * t)))) * np.exp(-12 * t), 0.6, 0.0))
    if half in (2, 6):
        hits.append((noise * np.exp(-22 * t), 0.18, 0.1))
    return [(sound.astype(np.float32), gain, pan) for sound, gain, pan in hits]
