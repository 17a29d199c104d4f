"""Outliers: brief units that were merged to a voice but belong to a speaker of their own.

Voices are compared along the axes of the PLDA model, in which the recording's main voices differ. A speaker of half a
minute in a day hardly contributes to these, and may lie near another voice along them. Outliers are found in the
orthogonal complement of the axes, where their distance from the voice's mean exceeds that of the voice's sessions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.linking.agglomerate import prior_log_odds
from tasks.linking.log_odds import VoiceOdds
from tasks.linking.nodes import Array
from tasks.linking.plda import Groups
from tasks.linking.within_covariance import REPEATED

KNOWN = 5
"""Least units of a voice that is searched for outliers."""
STRANGE = 2.0
"""Variance of an outlier outside of the axes, beyond that of a voice's sessions and relative to it."""
BRIEF = 120
"""Most windows of an outlier (a minute and a half): longer speakers contribute to the axes, and errors cost more."""
SURE = 3.0
"""Least log odds for an outlier."""


def find_outliers(singles: Groups, where: Array, windows: Array, members: Sequence[Sequence[int]]) -> list[int]:
    """Find units that don't belong to their voice, the clearest first.

    `where` (U, D): whitened mean of each unit. `windows` (U,): its number of windows. `members`: units of each voice.
    """
    axes = singles.model.axes
    left = where.shape[1] - axes.shape[1]
    known = [list(m) for m in members if len(m) >= KNOWN]
    if left <= 0 or not known:
        return []
    residual = where - where @ axes @ axes.T
    off = np.full(len(where), np.nan)
    for units in known:
        own = residual[units]
        off[units] = np.square((own - own.mean(0)) * len(units) / (len(units) - 1)).mean(1) * where.shape[1] / left
    heard = np.flatnonzero(~np.isnan(off))
    noise = REPEATED / windows
    session = max(float(np.median((off - noise)[heard])), 0.0)
    own, others = session + noise, (1 + STRANGE) * session + noise
    strange = left / 2 * (np.log(own / others) + off * (1 / own - 1 / others))
    odds = {
        u: float(score_membership(singles, units, u) - strange[u])
        for units in known
        for u in units
        if windows[u] <= BRIEF
    }
    return sorted((u for u, o in odds.items() if o < -SURE), key=lambda u: (odds[u], u))


def score_membership(singles: Groups, units: Sequence[int], unit: int) -> float:
    """Log odds, along the axes, that `unit` is of one voice with all others of `units`."""
    rest = singles.of([[u for u in units if u != unit]])
    alone = VoiceOdds(Groups(singles.model, singles.precision[[unit]], singles.information[[unit]]))
    like = VoiceOdds(rest).score_against(alone.precision[0], alone.information[0])
    return float(like[0]) + float(prior_log_odds(np.array(len(units) - 1.0)))
