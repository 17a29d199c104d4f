"""How likely two groups of nodes are one voice, as natural logarithms of odds: above 0 for one, below for two."""

from __future__ import annotations

import numpy as np

from tasks.linking.model import Groups
from tasks.linking.nodes import Array

DRIFT = 0.05
"""Share of S that many sessions don't average out: one voice's morning and its afternoon differ."""


class Likeness:
    """Likenesses of one group to many, with what doesn't change between merges kept."""

    def __init__(self, groups: Groups) -> None:
        self.between = groups.model.between
        self.precision, self.pull = _settled(groups)
        self.alone = gain(self.between, self.precision, self.pull)

    def to(self, precision: Array, pull: Array) -> Array:
        """(N,) of every group to the one with this settled precision and pull, (Q,) each."""
        alone = gain(self.between, precision, pull)
        out: Array = gain(self.between, self.precision + precision, self.pull + pull) - self.alone - alone
        return out

    def table(self, other: Likeness | None = None) -> Array:
        """(N, M) of every group to every one of the `other` (or to its own kind)."""
        other = other or self
        rows = [other.to(p, h) for p, h in zip(self.precision, self.pull, strict=True)]
        return np.array(rows, dtype=np.float32).reshape(len(self.precision), len(other.precision))

    def replace(self, at: int, groups: Groups) -> None:
        """Take the group at `at` anew from `groups`, which has one."""
        precision, pull = _settled(groups)
        self.precision[at], self.pull[at] = precision[0], pull[0]
        self.alone[at] = gain(self.between, precision[0], pull[0])


def gain(between: Array, precision: Array, pull: Array) -> Array:
    """log p(nodes | one voice) − log p(nodes | the voice at the centre), summed over the last axis."""
    spread = 1.0 + between * precision
    out: Array = 0.5 * (between * pull**2 / spread - np.log(spread)).sum(-1)
    return out


def _settled(groups: Groups) -> tuple[Array, Array]:
    kept = 1.0 / (1.0 + groups.precision * (DRIFT * groups.model.session))
    return groups.precision * kept, groups.pull * kept
