"""Detect the language of a recording once, by a weighted vote over a few spans of speech spread across it.

Pure. Whisper itself looks at the first 30 seconds only, which may be music or another speaker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tasks.intervals import Span, clip, measure_union_s, merge_spans

WINDOW_S = 30.0
PLACES = 5
Detection = Sequence[tuple[str, float]]
"""Codes of languages with their probabilities, as an engine's `detect_language` answers."""


def select_places(speech: Sequence[Span], count: int = PLACES, window_s: float = WINDOW_S) -> list[Span]:
    """Select at most `count` spans of at most `window_s` seconds, spread evenly over the speech, each starting with
    speech.

    >>> select_places([Span(10, 20)])
    [Span(start_s=10, end_s=20)]
    """
    tidied = merge_spans(speech)
    spoken = measure_union_s(tidied)
    if not spoken:
        return []
    count = max(1, min(count, int(spoken // window_s)))
    chosen: list[Span] = []
    for i in range(count):
        start = _find_time(tidied, spoken * i / count)
        if chosen:
            start = max(start, chosen[-1].end_s)
        heard = clip(tidied, Span(start, start + window_s))
        if heard:
            chosen.append(Span(heard[0].start_s, heard[-1].end_s))
    return chosen


def _find_time(speech: list[Span], seconds: float) -> float:
    """The time at which so many seconds of speech have passed."""
    for span in speech:
        if seconds < span.duration_s:
            return span.start_s + seconds
        seconds -= span.duration_s
    return speech[-1].end_s


def vote(detections: Iterable[tuple[Detection, float]]) -> tuple[str, float] | None:
    """Combine detections into (language, confidence), each weighted by the seconds of speech in its span.

    The confidence is the weighted mean of the language's probability. None without any detection. Equals go
    to the code that comes first in the alphabet, so that the order of places doesn't matter.

    >>> vote([([("en", 0.9), ("de", 0.1)], 30), ([("de", 0.6), ("en", 0.4)], 10)])
    ('en', 0.775)
    """
    votes: dict[str, float] = defaultdict(float)
    weight = 0.0
    for detection, seconds in detections:
        if not detection or seconds <= 0:
            continue
        weight += seconds
        for code, probability in detection:
            votes[code] += probability * seconds
    if not votes:
        return None
    code = min(votes, key=lambda c: (-votes[c], c))
    return code, min(1.0, votes[code] / weight)
