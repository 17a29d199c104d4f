"""Agglomerative clustering of groups of nodes by the odds that two are one voice, and by evidence beside these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array
from tasks.linking.plda import Groups


def prior_log_odds(sessions: Array) -> Array:
    """Log odds that the next session is of a voice with so many already, and not of a new one, before it is heard:
    who spoke often speaks again (the Chinese restaurant process; Pitman 2006, section 3.1)."""
    out: Array = np.log(np.maximum(sessions, 1.0))
    return out


def merge_log_odds(left: Array, right: Array) -> Array:
    """Log odds to be set against those by which two groups of so many sessions seem to be two voices.

    Groups that grew by likeness are the more alike within and the less between: the sessions of a single voice, cut
    where they differ most, seem to be two by n/2 · φ(z)² / (p·(1−p)), p being one side's share, z its quantile (the
    distance between the halves of a cut normal distribution). Of a large group and a small one, see `of_known`.
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
    """Members of each voice found: pairs are joined, the likeliest first, down to likenesses of `threshold`.

    `extra` (N, N), symmetric: evidence for and against each pair besides its likeness, which adds up as groups are
    joined. `sizes`: sessions in each group; one where not given. Never fewer than `least` groups; more are joined
    until there are at most `most`. Deterministic.
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
        # Whose best was one of the two looks again; the others can only have found something better.
        stale = np.flatnonzero(alive & ((best == gone) | (best == keep)))
        stale = stale[stale != keep]
        best[stale] = odds[stale].argmax(1)
        value[stale] = odds[stale, best[stale]]
        better = alive & (row > value)
        better[keep] = False
        best[better], value[better] = keep, row[better]
    return [sorted(members[i]) for i in range(count) if alive[i]]
