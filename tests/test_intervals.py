"""The arithmetic of time: what holds for any spans."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span, clip, intersect, measure_union_s, merge_spans, subtract

times = st.integers(0, 60)
spans = st.lists(st.builds(lambda a, b: Span(float(a), float(a + b)), times, st.integers(0, 20)), max_size=12)


def covered(some: list[Span]) -> set[int]:
    return {t for s in some for t in range(int(s.start_s), int(s.end_s))}


@given(spans)
def test_tidy_spans_are_sorted_apart_and_cover_the_same(some: list[Span]) -> None:
    out = merge_spans(some)
    assert all(a.end_s < b.start_s for a, b in itertools.pairwise(out))
    assert all(out)
    assert covered(out) == covered(some)


@given(spans, spans)
def test_intersection_is_what_both_cover(a: list[Span], b: list[Span]) -> None:
    assert covered(intersect(a, b)) == covered(a) & covered(b)


@given(spans, spans)
def test_difference_is_what_only_the_left_covers(a: list[Span], b: list[Span]) -> None:
    out = subtract(a, b)
    assert covered(out) == covered(a) - covered(b)
    assert out == merge_spans(out)


@given(spans, spans)
def test_what_is_shared_and_what_is_left_add_up(a: list[Span], b: list[Span]) -> None:
    assert measure_union_s(intersect(a, b)) + measure_union_s(subtract(a, b)) == measure_union_s(a)


@given(spans, times, times)
def test_clipped_spans_stay_within(some: list[Span], start: int, length: int) -> None:
    window = Span(float(start), float(start + length))
    assert covered(clip(some, window)) == covered(some) & covered([window])


def test_spans_closer_than_the_gap_are_joined() -> None:
    assert merge_spans([Span(0, 1), Span(1.2, 2), Span(3, 4)], gap_s=0.5) == [Span(0, 2), Span(3, 4)]
