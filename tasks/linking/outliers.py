"""Units that were joined to a voice and are somebody's who spoke once, for a moment.

Voices are compared along the axes in which the recording's voices differ (see `model`). Somebody who speaks half a
minute of a day is one node of hundreds and has no part in choosing these: along them, the nearest voice may be near.
What is left beside the axes tells: a known voice's sessions are scattered there as all its sessions are, a stranger
lies farther off.
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
"""A voice of fewer units than this isn't known well enough to say that one of them isn't its own."""
STRANGE = 2.0
"""A stranger's variance beside the axes, in those of a voice's sessions there."""
BRIEF = 120
"""Windows (a minute and a half) that a stranger has at most: who speaks for longer has a part in choosing the axes,
and to be wrong about costs more."""
SURE = 3.0
"""Log odds that must speak for a stranger."""


def find_outliers(singles: Groups, where: Array, windows: Array, members: Sequence[Sequence[int]]) -> list[int]:
    """Units that their voice is not the voice of, the strangest first.

    `where` (U, D) and `windows` (U,): place and number of windows of each unit in the space of the spread. `members`:
    units of each voice.
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
    """Log odds that the unit is of the voice of all others of these `units`, along the axes."""
    rest = singles.of([[u for u in units if u != unit]])
    alone = VoiceOdds(Groups(singles.model, singles.precision[[unit]], singles.information[[unit]]))
    like = VoiceOdds(rest).score_against(alone.precision[0], alone.information[0])
    return float(like[0]) + float(prior_log_odds(np.array(len(units) - 1.0)))
