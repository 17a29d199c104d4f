"""PLDA: the two-covariance model of speaker verification, estimated from the recording itself.

A voice is drawn with between-speaker covariance B, each of its sessions (a node) around it with session covariance S,
and a window around its session with within-session covariance W. (Brümmer and de Villiers, "The speaker partitioning
problem", Odyssey 2010; PLDA after Ioffe 2006.) All is computed in the whitened space of `within_covariance`, where W
is the identity.

S is estimated from speakers who talk across the border of two chunks: they are a node in both, and the shared overlap
shows that the two are one voice. S is isotropic in whitened space plus a share of B. B is the nodes' scatter less S
and W, in the directions whose variance exceeds what so few nodes show by chance (Johnstone's spiked model; the edge
after Marchenko and Pastur, the correction after Baik and Silverstein 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.linking.nodes import Array
from tasks.linking.within_covariance import REPEATED

SESSION = 0.3
"""Prior of S's variance, in units of W …"""
SUPPOSED = 4.0
"""… and its weight, as a number of same-voice pairs."""
LEAST_SESSION = 0.1
"""Least variance of S: neighbouring chunks have the same acoustics and hardly differ, while hours apart a voice's
mean
is biased towards other conversation partners."""
FARTHER = 1.1
"""Ratio of the variance of sessions hours apart to that of neighbouring chunks."""
SESSION_OF_BETWEEN = 0.1
"""Share of B that is added to S: overlapped speech biases a session's mean towards other voices."""
EDGE = 1.1
"""Factor by which a direction's variance must exceed the Marchenko–Pastur edge."""
FEW = 20
"""With fewer nodes than this, no directions are estimated and B is isotropic."""
LEAST_BETWEEN = 25.0
"""Least trace of B: the nearest of 31,000 pairs of real readers lie 3 standard deviations of W apart, most beyond
6."""


@dataclass(frozen=True, eq=False)
class Plda:
    """Orthonormal `axes` (D, Q) and the variances along them: `between` (Q,) of B and `session` (Q,) of S; W's is
    1."""

    axes: Array
    between: Array
    session: Array

    @classmethod
    def estimate(cls, placed: Array, windows: Array, session: float) -> Plda:
        """Estimate from all nodes' whitened means `placed` (N, D), numbers of `windows` (N,) and S's variance."""
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
        """Intraclass correlation: between-speaker variance over between-speaker plus session variance, 0–1."""
        return float(self.between.sum() / (self.between.sum() + self.session.sum()))

    def groups(self, placed: Array, windows: Array) -> Groups:
        """Groups of one node each, from whitened means (N, D) and numbers of windows (N,)."""
        return self.groups_along(placed @ self.axes, windows)

    def groups_along(self, placed: Array, windows: Array) -> Groups:
        """As `groups`, from means (N, Q) along the axes."""
        precision = 1.0 / (self.session + REPEATED / np.asarray(windows, float)[:, None])
        return Groups(self, precision, precision * placed)


@dataclass(frozen=True, eq=False)
class Groups:
    """N groups of nodes: `precision` (N, Q) and `information` (N, Q; precision-weighted mean), summed over
    members."""

    model: Plda
    precision: Array
    information: Array

    def of(self, members: Sequence[Sequence[int]]) -> Groups:
        """Pool groups: one group for each list of indices in `members`."""
        size = self.precision.shape[1]
        return Groups(
            self.model,
            np.array([self.precision[list(m)].sum(0) for m in members]).reshape(-1, size),
            np.array([self.information[list(m)].sum(0) for m in members]).reshape(-1, size),
        )

    def centres(self) -> Array:
        """Posterior mean (N, Q) of each group's voice."""
        out: Array = self.model.between * self.information / (1.0 + self.model.between * self.precision)
        return out


def estimate_session_variance(placed: Array, windows: Array, same_voice: Array) -> float:
    """Estimate S's variance from pairs `same_voice` (P, 2) of nodes that are one voice in two sessions."""
    if not len(same_voice):
        return SESSION
    a, b = same_voice[:, 0], same_voice[:, 1]
    apart = np.square(placed[a] - placed[b]).mean(1) - REPEATED * (1.0 / windows[a] + 1.0 / windows[b])
    # The median is robust to pairs that one of the diarizers got wrong.
    found = max(0.0, FARTHER * float(np.median(apart)) / 2)
    return max(LEAST_SESSION, (len(apart) * found + SUPPOSED * SESSION) / (len(apart) + SUPPOSED))
