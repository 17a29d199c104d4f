"""Splitting labels of a single chunk until the requested number of speakers is reached."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from tasks.intervals import Span
from tasks.linking.cluster import LinkOptions
from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices
from tests.simulation.day import Day, heard, simulate
from tests.simulation.score import score, turns_of


def alone(people: int, seed: int, hours: float, **labels: int) -> tuple[Day, list[ChunkVoices]]:
    """A recording of one chunk; `labels` b=0: its diarizer labelled speaker "b" (the second) as speaker 0."""
    day = simulate(people, seed, hours=hours)
    assert len(day.chunks) == 1
    said = day.truth[0].copy()
    for name, other in labels.items():
        said[said == ord(name) - ord("a")] = other
    return day, heard(day, 0.5, [said])


def exactly(count: int) -> LinkOptions:
    return LinkOptions(least=count, most=count)


@pytest.mark.parametrize("seed", range(5))
def test_a_label_of_two_voices_is_split_where_two_are_requested(seed: int) -> None:
    day, chunks = alone(2, seed, 0.2, b=0)
    found = score(turns_of(chunks, list(day.truth)), link(chunks, exactly(2)).turns)
    assert found.found == 2
    assert found.der < 0.15


def test_the_label_of_two_voices_is_split_and_not_those_of_one() -> None:
    day, chunks = alone(3, 1, 0.2, c=1)
    found = score(turns_of(chunks, list(day.truth)), link(chunks, exactly(3)).turns)
    assert found.found == 3
    assert found.der < 0.1


def test_one_label_may_hold_three() -> None:
    _, chunks = alone(3, 1, 0.2, b=0, c=0)
    assert len(link(chunks, exactly(3)).embeddings) == 3


def test_neither_the_order_of_chunks_nor_that_of_windows_matters() -> None:
    _, [chunk] = alone(2, 0, 0.2, b=0)
    end = chunk.core.end_s
    core, speech = Span(end, 2 * end), tuple(Span(s.start_s + end, s.end_s + end) for s in chunk.speech)
    later = ChunkVoices(1, core, chunk.starts_s + end, chunk.ends_s + end, chunk.embeddings, chunk.labels, speech)
    one, other = (link(c, exactly(4)).turns for c in ([chunk, later], [later, chunk]))
    assert one == other
    mixed = np.random.default_rng(3).permutation(len(chunk.labels))
    arrays = {k: getattr(chunk, k)[mixed] for k in ("starts_s", "ends_s", "embeddings", "labels")}
    assert link([chunk], exactly(2)).turns == link([replace(chunk, **arrays)], exactly(2)).turns


def test_too_little_speech_for_the_requested_count_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    _, [chunk] = alone(2, 0, 0.2, b=0)
    few = {k: getattr(chunk, k)[:6] for k in ("starts_s", "ends_s", "embeddings", "labels")}
    with caplog.at_level(logging.WARNING, "daylong.linking"):
        link([chunk], exactly(2))
        assert caplog.messages == []
        assert len(link([replace(chunk, **few)], exactly(2)).embeddings) == 1
    assert caplog.messages == ["2 speakers were asked for, and 1 found: no more can be told apart"]


def test_labels_of_an_end_to_end_diarizer_are_not_split(caplog: pytest.LogCaptureFixture) -> None:
    _, chunks = alone(2, 0, 0.2, b=0)
    assert len(link(chunks, exactly(2), reassign=False).embeddings) == 1
    assert len(caplog.messages) == 1
