"""Spans cut at full hours, and where two speak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, intersect, merge_spans
from tasks.quality.hour_spans import HOUR_S, find_overlap, split_by_hour

SPANS = st.lists(
    st.tuples(st.integers(0, 12_000), st.integers(0, 4000)).map(lambda p: Span(float(p[0]), float(p[0] + p[1]))),
    max_size=8,
)


@given(SPANS)
def test_cut_at_full_hours_spans_are_as_long_as_before(spans: list[Span]) -> None:
    found = split_by_hour(spans)
    for hour, own in found.items():
        assert all(hour * HOUR_S <= s.start_s < s.end_s <= (hour + 1) * HOUR_S for s in own)
    assert sum(s.duration_s for own in found.values() for s in own) == sum(s.duration_s for s in spans)


@given(st.lists(SPANS.map(merge_spans), max_size=4))
def test_two_speak_where_two_lists_overlap(spoken: list[list[Span]]) -> None:
    pairs = [span for k, one in enumerate(spoken) for other in spoken[:k] for span in intersect(one, other)]
    assert find_overlap(spoken) == merge_spans(pairs)
