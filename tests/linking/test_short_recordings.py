"""Recordings of a minute or less, in which a speaker of one sentence counts though shorter than 6 s."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tasks.intervals import Span
from tasks.linking.cluster import LinkOptions
from tasks.linking.link import LinkResult, link
from tasks.linking.nodes import ChunkVoices, build_nodes, normalize

DIM = 64


def clip(plan: Sequence[tuple[int, int, int]], seed: int = 0) -> ChunkVoices:
    """(voice, local label, windows), one after the other; windows of 1.5 s every 0.75 s, 2 s of silence between."""
    rng = np.random.default_rng(seed)
    voices = normalize(rng.normal(size=(8, DIM)))
    starts, labels, embeddings, speech, at = [], [], [], [], 0.0
    for voice, label, count in plan:
        speech.append(Span(at, at + 0.75 * (count + 1)))
        starts += (at + 0.75 * np.arange(count)).tolist()
        labels += [label] * count
        embeddings.append(voices[voice] + 0.6 * rng.normal(size=(count, DIM)) / np.sqrt(DIM))
        at += 0.75 * (count + 1) + 2.0
    begin = np.array(starts)
    heard = normalize(np.concatenate(embeddings))
    return ChunkVoices(0, Span(0, at), begin, begin + 1.5, heard, np.array(labels, np.int64), tuple(speech))


def names(linked: LinkResult) -> list[str]:
    return list(dict.fromkeys(t.speaker for t in linked.turns))


@pytest.mark.parametrize("first", [6, 8, 12])
def test_a_speaker_of_6_s_does_not_absorb_speakers_of_one_sentence(first: int) -> None:
    found = link([clip([(0, 0, first), (1, 1, 4), (2, 2, 4), (3, 3, 4)])])
    assert names(found) == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_03"]


def test_one_word_in_a_minute_is_unknown() -> None:
    found = link([clip([(0, 0, 40), (1, 1, 38), (2, 2, 1)])], reassign=False)
    assert names(found) == ["SPEAKER_00", "SPEAKER_01", "UNKNOWN"]


def test_from_two_minutes_of_speech_on_a_seed_needs_6_s() -> None:
    many, few = (clip([(0, 0, count), (1, 1, 30), (2, 2, 5)]) for count in (130, 30))
    assert sum(n.seconds for n in build_nodes([many])) > 120 > sum(n.seconds for n in build_nodes([few]))
    assert names(link([many], reassign=False)) == ["SPEAKER_00", "SPEAKER_01", "UNKNOWN"]
    assert names(link([few], reassign=False)) == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_requested_speakers_may_have_less_speech() -> None:
    said = [clip([(0, 0, 130), (1, 1, 30), (2, 2, 5), (3, 3, 3)])]
    assert [len(link(said, LinkOptions(least=n)).embeddings) for n in (1, 2, 3, 4)] == [2, 2, 3, 4]


def test_labels_of_nearly_one_voice_are_two_only_where_requested() -> None:
    split = [clip([(0, 0, 60), (0, 1, 60), (1, 2, 60)])]
    assert len(link(split).embeddings) == 2
    assert len(link(split, LinkOptions(least=2, most=2)).embeddings) == 2
    assert len(link(split, LinkOptions(least=3, most=3)).embeddings) == 3
