"""Measure how real voices spread under a speaker model, and keep it in readers.npz.

    python -m tests.simulation.measure_readers FOLDER [--model FILE.nemo]

FOLDER holds one FLAC file a person (the figures kept here: 251 readers of LibriSpeech train-clean-100, V. Panayotov
et al., CC BY 4.0). Each file's speech is cut into the pipeline's windows, 1.5 s every 0.75 s, and embedded; a reader
with fewer than four whole windows is left out.

mean     (D,)    the mean of the readers' means: this model's embeddings all lean one way
within   (D,)    variances of a reader's windows around the reader's mean (without bias), in the basis of their axes
between  (R, D)  the readers' means around `mean`: B = between.T @ between, freed of what the windows' spread adds
correlation      of two windows that overlap by half; windows further apart are not correlated (measured: −0.13 at
                 every longer distance, which is what a reader's own mean, taken off, leaves of nothing)

The axes turn the model's space so that `within` is diagonal, and leave out those beyond `KEPT` of its variance: no
likeness between embeddings changes by that. The model has heard most of these readers, so `within` is taken of
the 63 it has not heard, where it is 7 % larger; what a voice does on another day, one utterance each can't tell.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FILE = Path(__file__).with_name("readers.npz")
UNHEARD = 63
"""Readers that the demo model's recipe kept apart, the last of its shuffle."""
RANK = 24
KEPT = 0.995


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--model", type=Path, default=root / "data" / "models" / "demo" / "speaker.nemo")
    given = parser.parse_args()
    readers = embedded(sorted(given.folder.glob("*.flac")), given.model)
    found = spread(*readers)
    kept: dict[str, Any] = {k: np.asarray(v, np.float32) for k, v in found.items()}
    np.savez_compressed(FILE, **kept)
    print({k: v.shape for k, v in found.items()}, "correlation", float(found["correlation"]))


def embedded(files: list[Path], model: Path) -> tuple[list[Array], list[Array]]:
    """(all readers, those not heard in training): the (N, D) windows of each."""
    import soundfile

    from tasks.audio.speech_map import load as speech
    from tasks.diarization.speaker_model import load
    from tasks.diarization.windows import LENGTH_S, cut_windows

    order = list(files)
    random.Random(0).shuffle(order)
    unheard = set(order[-UNHEARD:])
    engine, silero = load(str(model)), speech()
    every, fresh = [], []
    for file in files:
        samples, _ = soundfile.read(file, dtype="float32")
        where = cut_windows(silero.find_speech(samples))
        where = where[where[:, 1] - where[:, 0] > LENGTH_S - 0.05]
        if len(where) < 4:
            continue
        every.append(engine.embed(samples, where).astype(np.float64))
        if file in unheard:
            fresh.append(every[-1])
    return every, fresh


def spread(every: list[Array], fresh: list[Array]) -> dict[str, Array]:
    """The constants of the module's docstring from lists of (N, D) windows a reader."""
    within, correlation = _within(fresh)
    means = np.array([e.mean(0) for e in every])
    mean = means.mean(0)
    # A mean of n windows, neighbours correlated by r, varies by (1 + 2 r) / n of a window's variance.
    noise = _within(every)[0] * np.mean([(1 + 2 * correlation) / len(e) for e in every])
    values, axes = np.linalg.eigh(np.cov(means.T) - noise)
    between = axes[:, ::-1][:, :RANK] * np.sqrt(np.maximum(values[::-1][:RANK], 0.0))
    variances, turned = np.linalg.eigh(within)
    variances, turned = variances[::-1], turned[:, ::-1]
    keep = int(np.searchsorted(np.cumsum(variances) / variances.sum(), KEPT)) + 1
    turned = turned[:, :keep]
    return {
        "mean": mean @ turned,
        "within": variances[:keep],
        "between": between.T @ turned,
        "correlation": np.array(correlation),
    }


def _within(readers: list[Array]) -> tuple[Array, float]:
    # Of windows that don't overlap, twice the variance; of those that do, that less their correlation.
    dim = readers[0].shape[1]
    far, near, pairs_far, pairs_near = np.zeros((dim, dim)), np.zeros((dim, dim)), 0, 0
    for e in readers:
        for lag in range(2, len(e)):
            d = e[lag:] - e[:-lag]
            far, pairs_far = far + d.T @ d, pairs_far + len(d)
        d = e[1:] - e[:-1]
        near, pairs_near = near + d.T @ d, pairs_near + len(d)
    variance = far / pairs_far / 2
    return variance, float(1 - np.trace(near / pairs_near / 2) / np.trace(variance))


if __name__ == "__main__":
    main()
