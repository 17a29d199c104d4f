"""A recording processed again: who speaks when says who is who."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.voices.carry import match_by_embedding, match_by_time
from tests.helpers.sample_voices import make_voice_embedding

HALF, REST = [Span(0, 50)], [Span(50, 100)]


def test_other_labels_for_the_same_stretches_are_the_same_people():
    assert match_by_time({"A": HALF, "B": REST}, {"B": HALF, "A": REST}) == {"B": "A", "A": "B"}


def test_whoever_is_heard_elsewhere_is_somebody_else():
    assert match_by_time({"A": HALF}, {"A": REST}) == {}


def test_of_a_voice_split_in_two_the_larger_part_stays_who_it_was():
    assert match_by_time({"A": [Span(0, 100)]}, {"X": [Span(0, 30)], "Y": [Span(30, 100)]}) == {"Y": "A"}


def test_of_two_made_one_it_is_the_one_who_spoke_longer():
    assert match_by_time({"A": [Span(0, 30)], "B": [Span(30, 100)]}, {"X": [Span(0, 100)]}) == {"X": "B"}


def test_a_few_seconds_in_common_say_nothing():
    assert match_by_time({"A": HALF}, {"X": [Span(45, 100)]}) == {}


def test_of_nothing_comes_nothing():
    assert match_by_time({}, {"A": HALF}) == match_by_time({"A": HALF}, {}) == {}


spoken = st.dictionaries(
    st.sampled_from("ABCD"),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda p: Span(p[0], p[0] + p[1])), max_size=4),
)


@given(spoken, spoken)
def test_nobody_is_two_people(before, now):
    found = match_by_time(before, now)
    assert len(set(found.values())) == len(found)
    assert set(found) <= set(now)
    assert set(found.values()) <= set(before)


@given(spoken)
def test_who_speaks_when_nobody_else_does_stays_who_they_were(before):
    alone = {
        label: [Span(s.start_s + 1000 * k, s.end_s + 1000 * k) for s in spans]
        for k, (label, spans) in enumerate(before.items())
        if spans
    }
    assert match_by_time(alone, alone) == {label: label for label in alone}


def test_the_same_sound_measured_again_is_the_same_person_and_another_day_is_not():
    before = {"A": np.array(make_voice_embedding("Ana")), "B": np.array(make_voice_embedding("Bob"))}
    now = {
        "X": np.array(make_voice_embedding("Bob")),
        "Y": np.array(make_voice_embedding("Ana", day=1)),
        "Z": np.zeros(0),
    }
    assert match_by_embedding(before, now) == {"X": "B"}
    assert match_by_embedding({}, now) == match_by_embedding(before, {}) == {}
