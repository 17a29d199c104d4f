"""Whose voices these are: a threshold, a margin, one voice to one speaker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.voices.match import MatchRule, VoiceMatch, group_voices, match_speakers, score_voices

RULE = MatchRule(threshold=0.6, margin=0.1)


def match(scores, **more):
    return match_speakers(np.array(scores, float), RULE, **more)


def test_a_voice_is_taken_where_it_is_like_enough_and_nobody_else_is_nearly_as_like():
    assert match([[0.8, 0.3]]) == [VoiceMatch(0, 0.8)]


def test_below_the_threshold_nobody_is_taken_however_near_the_nearest():
    assert match([[0.4, -0.2]]) == [VoiceMatch()]


def test_a_little_below_the_threshold_is_offered():
    assert match([[0.55, 0.1]]) == [VoiceMatch(maybe=0, maybe_similarity=0.55)]


def test_two_voices_that_are_nearly_as_like_leave_it_open_and_the_likelier_is_offered():
    assert match([[0.8, 0.75]]) == [VoiceMatch(maybe=0, maybe_similarity=0.8, rival=1)]


def test_where_only_one_of_them_is_like_enough_they_are_no_rivals():
    assert match([[0.65, 0.58]]) == [VoiceMatch(maybe=0, maybe_similarity=0.65)]


def test_two_voices_that_may_be_one_person_dont_make_each_other_doubtful():
    assert match([[0.8, 0.75]], same=group_voices(2, [(0, 1)])) == [VoiceMatch(0, 0.8)]


def test_of_two_named_people_the_lead_is_asked_for_whatever_is_offered():
    same, named = group_voices(3, [(0, 1), (1, 2)]), np.array([True, True, False])
    assert match([[0.8, 0.75, 0.1]], same=same, named=named) == [VoiceMatch(maybe=0, maybe_similarity=0.8, rival=1)]
    assert match([[0.8, 0.1, 0.75]], same=same, named=named) == [VoiceMatch(0, 0.8)]


def test_a_voice_is_one_speakers_and_the_other_is_offered_it():
    assert match([[0.9, 0.0], [0.7, 0.0]]) == [VoiceMatch(0, 0.9), VoiceMatch(maybe=0, maybe_similarity=0.7)]


def test_who_is_better_known_as_somebody_elses_takes_no_lead_away():
    # The second speaker is voice 1 beyond doubt, so the first isn't.
    assert match([[0.8, 0.75], [0.1, 0.95]]) == [VoiceMatch(0, 0.8), VoiceMatch(1, 0.95)]


def test_what_people_denied_is_neither_taken_nor_offered():
    assert match([[0.9, 0.2]], denied=frozenset({(0, 0)})) == [VoiceMatch()]


def test_of_nobody_known_everybody_is_new():
    assert match_speakers(np.zeros((2, 0)), RULE) == [VoiceMatch(), VoiceMatch()]


def test_similarity_is_the_mean_of_the_nearest_few():
    embeddings = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], np.float32)
    scores = score_voices(np.array([[1, 0]], np.float32), embeddings, np.array([0, 0, 0, 1]), 3, nearest=2)
    assert scores[0] == pytest.approx([(1 + 0.6) / 2, -1.0, -1.0])  # the third has no embedding


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(0, 1),
    st.floats(0, 0.5),
)
def test_whatever_the_scores_no_voice_is_taken_twice_and_none_below_the_threshold(scores, threshold, margin):
    found = match_speakers(np.array(scores), MatchRule(threshold, margin))
    taken = [a.voice for a in found if a.voice >= 0]
    assert len(taken) == len(set(taken))
    for row, answer in zip(scores, found, strict=True):
        if answer.voice >= 0:
            assert row[answer.voice] >= threshold
            assert answer.maybe == -1
        if answer.maybe >= 0:
            assert row[answer.maybe] >= threshold - margin


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_similarities_are_those_that_one_would_work_out_one_by_one(count, voices, nearest, seed):
    dice = np.random.default_rng(seed)
    embeddings, speakers = (
        v / np.linalg.norm(v, axis=1, keepdims=True) for v in (dice.normal(size=(count, 4)), dice.normal(size=(2, 4)))
    )
    owner = dice.integers(0, voices, count)
    found = score_voices(speakers, embeddings, owner, voices, nearest)
    for k in range(2):
        for v in range(voices):
            own = sorted(embeddings[owner == v] @ speakers[k], reverse=True)[:nearest]
            assert found[k, v] == pytest.approx(np.mean(own) if own else -1.0)
