"""Local speakers of all chunks -> speakers of the recording, on voices drawn around known centres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tasks.intervals import Span
from tasks.linking.cluster import LinkOptions
from tasks.linking.link import LinkResult, link
from tasks.linking.nodes import ChunkVoices, normalize

DIM = 64
CORE_S = 600.0


def centres(count: int, seed: int = 0) -> np.ndarray:
    return normalize(np.random.default_rng(seed).normal(size=(count, DIM)))


def chunk(
    index: int,
    plan: Sequence[tuple[int, int, int]],
    voices: np.ndarray,
    *,
    spread: float = 0.6,
    seed: int = 1,
) -> ChunkVoices:
    """A chunk in which, one after the other, (voice, local label, windows) speak; windows of 1.5 s every 0.75 s."""
    rng = np.random.default_rng([seed, index])
    starts, labels, embeddings, speech = [], [], [], []
    at = index * CORE_S
    for voice, label, count in plan:
        speech.append(Span(at, at + 0.75 * (count + 1)))
        for _ in range(count):
            starts.append(at)
            labels.append(label)
            embeddings.append(voices[voice] + spread * rng.normal(size=DIM) / np.sqrt(DIM))
            at += 0.75
        at += 2.0
    begin = np.array(starts, float)
    return ChunkVoices(
        index,
        Span(index * CORE_S, (index + 1) * CORE_S),
        begin,
        begin + 1.5,
        normalize(np.array(embeddings).reshape(-1, DIM)),
        np.array(labels, dtype=np.int64),
        tuple(speech),
    )


def speakers(linked: LinkResult, i: int) -> list[int]:
    """Speakers of the i-th chunk's windows in order, repeats dropped."""
    out: list[int] = []
    for k in linked.labels[i].tolist():
        if not out or out[-1] != k:
            out.append(k)
    return out


def test_a_returning_voice_keeps_its_speaker_though_local_labels_differ() -> None:
    v = centres(3)
    linked = link([
        chunk(0, [(0, 0, 40), (1, 1, 40)], v),
        chunk(1, [(1, 0, 40), (2, 1, 40)], v),
        chunk(2, [(2, 0, 40), (1, 1, 40), (0, 2, 40)], v),
    ])  # fmt: skip
    assert [speakers(linked, i) for i in range(3)] == [[0, 1], [1, 2], [2, 1, 0]]
    assert [t.speaker for t in linked.turns] == [f"SPEAKER_0{k}" for k in (0, 1, 1, 2, 2, 1, 0)]


def test_the_order_of_chunks_does_not_matter() -> None:
    v = centres(4)
    chunks = [chunk(i, [(i % 4, 0, 30), ((i + 1) % 4, 1, 20)], v) for i in range(6)]
    forwards, backwards = link(chunks), link(chunks[::-1])
    assert forwards.turns == backwards.turns
    assert np.allclose(forwards.embeddings, backwards.embeddings)


def test_different_people_of_one_chunk_are_not_joined_though_alike() -> None:
    a = centres(1)[0]
    twins = normalize(np.stack([a, a + 0.9 * centres(1, 5)[0]]))
    assert float(twins[0] @ twins[1]) > 0.6
    linked = link([chunk(i, [(0, 0, 40), (1, 1, 40)], twins, spread=0.2) for i in range(3)])
    assert len(linked.embeddings) == 2


def test_a_voice_split_by_the_diarizer_is_merged() -> None:
    v = centres(2)
    linked = link([chunk(0, [(0, 0, 40), (0, 1, 40), (1, 2, 40)], v), chunk(1, [(0, 0, 40), (1, 1, 40)], v)])
    assert speakers(linked, 0) == [0, 1]


def test_voices_merged_in_one_chunk_are_separated_by_the_other_chunks() -> None:
    v = centres(2)
    good = [chunk(i, [(0, 0, 60), (1, 1, 60)], v) for i in range(4)]
    merged = chunk(4, [(0, 0, 20), (1, 0, 20)], v)
    assert speakers(link([*good, merged]), 4) == [0, 1]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_requested_number_of_speakers_is_kept(count: int) -> None:
    v = centres(3)
    chunks = [chunk(i, [(0, 0, 30), (1, 1, 30), (2, 2, 30), (0, 3, 30)], v) for i in range(3)]
    assert len(link(chunks, LinkOptions(least=count, most=count)).embeddings) == count


def test_a_short_voice_joins_the_nearest_and_an_unlike_one_is_unknown() -> None:
    v = centres(3)
    linked = link([
        chunk(0, [(0, 0, 60), (1, 1, 60)], v),
        chunk(1, [(0, 0, 60), (1, 1, 3), (2, 2, 3)], v),
    ])  # fmt: skip
    named = link([chunk(0, [(0, 0, 60), (1, 1, 60)], v), chunk(1, [(0, 0, 60), (2, 2, 3)], v)], reassign=False)
    assert speakers(linked, 1)[:2] == [0, 1]
    assert speakers(named, 1) == [0, -1]
    assert named.turns[-1].speaker == "UNKNOWN"


def test_margins_of_speakers() -> None:
    v = centres(2)
    linked = link([chunk(0, [(0, 0, 40), (1, 1, 40)], v)])
    margins = linked.speaker_margins()
    assert all(m is not None and m > 0.3 for m in margins)
    assert link([chunk(0, [(0, 0, 40)], v)]).speaker_margins() == [None]


def test_no_windows_give_no_speakers() -> None:
    silent = ChunkVoices(0, Span(0, 600), np.zeros(0), np.zeros(0), np.zeros((0, DIM)), np.zeros(0, np.int64))
    linked = link([silent])
    assert linked.turns == ()
    assert len(linked.embeddings) == 0


def test_turns_stay_in_their_cores_and_run_forwards() -> None:
    v = centres(2)
    overlapping = chunk(0, [(0, 0, 500), (1, 1, 500)], v)  # runs 150 s past its core
    linked = link([overlapping, chunk(1, [(1, 0, 50)], v)])
    assert all(t.end_s > t.start_s for t in linked.turns)
    assert max(t.end_s for t in linked.turns if t.start_s < 600) <= 640
    assert [t.start_s for t in linked.turns] == sorted(t.start_s for t in linked.turns)


def test_turns_of_an_end_to_end_diarizer_keep_their_overlaps() -> None:
    v = centres(2)
    plain = chunk(0, [(0, 0, 20), (1, 1, 20)], v)
    own = np.array([[0.0, 18.0, 0], [15.0, 33.0, 1], [599.0, 605.0, 1], [40.0, 41.0, 2]])
    overlapping = ChunkVoices(0, plain.core, plain.starts_s, plain.ends_s, plain.embeddings, plain.labels, (), own)
    turns = [(t.start_s, t.end_s, t.speaker) for t in link([overlapping], reassign=False).turns]
    assert turns == [
        (0.0, 18.0, "SPEAKER_00"), (15.0, 33.0, "SPEAKER_01"), (40.0, 41.0, "UNKNOWN"), (599.0, 600.0, "SPEAKER_01")
    ]  # fmt: skip


def test_a_recording_of_a_few_seconds_keeps_both_its_voices() -> None:
    v = centres(2)
    assert len(link([chunk(0, [(0, 0, 1)], v)]).embeddings) == 1
    few = link([chunk(0, [(0, 0, 4), (1, 1, 4)], v)])
    assert speakers(few, 0) == [0, 1]
