"""Detect the language of a recording once, by a weighted vote over a few spans of speech spread across it, and where
these disagree.

Pure. Whisper itself looks at the first 30 seconds only, which may be music or another speaker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.intervals import Span, clip, measure_union_s, merge_spans

WINDOW_S = 30.0
MIN_PLACE_S = 10.0
"""Seconds of speech from which a recording has another place: a short one, too, may be in several languages."""
PLACES = 5
DISAGREE = 0.8
"""Probability of another language from which a place disagrees, if the vote's has at most `DOUBT` there."""
DOUBT = 0.1
LISTED = 10
"""Languages that a finding lists, the likeliest."""
LEARNT = ("la", "sa")
"""Latin and Sanskrit: hardly anybody's first language, and what small models take unclear French, Italian or Hindi
for. They are found where they are as good as certain (CERTAIN), where there is no other, or where asked for."""
CERTAIN = 0.9
Detection = Sequence[tuple[str, float]]
"""Codes of languages with their probabilities, as an engine's `detect_languages` answers."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span of speech in which a language was detected. `confidence`: of the language, 0–1."""

    span: Span
    language: str
    confidence: float


def select_places(speech: Sequence[Span], count: int = PLACES, window_s: float = WINDOW_S) -> list[Span]:
    """Select at most `count` spans of at most `window_s` seconds, spread evenly over the speech, each starting with
    speech. There are fewer where the speech is less than `MIN_PLACE_S` seconds for each.

    >>> select_places([Span(10, 20)])
    [Span(start_s=10, end_s=20)]
    """
    tidied = merge_spans(speech)
    spoken = measure_union_s(tidied)
    if not spoken:
        return []
    count = max(1, min(count, int(spoken // MIN_PLACE_S)))
    window_s = min(window_s, max(MIN_PLACE_S, spoken / count))
    chosen: list[Span] = []
    for i in range(count):
        start = _find_time(tidied, spoken * i / count)
        if chosen:
            start = max(start, chosen[-1].end_s)
        heard = clip(tidied, Span(start, start + window_s))
        if heard:
            chosen.append(Span(heard[0].start_s, heard[-1].end_s))
    return chosen


@dataclass(frozen=True, slots=True)
class FoundLanguage:
    """The language of a recording or a chunk, None without speech; its confidence (0–1), None where it was given; the
    places in other languages; the likeliest languages with their confidences."""

    language: str | None = None
    confidence: float | None = None
    disagreeing: tuple[Place, ...] = ()
    likely: tuple[tuple[str, float], ...] = ()


def choose_language(places: Sequence[tuple[Span, Detection, float]]) -> FoundLanguage:
    """Choose the language of speech by a vote of `places`: (span, its detection, seconds of speech in it)."""
    likely = count_votes((detection, seconds) for _, detection, seconds in places)[:LISTED]
    if not likely:
        return FoundLanguage()
    others = find_disagreeing([(span, detection) for span, detection, _ in places], likely[0][0])
    return FoundLanguage(*likely[0], tuple(others), tuple(likely))


def summarise(spans: Sequence[Place], speech: Sequence[Span]) -> FoundLanguage:
    """The language of most of the speech, where spans have one each, and the share of speech expected to be in it."""
    seconds = [measure_union_s(clip(speech, s.span)) for s in spans]
    found = vote(([(s.language, s.confidence)], own) for s, own in zip(spans, seconds, strict=True))
    return FoundLanguage(*found) if found else FoundLanguage()


def find_disagreeing(places: Sequence[tuple[Span, Detection]], language: str) -> list[Place]:
    """Find the places in which another language than the recording's was detected for certain.

    >>> find_disagreeing([(Span(0, 9), [("en", 0.99)]), (Span(9, 20), [("de", 0.97), ("en", 0.01)])], "en")
    [Place(span=Span(start_s=9, end_s=20), language='de', confidence=0.97)]
    """
    found = []
    for span, detection in places:
        code, probability = max(detection, key=lambda d: d[1], default=(language, 1.0))
        if code != language and probability >= DISAGREE and dict(detection).get(language, 0.0) <= DOUBT:
            found.append(Place(span, code, probability))
    return found


def limit_languages(detection: Detection, languages: Sequence[str] | None) -> Detection:
    """Limit a detection to `languages`, with probabilities that add up to 1; where None, to all but those of LEARNT
    that are not CERTAIN, with probabilities as they were: the language is as unsure as it was.

    >>> limit_languages([("en", 0.5), ("nl", 0.3), ("de", 0.2)], ["de", "pl"])
    [('de', 1.0)]
    """
    if not languages:
        likely = [(c, p) for c, p in detection if c not in LEARNT or p > CERTAIN]
        return likely if likely and len(likely) < len(detection) else detection
    kept = [(code, probability) for code, probability in detection if code in languages]
    total = sum(probability for _, probability in kept)
    return [(code, probability / total) for code, probability in kept] if total else []


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
    return next(iter(count_votes(detections)), None)


def count_votes(detections: Iterable[tuple[Detection, float]]) -> list[tuple[str, float]]:
    """The (language, confidence) of all languages in the detections, as `vote` has them, the likeliest first."""
    votes: dict[str, float] = defaultdict(float)
    weight = 0.0
    for detection, seconds in detections:
        if not detection or seconds <= 0:
            continue
        weight += seconds
        for code, probability in detection:
            votes[code] += probability * seconds
    return [(code, min(1.0, votes[code] / weight)) for code in sorted(votes, key=lambda c: (-votes[c], c))]
