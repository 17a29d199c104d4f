"""Where candidates differ most."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.comparison.differences import CONTEXT_S, Difference, compare_words, find_places, select_groups
from tasks.evaluation.normalizers import get_normalizer
from tasks.intervals import Span
from tasks.records import Word

ENGLISH = get_normalizer("en")


def say(text: str, start_s: float = 0.0) -> list[Word]:
    """A word each half second."""
    return [
        Word(start_s + i / 2, start_s + i / 2 + 0.4, word, chunk=0, channel=0) for i, word in enumerate(text.split())
    ]


def test_the_place_with_most_differing_words_comes_first() -> None:
    same = say("so we talk about nothing else for a while and then", 5.0)
    one = [*say("the cat sat"), *same, *say("one two three four five", 40.0)]
    other = [*say("the hat sat"), *same, *say("one", 40.0)]
    places = find_places([one, other], ENGLISH)
    assert [(place.texts, place.size) for place in places] == [
        (("one two three four five", "one"), 4),
        (("the cat sat", "the hat sat"), 1),
    ]
    assert places[0].span == Span(40.5 - CONTEXT_S, 42.4 + CONTEXT_S)


def test_what_the_normaliser_makes_the_same_does_not_differ() -> None:
    one, other = say("Colour, please."), say("color please")
    assert find_places([one, other], ENGLISH) == []
    assert compare_words(one, one, ENGLISH) == []
    assert find_places([one], ENGLISH) == []
    assert find_places([[], []], ENGLISH) == []
    assert len(find_places([one, []], ENGLISH)) == 1
    assert find_places([[], other], ENGLISH)[0].texts == ("", "color please")


def test_every_pair_of_candidates_counts() -> None:
    sides = [say("a cat sat"), say("a hat sat"), say("a rat sat")]
    (place,) = find_places(sides, ENGLISH)
    assert place.size == 3
    assert place.texts == ("a cat sat", "a hat sat", "a rat sat")


DIFFERENCES = st.lists(
    st.builds(
        lambda start, length, size: Difference(Span(start, start + length), size),
        st.floats(0, 500),
        st.floats(0.05, 8),
        st.integers(1, 9),
    ),
    max_size=40,
)


@given(DIFFERENCES, st.integers(1, 10))
def test_places_are_apart_and_the_largest_is_among_them(differences: list[Difference], most: int) -> None:
    groups = select_groups(differences, most, 10.0)
    assert len(groups) <= most
    assert bool(groups) == bool(differences)
    spans = sorted(Span(min(d.span.start_s for d in g), max(d.span.end_s for d in g)) for g in groups)
    assert all(b.start_s - a.end_s >= 2 * CONTEXT_S for a, b in pairwise(spans))
    sizes = [sum(d.size for d in g) for g in groups]
    assert sizes == sorted(sizes, reverse=True)
    if differences:
        assert sizes[0] >= max(d.size for d in differences)
