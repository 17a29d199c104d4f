"""A few simulated days: one name per voice from morning to night. `tests.benchmarks.simulated_day` has the many."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.linking.cluster import LinkOptions
from tasks.linking.link import LinkResult, link
from tasks.linking.nodes import ChunkVoices
from tests.simulation.day import Day, heard, simulate
from tests.simulation.hard import CASES, lost_in_others, said_s
from tests.simulation.score import LinkingScore, score, turns_of
from tests.simulation.simpler import chained, unconstrained
from tests.simulation.voices import titanet_like


def scored(day: Day, chunks: list[ChunkVoices], linked: LinkResult) -> LinkingScore:
    return score(turns_of(chunks, day.truth), linked.turns)


@pytest.mark.parametrize("speakers", [2, 12])
def test_a_whole_day_has_one_name_per_voice(speakers: int) -> None:
    day = simulate(speakers, 0)
    chunks = heard(day, 0.5)
    found = scored(day, chunks, link(chunks))
    assert found.found == speakers
    assert found.der < 0.005
    reference = turns_of(chunks, day.truth)
    assert score(reference, turns_of(chunks, chained(chunks))).der > 0.5
    assert score(reference, turns_of(chunks, unconstrained(chunks, [0.5])[0])).der > 10 * found.der


def test_a_better_speaker_model_needs_no_other_settings() -> None:
    day = simulate(6, 1, spread=titanet_like())
    chunks = heard(day, 1.0)
    found = scored(day, chunks, link(chunks))
    assert found.found == 6
    assert found.der < 0.005


@pytest.mark.parametrize("case", ["two similar voices", "half of the speakers split"])
def test_hard_days(case: str) -> None:
    day, chunks = CASES[case](8, 0, 0.5)
    found = scored(day, chunks, link(chunks))
    assert found.found - 8 in (0, 1)
    assert found.der < 0.02


def test_a_speaker_of_only_20_s_turns_is_found() -> None:
    day, chunks = CASES["one only in pieces of 20 s"](8, 4, 0.5)
    linked = link(chunks)
    assert said_s(day.turns, 7) == pytest.approx(5 * 20.0, rel=0.1)
    assert scored(day, chunks, linked).found == 8
    assert lost_in_others(day, chunks, linked.labels, 7) < 0.1


def test_five_seconds_of_a_day_are_not_merged_to_another_voice() -> None:
    day, chunks = CASES["one who speaks five seconds in all"](12, 1, 0.5)
    linked = link(chunks)
    assert said_s(day.turns, 11) == pytest.approx(5.0, abs=0.5)
    assert lost_in_others(day, chunks, linked.labels, 11) < 0.2
    # The measure itself: lost if all are one voice, not if each has its own.
    assert lost_in_others(day, chunks, [np.zeros(len(t), np.int64) for t in day.truth], 11) == 1.0
    assert lost_in_others(day, chunks, day.truth, 11) == 0.0


def test_two_hours_are_linked_and_the_requested_number_is_kept() -> None:
    day = simulate(4, 3, hours=2.0)
    chunks = heard(day, 0.5)
    assert scored(day, chunks, link(chunks)).der < 0.01
    for count in (3, 5):
        assert len(link(chunks, LinkOptions(least=count, most=count)).embeddings) == count


def test_the_score_agrees_with_pyannote() -> None:
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    day = simulate(5, 2, hours=3.0)
    chunks = heard(day, 1.0)
    rng = np.random.default_rng(0)
    labels = [np.where(rng.random(len(t)) < 0.1, (t + 1) % 5, t) for t in day.truth]
    labels = [np.where(rng.random(len(t)) < 0.1, -1, t) for t in labels]
    reference, found = turns_of(chunks, day.truth), turns_of(chunks, labels)
    ours = score(reference, found)
    left, right = Annotation(), Annotation()
    for i, t in enumerate(reference):
        left[Segment(t.start_s, t.end_s), i] = t.speaker
    for i, t in enumerate(found):
        if t.speaker != "UNKNOWN":
            right[Segment(t.start_s, t.end_s), i] = t.speaker
    metric = DiarizationErrorRate()
    theirs = metric(left, right, uem=Timeline([Segment(0.0, day.duration_s)]))
    assert ours.der == pytest.approx(float(theirs), abs=1e-4)
    assert 0.05 < ours.der < 0.5
    assert ours.unknown > 0.0
