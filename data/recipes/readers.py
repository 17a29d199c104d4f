"""Real voices for the recipes: one utterance each of many readers, from a folder of FLAC files.

The demo weights were made from 251 utterances of LibriSpeech's train-clean-100 (V. Panayotov et al.,
https://www.openslr.org/12, CC BY 4.0): one of each reader, file names beginning with the reader's number.
Any folder with one file a person will do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 16000
"""Hz, of everything in the recipes."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Readers:
    """Three groups of people with nobody in common; each array holds one person's samples, mono at `RATE`."""

    train: list[Samples]
    dev: list[Samples]
    test: list[Samples]


def load_readers(folder: Path, test: int = 51, dev: int = 12) -> Readers:
    """All readers of `folder`, split by a fixed shuffle of the sorted file names."""
    files = sorted(folder.glob("*.flac"))
    if len(files) <= test + dev:
        raise SystemExit(f"{folder} holds {len(files)} FLAC files; more than {test + dev} are needed")
    voices = [_read(file) for file in files]
    random.Random(0).shuffle(voices)
    rest = len(voices) - test
    return Readers(train=voices[: rest - dev], dev=voices[rest - dev : rest], test=voices[rest:])


def at_speed(samples: Samples, factor: float) -> Samples:
    """The samples `factor` times as fast. Pitch and formants move along: it sounds like someone else."""
    return soxr.resample(samples, RATE * factor, RATE).astype(np.float32)


def _read(file: Path) -> Samples:
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE).astype(np.float32)
