"""The figures by pyannote.metrics (Bredin, "pyannote.metrics", Interspeech 2017): what papers and other tools report.

Its time grows with the square of the turns, so `diarization.py` takes it up to `MOST_TURNS` and its own sweep, which
a test compares with it, beyond: a day of 20,000 turns did not finish in ten minutes here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from tasks.intervals import Span

MOST_TURNS = 3_000
"""Most turns, of both sides together, that pyannote.metrics scores in reasonable time."""

BySpeaker = Mapping[str, Sequence[Span]]


class Rates(NamedTuple):
    """Fractions; missed, false_alarm and confusion are of the reference's speech. `…_single`: without the stretches
    where several people speak in the reference."""

    der: float
    missed: float
    false_alarm: float
    confusion: float
    der_collar: float
    der_single: float
    der_collar_single: float
    jer: float
    purity: float
    coverage: float


def format_scorer_name() -> str:
    return f"pyannote.metrics {version('pyannote.metrics')}"


def compute_standard_rates(
    reference: BySpeaker, hypothesis: BySpeaker, regions: Iterable[Span], collar_s: float
) -> Rates:
    """Score merged turns within the regions. `collar_s` is left out on each side of a reference boundary; pyannote's
    own `collar` is the total width."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyannote.core import Segment, Timeline
        from pyannote.metrics import diarization as metrics

        both = _annotation(reference), _annotation(hypothesis)
        uem = Timeline([Segment(r.start_s, r.end_s) for r in regions])
        parts = metrics.DiarizationErrorRate(collar=0.0)(*both, uem=uem, detailed=True)
        total = parts["total"] or float("inf")
        return Rates(
            der=float(parts["diarization error rate"]),
            missed=float(parts["missed detection"] / total),
            false_alarm=float(parts["false alarm"] / total),
            confusion=float(parts["confusion"] / total),
            der_collar=float(metrics.DiarizationErrorRate(collar=2 * collar_s)(*both, uem=uem)),
            der_single=float(metrics.DiarizationErrorRate(skip_overlap=True)(*both, uem=uem)),
            der_collar_single=float(
                metrics.DiarizationErrorRate(collar=2 * collar_s, skip_overlap=True)(*both, uem=uem)
            ),
            jer=float(metrics.JaccardErrorRate()(*both, uem=uem)),
            purity=float(metrics.DiarizationPurity()(*both, uem=uem)),
            coverage=float(metrics.DiarizationCoverage()(*both, uem=uem)),
        )


def _annotation(turns: BySpeaker) -> Any:
    from pyannote.core import Annotation, Segment

    made = Annotation()
    for speaker, spans in turns.items():
        for span in spans:
            made[Segment(span.start_s, span.end_s), speaker] = speaker
    return made
