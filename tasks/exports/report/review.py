"""The errors to expect in each row of the report, for its list of what to listen to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.records import Segment, Transcript
from tasks.review.calibrate import PRIOR
from tasks.review.spans import AROUND_S, LEAST_ERRORS, Survey, find_edited, survey


@dataclass(frozen=True, slots=True)
class Served:
    """A page that `daylong review` serves and that saves what is corrected by itself. `found`: by what is known from
    corrections; `judged`: segments (by index) of which people have said what is right; `minutes`: to listen."""

    found: Survey
    judged: frozenset[int]
    minutes: float


def describe_review(transcript: Transcript, rows: Sequence[Segment], served: Served | None) -> dict[str, Any]:
    """Plain JSON values: expected errors in hundredths, by row and `elsewhere`; rows that are `done`; `words`."""
    found = served.found if served else survey(transcript, PRIOR, find_edited(transcript))
    done = served.judged if served else frozenset(w.segment for w in transcript.words if w.edited)
    errors = {line.segment: 0 if line.segment in done else round(100 * line.errors) for line in found.lines}
    known = any(w.confidence is not None for w in transcript.words)  # of translations nothing is known
    return {
        "errors": [errors.get(s.index, 0) for s in rows] if known else [],
        "done": [k for k, s in enumerate(rows) if s.index in done],
        "elsewhere": round(100 * found.elsewhere),
        "words": round(found.num_words),
        "around": round(1000 * AROUND_S),
        "least": round(100 * LEAST_ERRORS),
        "minutes": served.minutes if served else 10,
    }
