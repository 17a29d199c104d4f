"""Log odds (natural logarithm) that two groups of nodes are one voice: above 0 for one, below for two."""

from __future__ import annotations

import numpy as np

from tasks.linking.nodes import Array
from tasks.linking.plda import Groups

DRIFT = 0.05
"""Share of the session covariance S that averaging over many sessions doesn't remove (slow drift of a voice)."""


class VoiceOdds:
    """Log odds between groups; terms of single groups are cached between merges."""

    def __init__(self, groups: Groups) -> None:
        self.between = groups.model.between
        self.precision, self.information = _average_sessions(groups)
        self.alone = log_likelihood_ratio(self.between, self.precision, self.information)

    def score_against(self, precision: Array, information: Array) -> Array:
        """Log odds (N,) of every group with one group of this averaged `precision` and `information`, (Q,) each."""
        alone = log_likelihood_ratio(self.between, precision, information)
        out: Array = (
            log_likelihood_ratio(self.between, self.precision + precision, self.information + information)
            - self.alone
            - alone
        )
        return out

    def score_all(self, other: VoiceOdds | None = None) -> Array:
        """Log odds (N, M) of every group with every group of `other` (default: with each other)."""
        other = other or self
        rows = [other.score_against(p, h) for p, h in zip(self.precision, self.information, strict=True)]
        return np.array(rows, dtype=np.float32).reshape(len(self.precision), len(other.precision))

    def update(self, at: int, groups: Groups) -> None:
        """Replace the group at index `at` by the only one of `groups`."""
        precision, information = _average_sessions(groups)
        self.precision[at], self.information[at] = precision[0], information[0]
        self.alone[at] = log_likelihood_ratio(self.between, precision[0], information[0])


def log_likelihood_ratio(between: Array, precision: Array, information: Array) -> Array:
    """log p(nodes | one voice) − log p(nodes | the voice at the centre), summed over the last axis (Q)."""
    scale = 1.0 + between * precision
    out: Array = 0.5 * (between * information**2 / scale - np.log(scale)).sum(-1)
    return out


def _average_sessions(groups: Groups) -> tuple[Array, Array]:
    kept = 1.0 / (1.0 + groups.precision * (DRIFT * groups.model.session))
    return groups.precision * kept, groups.information * kept
