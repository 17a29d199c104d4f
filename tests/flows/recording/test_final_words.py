"""Words that are final before the last chunk is done: the same that the whole join has, each once."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.recording.final_words import FinalWords
from tasks.intervals import Span
from tasks.merging.seams import join
from tasks.records import Chunk, Word
from tests.helpers.sample_words import make_word
from tests.simulation.recogniser import chunk_words


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Chunk], list[list[Word]]]:
    """A recording of two to six chunks with overlaps, and the words that a recogniser makes of each."""
    bounds = [0.0, *itertools.accumulate(draw(st.lists(st.integers(30, 50), min_size=2, max_size=6)))]
    cores = [Span(float(a), float(b)) for a, b in itertools.pairwise(bounds)]
    spans = [c.grow(10.0) & Span(0.0, float(bounds[-1])) for c in cores]
    chunks = [Chunk(i, s, c, (s,)) for i, (s, c) in enumerate(zip(spans, cores, strict=True))]
    starts = itertools.accumulate(draw(st.lists(st.sampled_from([0.4, 0.5, 0.9, 4.0]), max_size=200)))
    words = [make_word(at, at + 0.35, text) for at, text in zip(starts, itertools.cycle(["so", "the", "day", "is"]))]
    words = [w for w in words if w.end_s < bounds[-1]]
    return chunks, chunk_words(words, chunks, np.random.default_rng(draw(st.integers(0, 2**31))), rough=0.0)


@given(recordings(), st.randoms(use_true_random=False))
def test_final_words_are_those_of_the_whole_join_in_whatever_order_chunks_come(recording, random) -> None:  # type: ignore[no-untyped-def]
    chunks, words = recording
    final = FinalWords()
    order = list(zip(chunks, words, strict=True))
    random.shuffle(order)
    found = [word for chunk, own in order for word in final.add(chunk, own)]
    whole = join(chunks, words)
    until_s = min(seam.cut_s for seam in whole.seams if seam.right == chunks[-1].index)
    assert [(w.text, w.local_speaker) for w in found] == [
        (w.text, w.local_speaker) for w in whole.words if w.start_s < until_s
    ]


def test_a_recording_of_one_chunk_has_none_before_it_is_done() -> None:
    chunk = Chunk(0, Span(0.0, 60.0), Span(0.0, 60.0))
    assert FinalWords().add(chunk, [make_word(1.0, 2.0, "so")]) == []


def test_chunks_without_words_settle_their_neighbours() -> None:
    chunks = [Chunk(i, Span(i * 60.0, (i + 1) * 60.0), Span(i * 60.0, (i + 1) * 60.0)) for i in range(3)]
    final, word = FinalWords(), make_word(1.0, 2.0, "so")
    assert final.add(chunks[0], [dataclasses.replace(word, chunk=0)]) == []
    assert [w.text for w in final.add(chunks[1], [])] == ["so"]
    assert final.add(chunks[2], []) == []
