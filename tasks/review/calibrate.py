"""The probability that a word is wrong, by its confidence: a logistic curve, fitted to words that people have judged.

What is known before anybody has corrected anything is a curve fitted to recordings with known words (`PRIOR`). It
takes part in every fit as so many judged words of its own, so that a few move it a little and many decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float64]

LEAST, MOST = 0.01, 0.99
"""Confidences beyond are taken for these: recognisers say 0 and 1 too easily."""
UNSURE = 0.5
"""Confidence of a word that has none."""
PRIOR_WORDS = 400
"""Judged words for which the prior counts."""
PRIOR_WRONG = 40.0
"""Wrong words for which the prior's `missing` counts."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a word. `confidence`, and `around`: the mean of its segment's, 0–1. `is_disputed`: whether
    another recogniser heard something else; None where none was asked."""

    confidence: float
    around: float
    is_overlap: bool = False
    is_disputed: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Words that people have judged: what was known of each, and whether it is wrong; and how many words they added
    that were not there, without those to expect where two speak (`count_lost_words`)."""

    evidence: tuple[Evidence, ...] = ()
    wrong: tuple[bool, ...] = ()
    missing: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """`weights`: of the logit of being wrong, for each column of `_describe`. `missing`: words that are not there for
    each that is wrong. `judged`: words it was fitted to, besides the prior."""

    base: float
    weights: tuple[float, ...]
    missing: float
    judged: int = 0

    def estimate(self, words: Sequence[Evidence]) -> Table:
        """The probability of each word that it is wrong."""
        import numpy as np

        found: Table = 1 / (1 + np.exp(-(self.base + _describe(words) @ list(self.weights))))
        return found


PRIOR = Calibration(base=0.0, weights=(-0.76, -0.25, 0.92, 0.3, -0.8), missing=0.5)


def calibrate(judged: Judged, prior: Calibration = PRIOR) -> Calibration:
    """Fit the curve to judged words, and to the prior's."""
    if not judged.evidence:
        return prior
    import numpy as np

    known = _spread_evidence()
    expected = prior.estimate(known)
    share = PRIOR_WORDS / len(known)
    columns = np.vstack([_describe(judged.evidence), _describe(known), _describe(known)])
    wrong = np.concatenate([judged.wrong, np.ones(len(known)), np.zeros(len(known))])
    counts = np.concatenate([np.ones(len(judged.wrong)), share * expected, share * (1 - expected)])
    missing = (judged.missing + PRIOR_WRONG * prior.missing) / (sum(judged.wrong) + PRIOR_WRONG)
    return _fit(columns, wrong, counts, missing, len(judged.evidence))


def fit_prior(recordings: Sequence[Judged]) -> Calibration:
    """Fit a curve to recordings of which all words are judged, each as much as any other."""
    import numpy as np

    columns = np.vstack([_describe(one.evidence) for one in recordings])
    wrong = np.concatenate([one.wrong for one in recordings])
    counts = np.concatenate([np.full(len(one.wrong), 1000 / len(one.wrong)) for one in recordings])
    missing = sum(one.missing / max(1, sum(one.wrong)) for one in recordings) / len(recordings)
    return _fit(columns, wrong, counts, missing, len(wrong))


def _fit(columns: Table, wrong: Table, counts: Table, missing: float, judged: int) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3, max_iter=1000).fit(columns, wrong.astype(bool), sample_weight=counts)
    return Calibration(float(fitted.intercept_[0]), tuple(map(float, fitted.coef_[0])), missing, judged)


def _describe(words: Sequence[Evidence]) -> Table:
    """A row for each word: the logits of its confidence and of its segment's, in overlapping speech, disputed, agreed
    upon."""
    import numpy as np

    rows = [(w.confidence, w.around, w.is_overlap, w.is_disputed is True, w.is_disputed is False) for w in words]
    table = np.array(rows, np.float64).reshape(-1, 5)
    sure = np.clip(np.nan_to_num(table[:, :2], nan=UNSURE), LEAST, MOST)
    table[:, :2] = np.log(sure / (1 - sure))
    return table


def _spread_evidence() -> list[Evidence]:
    """Words of all kinds, mostly sure ones, as transcripts have them: those for which the prior speaks."""
    confidences = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.99]
    return [
        Evidence(confidence, around, overlap, disputed)
        for confidence in confidences
        for around in (0.7, 0.85, 0.93, 0.97)
        for overlap in (False, False, False, True)
        for disputed in (None, None, False, True)
    ]
