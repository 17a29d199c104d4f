"""Sound that is laid down from the beginning on and written as it goes: memory doesn't grow with the recording."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
NOISE = 0.0006
"""Root mean square of the room, as in the bundled sample."""
_BLOCK = 60 * RATE_HZ

Samples = npt.NDArray[np.float32]


class Tape:
    """Mono, 16 kHz, 16 bits. Voices are added to a faint noise of the room."""

    def __init__(self, file: object, seed: int) -> None:
        self._file = file
        self._rng = np.random.default_rng(seed)
        self._written = 0  # samples
        self._ahead = np.zeros(0, np.float32)  # voices from there on

    def lay(self, start_s: float, samples: Samples) -> None:
        """Add `samples` from `start_s` on, which must not lie before what was written."""
        first = round(start_s * RATE_HZ) - self._written
        if first < 0:
            raise ValueError(f"{start_s} s was written already")
        missing = first + len(samples) - len(self._ahead)
        if missing > 0:
            self._ahead = np.concatenate([self._ahead, np.zeros(missing, np.float32)])
        self._ahead[first : first + len(samples)] += samples

    def write_until(self, time_s: float) -> None:
        """Nothing more will be laid before `time_s`."""
        left = round(time_s * RATE_HZ) - self._written
        while left > 0:
            size = min(left, _BLOCK)
            block = self._rng.standard_normal(size, np.float32) * np.float32(NOISE)
            voices, self._ahead = self._ahead[:size], self._ahead[size:].copy()
            block[: len(voices)] += voices
            self._file.write(np.clip(block, -1.0, 1.0))  # type: ignore[attr-defined]
            self._written += size
            left -= size


@contextmanager
def tape(path: Path, seed: int) -> Iterator[Tape]:
    """A tape that becomes a FLAC file at `path`."""
    import soundfile

    with soundfile.SoundFile(path, "w", RATE_HZ, 1, subtype="PCM_16", format="FLAC") as file:
        yield Tape(file, seed)
