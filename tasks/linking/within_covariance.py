"""Within-session covariance W of the recording's embeddings, and the whitening that makes it the identity.

Embeddings vary from window to window (covariance W), from session to session (S: another hour or room) and from
speaker to speaker (B). W depends on the speaker model and the recording, so it is estimated from pairs of windows of
one local speaker a moment apart, which is robust to diarization errors. All later steps work in whitened space, where
a distance of 1 is one standard deviation of a single window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.linking.nodes import Array, ChunkVoices, Node

PAIRS = 60_000
"""Pairs of windows that W is estimated from, at most."""
TRIMMED = 0.1
"""Share of the pairs, those furthest apart, that are left out as likely of two voices."""
FLOOR = 0.02
"""Share of the mean variance that is added in every direction (regularisation)."""
REPEATED = 1.9
"""A mean of n windows varies by this / n of a window's variance: windows overlap by half, and their noise correlates
(measured on real readers: 0.43)."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """y = (x − center) @ whiten, in which W is the identity. `center` (D,): mean of the nodes; `whiten` (D, D)."""

    center: Array
    whiten: Array

    def __call__(self, embeddings: Array) -> Array:
        """Whiten embeddings (…, D)."""
        out: Array = (embeddings - self.center) @ self.whiten
        return out


def estimate_whitening(chunks: Sequence[ChunkVoices], nodes: Sequence[Node]) -> Whitening:
    """Estimate W and the center from the recording's windows and all of its `nodes`, one or more."""
    means = np.array([n.mean for n in nodes])
    differences = _find_differences(chunks)
    dim = means.shape[1]
    if not len(differences):
        return Whitening(means.mean(0), np.eye(dim) * np.sqrt(dim / 0.3))
    size = np.square(differences).sum(1)
    differences = differences[size <= np.quantile(size, 1 - TRIMMED)]
    # Trimmed once by Euclidean distance, then by Mahalanobis distance.
    for _ in range(2):
        within = _shrink_covariance(differences, dim)
        size = np.einsum("nd,nd->n", differences @ np.linalg.inv(within), differences)
        kept = differences[size <= np.quantile(size, 1 - TRIMMED)]
        within = _shrink_covariance(kept if len(kept) else differences, dim)
    values, axes = np.linalg.eigh(within)
    return Whitening(means.mean(0), axes / np.sqrt(values))


def _find_differences(chunks: Sequence[ChunkVoices]) -> Array:
    # Windows two apart share no samples, and mostly lie in the same turn.
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
    # Shrunk towards an isotropic covariance, the more the fewer pairs there are.
    shrunk: Array = (count * measured + dim * mean * np.eye(dim)) / (count + dim)
    return shrunk + FLOOR * mean * np.eye(dim)
