"""The confidence of a word's speaker comes from that speaker's nearest window."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.merging.voices import Windows, compute_confidence
from tasks.records import UNKNOWN, Word

A, B = "SPEAKER_00", "SPEAKER_01"
OWN_MARGIN, OTHER_MARGIN = 0.3, 0.05
"""Margins."""


def windows(speakers: list[int], margins: list[float]) -> Windows:
    """Windows of 1.5 s, every 0.75 s, of chunk 0."""
    starts = 0.75 * np.arange(len(speakers))
    return Windows.from_table({
        "chunk": np.zeros(len(speakers), int),
        "start_s": starts,
        "end_s": starts + 1.5,
        "local": np.array(speakers),
        "speaker": np.array(speakers),
        "margin": np.array(margins),
    })  # fmt: skip


def test_confidence_comes_from_the_nearest_window_of_the_words_own_speaker() -> None:
    change = windows([0, 0, 1, 1], [OWN_MARGIN, OWN_MARGIN, OTHER_MARGIN, OTHER_MARGIN])
    # Nearest to the middle of the second word is the third window, 1.5–3 s; the second ends at 2.25 s.
    for word in (Word(1.2, 1.4, "yes", speaker=A), Word(2.1, 2.3, "so", speaker=A)):
        assert change.annotate(word).speaker_confidence == compute_confidence(OWN_MARGIN)
    assert change.annotate(Word(2.1, 2.3, "so", speaker=B)).speaker_confidence == compute_confidence(OTHER_MARGIN)
    assert change.annotate(Word(2.1, 2.3, "so", speaker=A)).local_speaker == "1"


@pytest.mark.parametrize("margin", [0.4, float("nan")])
def test_a_word_among_another_speakers_windows_has_even_odds(margin: float) -> None:
    assert windows([0] * 4, [margin] * 4).annotate(Word(1.0, 1.4, "hello", speaker=B)).speaker_confidence == 0.5
    far = windows([1, 0, 0, 0, 0, 0], [OWN_MARGIN] + [margin] * 5)
    assert far.annotate(Word(3.0, 3.4, "hello", speaker=B)).speaker_confidence == 0.5


def test_an_only_speaker_and_unknown_have_no_confidence() -> None:
    only = windows([0] * 4, [float("nan")] * 4)
    assert only.annotate(Word(1.0, 1.4, "hello", speaker=A)).speaker_confidence is None
    assert only.annotate(Word(1.0, 1.4, "hello", speaker=UNKNOWN)).speaker_confidence is None


@given(st.lists(st.integers(0, 9), max_size=60))
def test_each_chunk_has_its_own_windows_in_the_tables_order(chunks: list[int]) -> None:
    rng = np.random.default_rng(len(chunks))
    table = {k: rng.random(len(chunks)) for k in ("start_s", "end_s", "local", "speaker", "margin")}
    table |= {"chunk": np.array(chunks, int), "embedding": rng.random((len(chunks), 4))}
    by_chunk = Windows.from_table(table).by_chunk
    assert list(by_chunk) == sorted(set(chunks))
    for chunk, rows in by_chunk.items():
        assert {k: v.tolist() for k, v in rows.items()} == {
            k: table[k][table["chunk"] == chunk].tolist() for k in ("start_s", "end_s", "local", "speaker", "margin")
        }


def test_splitting_windows_by_chunk_takes_time_linear_in_windows() -> None:
    def seconds(chunks: int) -> float:
        table = {k: np.zeros(chunks * 200) for k in ("start_s", "end_s", "local", "speaker", "margin")}
        table["chunk"] = np.repeat(np.arange(chunks), 200)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            assert len(Windows.from_table(table).by_chunk) == chunks
            best = min(best, time.process_time() - start)
        return best

    assert seconds(4_000) < 8 * 2.5 * seconds(500)


def test_a_word_outside_all_windows_uses_its_speakers_nearest_window() -> None:
    assert windows([1, 0], [OTHER_MARGIN, OWN_MARGIN]).annotate(
        Word(2.8, 3.0, "hm", speaker=A)
    ).speaker_confidence == compute_confidence(OWN_MARGIN)
