"""How voices vary from session to session and from each other: the two-covariance model of speaker verification.

A voice is a point drawn with covariance B; each of its sessions (a node) lies around it with S, and a window around
that with W. (Brümmer and de Villiers, "The speaker partitioning problem", Odyssey 2010; PLDA after Ioffe 2006.) Here
is the space of `spread`, in which W is the identity.

S is measured, not supposed: somebody who talks across the border of two chunks is a node in both, and the overlap,
which both heard, proves that it is one voice. S has W's shape (a voice varies from hour to hour in the ways
in which it varies from word to word) and a share of B's. B is what S and W leave of the nodes' scatter, in the
directions that stand out of what so few nodes would show by chance (Johnstone's spiked model; the edge after
Marchenko and Pastur, the correction after Baik and Silverstein 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.linking.nodes import Array
from tasks.linking.within_covariance import REPEATED

SESSION = 0.3
"""S before anything is known …"""
SUPPOSED = 4.0
"""… and how many pairs heard twice that is worth."""
LEAST_SESSION = 0.1
"""S's size, at least: neighbouring chunks hear the same people in the same room, and so may vary hardly at all, while
a voice's mean leans towards whoever it talks with, and that is somebody else in the evening."""
FARTHER = 1.1
"""Sessions hours apart differ by this much more than those of neighbouring chunks."""
SESSION_OF_BETWEEN = 0.1
"""Share of B that a voice's sessions add to S: where others talk at the same time, a mean leans towards them."""
EDGE = 1.1
"""How far beyond the edge of chance a direction must stand out."""
FEW = 20
"""Fewer nodes than this tell nothing of directions: voices are then taken to differ alike in all of them."""
LEAST_BETWEEN = 25.0
"""Trace of B, at least: the nearest of 31,000 pairs of real readers lie 3 spreads apart, most beyond 6."""


@dataclass(frozen=True, eq=False)
class Plda:
    """`axes` (D, Q), orthonormal; along them variances `between` (Q,) and `session` (Q,). A window's is 1."""

    axes: Array
    between: Array
    session: Array

    @classmethod
    def estimate(cls, placed: Array, windows: Array, session: float) -> Plda:
        """From all nodes' places (N, D), their numbers of windows (N,) and S's size."""
        count, dim = placed.shape
        noise = REPEATED * float(np.mean(1.0 / windows))
        around = session + noise
        scatter = np.cov(placed.T) if count > 1 else around * np.eye(dim)
        values, axes = np.linalg.eigh(scatter.reshape(dim, dim) / around)
        values, axes = values[::-1], axes[:, ::-1]
        ratio = dim / max(count - 1, 1)
        kept = values > EDGE * (1 + np.sqrt(ratio)) ** 2
        if count >= FEW and kept.any():
            seen = values[kept] + 1 - ratio
            freed = (seen + np.sqrt(np.maximum(seen**2 - 4 * values[kept], 0.0))) / 2
            between, axes = (freed - 1) * around, axes[:, kept]
        else:
            left = float(values.sum() - dim) * around
            between = np.full(dim, max(left, LEAST_BETWEEN) / dim)
        share = SESSION_OF_BETWEEN * between
        return cls(axes, between - share, session + share)

    @property
    def intraclass_correlation(self) -> float:
        """How much of what tells one session from another is the voice, 0–1. Where it is little, nobody's odds mean
        much, and what stands against two voices is to count no more than they do."""
        return float(self.between.sum() / (self.between.sum() + self.session.sum()))

    def groups(self, placed: Array, windows: Array) -> Groups:
        """Each node, placed (N, D), as a group of its own."""
        return self.groups_along(placed @ self.axes, windows)

    def groups_along(self, placed: Array, windows: Array) -> Groups:
        """The same of places (N, Q) along the axes."""
        precision = 1.0 / (self.session + REPEATED / np.asarray(windows, float)[:, None])
        return Groups(self, precision, precision * placed)


@dataclass(frozen=True, eq=False)
class Groups:
    """N groups of nodes: `precision` (N, Q) and precision-weighted place `pull` (N, Q), each summed over members."""

    model: Plda
    precision: Array
    information: Array

    def of(self, members: Sequence[Sequence[int]]) -> Groups:
        """Groups of these groups."""
        size = self.precision.shape[1]
        return Groups(
            self.model,
            np.array([self.precision[list(m)].sum(0) for m in members]).reshape(-1, size),
            np.array([self.information[list(m)].sum(0) for m in members]).reshape(-1, size),
        )

    def centres(self) -> Array:
        """(N, Q): where each group's voice most likely lies."""
        out: Array = self.model.between * self.information / (1.0 + self.model.between * self.precision)
        return out


def estimate_session_variance(placed: Array, windows: Array, same_voice: Array) -> float:
    """S's size from pairs (P, 2) of nodes that are one voice in two sessions."""
    if not len(same_voice):
        return SESSION
    a, b = same_voice[:, 0], same_voice[:, 1]
    apart = np.square(placed[a] - placed[b]).mean(1) - REPEATED * (1.0 / windows[a] + 1.0 / windows[b])
    # The median, as one diarizer or the other is wrong about some pairs.
    found = max(0.0, FARTHER * float(np.median(apart)) / 2)
    return max(LEAST_SESSION, (len(apart) * found + SUPPOSED * SESSION) / (len(apart) + SUPPOSED))
