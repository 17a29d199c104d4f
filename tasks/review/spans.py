"""The errors to expect in each line of a transcript, and the order in which listening finds most a second."""

from __future__ import annotations

import ctypes
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.records import Segment, Transcript, Word
from tasks.review.calibrate import UNSURE, Calibration, Evidence

AROUND_S = 1.0
"""Seconds that a line costs beside its own: to go there, and to hear how it begins and ends."""
LEAST_ERRORS = 0.05
"""Expected errors for which a line is worth listening to."""
MISSING_IN_OVERLAP = 3.3
"""Words a second that are missing where two speak at once: recognisers write one of them."""
MISSING_WITHOUT_WORDS = 2.0
"""Words a second that are missing in speech without words."""
SILENT_S = 0.5
"""Seconds of speech without words that count: shorter ones lie between words."""
NEAR_S = 2.0
"""Seconds from a line to speech without words that is heard with it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the transcript. `errors`: wrong and missing words to expect in it; `num_words`: said in it, as far as
    is known."""

    segment: int
    span: Span
    errors: float
    num_words: float = 0.0

    @property
    def cost_s(self) -> float:
        return self.span.duration_s + AROUND_S


@dataclass(frozen=True, slots=True)
class Survey:
    """All lines by time; `elsewhere`: errors to expect outside of them; `num_words`: said, as far as is known."""

    lines: tuple[Line, ...]
    elsewhere: float
    num_words: float

    @property
    def errors(self) -> float:
        return sum(line.errors for line in self.lines) + self.elsewhere

    @property
    def wer(self) -> float:
        """Expected, as a fraction."""
        return self.errors / self.num_words if self.num_words else 0.0


@dataclass(frozen=True, slots=True)
class Prospect:
    """What listening to some lines is expected to buy. `share`: of all errors, 0–1; `wer`: before and after."""

    lines: tuple[Line, ...]
    seconds: float
    share: float
    wer: tuple[float, float]

    def __str__(self) -> str:
        if not self.lines:
            return f"nothing that is worth listening to: WER about {100 * self.wer[0]:.1f} %"
        count = f"this 1 span, {_format_length(self.seconds)}, holds"
        if len(self.lines) > 1:
            count = f"these {len(self.lines)} spans, {_format_length(self.seconds)}, hold"
        before, after = (f"{100 * rate:.1f}" for rate in self.wer)
        return f"{count} about {100 * self.share:.0f} % of the wrong words: WER from {before} to about {after} %"


def gather_evidence(words: Sequence[Word], disputed: Sequence[Span] | None = None) -> list[Evidence]:
    """What is known of each word. `disputed`: where another recogniser heard something else; None: none was asked."""
    sure = [UNSURE if w.confidence is None else ctypes.c_float(w.confidence).value for w in words]  # as in the tables
    sums: dict[int, tuple[float, int]] = {}
    for word, confidence in zip(words, sure, strict=True):
        total, count = sums.get(word.segment, (0.0, 0))
        sums[word.segment] = total + confidence, count + 1
    spans = merge_spans(disputed or ())
    return [
        Evidence(
            confidence,
            sums[w.segment][0] / sums[w.segment][1],
            w.is_overlap,
            None if disputed is None else _is_in(w.middle_s, spans),
        )
        for w, confidence in zip(words, sure, strict=True)
    ]


def survey(
    transcript: Transcript,
    calibration: Calibration,
    judged: Sequence[Span] = (),
    disputed: Sequence[Span] | None = None,
) -> Survey:
    """Estimate the errors of each segment. In the spans `judged`, people have said what is right: there are none."""
    right = merge_spans(judged)
    wrong = calibration.estimate(gather_evidence(transcript.words, disputed)) if transcript.words else ()
    errors = {s.index: 0.0 for s in transcript.segments}
    said = dict(errors)
    elsewhere = total = 0.0
    for word, probability in zip(transcript.words, wrong, strict=True):
        said[word.segment] = said.get(word.segment, 0.0) + 1
        if _is_in(word.middle_s, right):
            continue
        if word.segment in errors:
            errors[word.segment] += float(probability) * (1 + calibration.missing)
            said[word.segment] += float(probability) * calibration.missing
        else:
            elsewhere += float(probability) * (1 + calibration.missing)
        total += float(probability) * calibration.missing
    ordered = sorted(transcript.segments, key=lambda s: s.start_s)
    for span, rate, near_s in _find_lost_speech(transcript):
        words = rate * measure_union_s(subtract([span], right))
        total += words
        owner = _find_owner(ordered, span, near_s)
        if owner is None:
            elsewhere += words
        else:
            errors[owner] += words
            said[owner] += words
    lines = tuple(Line(s.index, Span(s.start_s, s.end_s), errors[s.index], said[s.index]) for s in ordered)
    return Survey(lines, elsewhere, len(transcript.words) + total)


def choose_lines(found: Survey, budget_s: float) -> Prospect:
    """Choose the lines with most errors for a second, as far as the budget goes, the best first."""
    chosen: list[Line] = []
    left = budget_s
    for line in sorted(found.lines, key=lambda line: (-line.errors / line.cost_s, line.span)):
        if line.errors >= LEAST_ERRORS and line.cost_s <= left:
            chosen.append(line)
            left -= line.cost_s
    gain = sum(line.errors for line in chosen)
    rest = (found.errors - gain) / found.num_words if found.num_words else 0.0
    share = gain / found.errors if found.errors else 0.0
    return Prospect(tuple(chosen), sum(line.cost_s for line in chosen), share, (found.wer, rest))


def find_edited(transcript: Transcript) -> list[Span]:
    """The spans of the segments in which people have corrected words: what they say is right."""
    edited = {w.segment for w in transcript.words if w.edited and w.segment >= 0}
    return [Span(s.start_s, s.end_s) for s in transcript.segments if s.index in edited]


def count_lost_words(transcript: Transcript, spans: Sequence[Span]) -> float:
    """The words that `survey` expects to be missing in these spans because two speak or nothing was written: what
    people add there says nothing of the words beside."""
    within = merge_spans(spans)
    return sum(rate * measure_union_s(intersect([span], within)) for span, rate, _ in _find_lost_speech(transcript))


def _find_lost_speech(transcript: Transcript) -> list[tuple[Span, float, float]]:
    """Speech that has no words for all that is said: (span, words missing a second, how far off its line may be)."""
    spoken: dict[str, list[Span]] = {}
    for turn in transcript.turns:
        spoken.setdefault(turn.speaker, []).append(turn.span)
    own = [merge_spans(spans) for spans in spoken.values()]
    both = merge_spans([span for one, other in combinations(own, 2) for span in intersect(one, other)])
    worded = merge_spans([w.span.grow(SILENT_S / 2) for w in transcript.words])
    bare = subtract(merge_spans([span for spans in own for span in spans]), worded)
    return [(span, MISSING_IN_OVERLAP, 0.0) for span in both] + [
        (span, MISSING_WITHOUT_WORDS, NEAR_S) for span in bare if span.duration_s > SILENT_S
    ]


def _find_owner(ordered: Sequence[Segment], span: Span, near_s: float) -> int | None:
    """The segment that a span lies in or near to; None without one."""
    last = bisect_left(ordered, span.end_s + near_s, key=lambda s: s.start_s)
    around = ordered[max(0, last - 5) : last + 1]
    best = min(around, key=lambda s: Span(s.start_s, s.end_s).distance_s(span.middle_s), default=None)
    if best is None or Span(best.start_s, best.end_s).distance_s(span.middle_s) > near_s:
        return None
    return best.index


def _is_in(at_s: float, merged: Sequence[Span]) -> bool:
    place = bisect_left(merged, at_s, key=lambda s: s.end_s)
    return place < len(merged) and at_s in merged[place]


def _format_length(seconds: float) -> str:
    """As 9 min 40 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
