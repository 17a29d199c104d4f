"""Agglomerative clustering of groups of nodes by PLDA log odds plus pairwise evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array
from tasks.linking.plda import Groups


def prior_log_odds(sessions: Array) -> Array:
    """Prior log odds that the next session belongs to a voice with this many `sessions`, against a new voice
    (the Chinese restaurant process; Pitman 2006, section 3.1)."""
    out: Array = np.log(np.maximum(sessions, 1.0))
    return out


def merge_log_odds(left: Array, right: Array) -> Array:
    """Log odds to add in favour of merging two groups of `left` and `right` sessions (any broadcastable shapes).

    Corrects for selection: groups formed by similarity look more separate than they are. The sessions of a single
    voice, cut where they differ most, favour two voices by n/2 · φ(z)² / (p·(1−p)) (p: one side's share, z its
    quantile; the distance between the halves of a cut normal distribution). Never less than `prior_log_odds` of the
    larger group.
    """
    from scipy.special import ndtri

    most, least = np.maximum(left, right), np.maximum(np.minimum(left, right), 1.0)
    both = most + least
    share = least / both
    height = np.exp(-np.square(ndtri(share)) / 2) / np.sqrt(2 * np.pi)
    out: Array = np.maximum(prior_log_odds(most), both / 2 * np.square(height) / (share * (1 - share)))
    return out


def agglomerate(
    groups: Groups,
    extra: Array,
    sizes: Sequence[int] | None = None,
    *,
    threshold: float = 0.0,
    least: int = 1,
    most: int | None = None,
) -> list[list[int]]:
    """Merge the pair of highest log odds until none exceeds `threshold`; returns the sorted members of each cluster.

    `extra` (N, N), symmetric: log odds of each pair besides the PLDA score; summed when groups are merged. `sizes`:
    sessions in each group, default 1. Never stops above `most` groups, never merges below `least`. Deterministic.
    """
    count = len(groups.precision)
    members: list[list[int]] = [[i] for i in range(count)]
    if count < 2:
        return members
    precision, information = groups.precision.copy(), groups.information.copy()
    voice_odds = VoiceOdds(Groups(groups.model, precision, information))
    evidence = extra.astype(np.float32).copy()
    size = np.ones(count) if sizes is None else np.array(sizes, float)
    icc = groups.model.intraclass_correlation
    odds = voice_odds.score_all() + evidence + icc * merge_log_odds(size[:, None], size[None])
    np.fill_diagonal(odds, -np.inf)
    best = odds.argmax(1)
    value = odds[np.arange(count), best]
    alive = np.ones(count, bool)
    left = count
    while left > max(1, least):
        a = int(value.argmax())
        if value[a] < threshold and (most is None or left <= most):
            break
        keep, gone = sorted((a, int(best[a])))
        members[keep] += members[gone]
        precision[keep] += precision[gone]
        information[keep] += information[gone]
        alive[gone] = False
        left -= 1
        size[keep] += size[gone]
        evidence[keep] += evidence[gone]
        evidence[:, keep] = evidence[keep]
        voice_odds.update(keep, Groups(groups.model, precision[keep][None], information[keep][None]))
        row = voice_odds.score_against(voice_odds.precision[keep], voice_odds.information[keep]) + evidence[keep]
        row += icc * merge_log_odds(size, size[keep])
        row[~alive] = -np.inf
        row[keep] = -np.inf
        odds[keep], odds[:, keep] = row, row
        odds[gone], odds[:, gone] = -np.inf, -np.inf
        value[gone] = -np.inf
        best[keep], value[keep] = int(row.argmax()), row.max()
        # Rows whose best partner was one of the merged pair are searched again; others only compare with the new one.
        stale = np.flatnonzero(alive & ((best == gone) | (best == keep)))
        stale = stale[stale != keep]
        best[stale] = odds[stale].argmax(1)
        value[stale] = odds[stale, best[stale]]
        better = alive & (row > value)
        better[keep] = False
        best[better], value[better] = keep, row[better]
    return [sorted(members[i]) for i in range(count) if alive[i]]
