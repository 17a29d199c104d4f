"""How voices vary in this recording: measured in it, as no number suits every speaker model.

What a speaker model says of one voice varies from window to window (W), from session to session (S: another hour,
room, mood), and from voice to voice (B). All three are covariances. W comes from pairs of windows a moment apart
that their chunk's diarizer gave to one speaker; who else the diarizer mistook then hardly matters. Everything else is
done in a space in which W is the identity, so a distance of 1 is a voice's own spread in one window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.linking.nodes import Array, ChunkVoices, Node

PAIRS = 60_000
"""Pairs of windows that W is measured from, at most: more change nothing."""
TRIMMED = 0.1
"""Share of the pairs, those furthest apart, that are two voices more often than one."""
FLOOR = 0.02
"""Of the mean variance, added in every direction: what no recording is long enough to exclude."""
REPEATED = 1.9
"""A mean of n windows varies by this / n of a window's variance: windows overlap by half, and their noise correlates
(measured on real readers: 0.43)."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """`center` (D,) of the recording's voices, and `whiten` (D, D): y = (x − center) @ whiten has W = identity."""

    center: Array
    whiten: Array

    def __call__(self, embeddings: Array) -> Array:
        """Embeddings (…, D) in the space of W = identity."""
        out: Array = (embeddings - self.center) @ self.whiten
        return out


def estimate_whitening(chunks: Sequence[ChunkVoices], nodes: Sequence[Node]) -> Whitening:
    """The spread of the recording's windows; `nodes`: all of its nodes, one or more."""
    means = np.array([n.mean for n in nodes])
    differences = _find_differences(chunks)
    dim = means.shape[1]
    if not len(differences):
        return Whitening(means.mean(0), np.eye(dim) * np.sqrt(dim / 0.3))
    size = np.square(differences).sum(1)
    differences = differences[size <= np.quantile(size, 1 - TRIMMED)]
    # Trimmed once by plain size, then by what that says of directions.
    for _ in range(2):
        within = _shrink_covariance(differences, dim)
        size = np.einsum("nd,nd->n", differences @ np.linalg.inv(within), differences)
        kept = differences[size <= np.quantile(size, 1 - TRIMMED)]
        within = _shrink_covariance(kept if len(kept) else differences, dim)
    values, axes = np.linalg.eigh(within)
    return Whitening(means.mean(0), axes / np.sqrt(values))


def _find_differences(chunks: Sequence[ChunkVoices]) -> Array:
    # Of windows two apart: they share no sound, and mostly the same turn.
    found = []
    for chunk in sorted(chunks, key=lambda c: c.index):
        if len(chunk.labels) < 3:
            continue
        order = np.lexsort((chunk.ends_s, chunk.starts_s))
        starts, ends, who = chunk.starts_s[order], chunk.ends_s[order], chunk.labels[order]
        same = (who[2:] == who[:-2]) & (who[1:-1] == who[2:]) & (who[2:] >= 0)
        same &= (starts[2:] >= ends[:-2] - 0.25) & (starts[2:] - ends[:-2] < 1.0)
        at = np.flatnonzero(same)
        found.append((chunk, order[at], order[at + 2]))
    total = sum(len(a) for _, a, _ in found)
    step = max(1, -(-total // PAIRS))
    parts = [
        c.embeddings[b[::step]].astype(np.float64) - c.embeddings[a[::step]].astype(np.float64) for c, a, b in found
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def _shrink_covariance(differences: Array, dim: int) -> Array:
    count = len(differences)
    measured = differences.T @ differences / (2 * max(count, 1))
    mean = max(float(np.trace(measured)) / dim, 1e-9)
    # Few pairs say little of single directions.
    shrunk: Array = (count * measured + dim * mean * np.eye(dim)) / (count + dim)
    return shrunk + FLOOR * mean * np.eye(dim)
