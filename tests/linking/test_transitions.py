"""Windows at speaker changes, which hold two speakers and are alike in every chunk, make no third voice."""

from __future__ import annotations

import numpy as np

from tasks.intervals import Span
from tasks.linking.cluster import LinkOptions
from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices, is_transition_label, normalize


def chunk_with_transitions(
    index: int, rng: np.random.Generator, people: tuple[np.ndarray, np.ndarray]
) -> ChunkVoices:
    """Two speakers alternate without a pause; at each change one window holds both, under a label of its own."""
    embeddings, labels = [], []
    mixed = normalize(people[0] + people[1] + 0.8 * np.eye(len(people[0]))[-1])
    for turn in range(40):
        for _ in range(6):
            embeddings.append(normalize(people[turn % 2] + 0.05 * rng.standard_normal(len(people[0]))))
            labels.append(turn % 2)
        embeddings.append(normalize(mixed + 0.05 * rng.standard_normal(len(mixed))))
        labels.append(2)
    starts = 600.0 * index + 0.75 * np.arange(len(labels))
    core = Span(600.0 * index, 600.0 * (index + 1))
    speech = (Span(float(starts[0]), float(starts[-1]) + 1.5),)
    return ChunkVoices(index, core, starts, starts + 1.5, np.array(embeddings), np.array(labels), speech)


def test_transition_windows_are_no_third_voice() -> None:
    rng = np.random.default_rng(5)
    ana, ben, carl = (normalize(rng.standard_normal(24)) for _ in range(3))
    chunks = [
        chunk_with_transitions(i, rng, pair)
        for i, pair in enumerate([(ana, ben), (ana, ben), (ben, carl), (carl, ana)])
    ]
    assert [is_transition_label(chunks[0], k) for k in (0, 1, 2)] == [False, False, True]
    linked = link(chunks)
    assert len(linked.embeddings) == 3
    for chunk, labels in zip(chunks, linked.labels, strict=True):
        # what is of both goes to one of the two, never to the third, who isn't there
        assert set(labels[chunk.labels == 2]) <= set(labels[chunk.labels != 2])
        assert len(set(labels[chunk.labels != 2])) == 2


def test_short_answers_between_silences_are_a_speaker() -> None:
    rng = np.random.default_rng(6)
    ana, ben = (normalize(rng.standard_normal(24)) for _ in range(2))
    embeddings, labels, starts, at = [], [], [], 0.0
    for _ in range(40):
        for k in range(6):
            embeddings.append(normalize(ana + 0.05 * rng.standard_normal(24)))
            labels.append(0)
            starts.append(at + 0.75 * k)
        at += 7.0
        embeddings.append(normalize(ben + 0.05 * rng.standard_normal(24)))
        labels.append(1)
        starts.append(at)
        at += 2.5
    s = np.array(starts)
    chunk = ChunkVoices(0, Span(0, 600), s, s + 1.5, np.array(embeddings), np.array(labels), (Span(0, 600),))
    assert not is_transition_label(chunk, 1)
    assert len(link([chunk]).embeddings) == 2


def test_a_transition_label_is_a_speaker_where_three_are_requested() -> None:
    rng = np.random.default_rng(7)
    ana, ben = (normalize(rng.standard_normal(24)) for _ in range(2))
    chunk = chunk_with_transitions(0, rng, (ana, ben))
    assert len(link([chunk]).embeddings) == 2
    named = link([chunk], LinkOptions(least=3, most=3)).labels[0]
    assert len(set(named[chunk.labels == 2]) - set(named[chunk.labels != 2])) == 1
