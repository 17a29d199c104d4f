"""Cues stay until they have been read, where nothing else is shown, and none is a stub beside a full one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.exports.cue_timing import MAX_MS, MIN_MS, READING_CPS, Cue, time_cues
from tasks.exports.cues import LINE_COLUMNS, MAX_LINES, build_cues, count_columns
from tests.helpers.sample_transcripts import make_recording_row, make_transcript

TEXT = "He was a knight of the old order, who had seen more winters than he cared to count"
"""82 characters: two full lines."""


def cue(start_ms: int, end_ms: int, text: str, speaker: str | None = None) -> Cue:
    return Cue(start_ms, end_ms, speaker, (text,))


def test_a_fast_cue_stays_until_it_has_been_read() -> None:
    (only,) = time_cues([cue(0, 2000, "x" * 51)], 60_000)
    assert only.end_ms == 3000


def test_a_short_cue_lasts_833_ms() -> None:
    assert [c.end_ms for c in time_cues([cue(0, 200, "Yes.")], 60_000)] == [MIN_MS]


@pytest.mark.parametrize("speaker", [None, "B"])
def test_it_lasts_no_longer_than_to_anybodys_next_cue(speaker: str | None) -> None:
    first, _ = time_cues([cue(0, 2000, "x" * 51), cue(2400, 5000, "y", speaker)], 60_000)
    assert first.end_ms == 2400


def test_nor_beyond_the_recordings_end_or_into_a_gap() -> None:
    assert time_cues([cue(0, 2000, "x" * 51)], 2500)[0].end_ms == 2500
    assert time_cues([cue(0, 2000, "x" * 51)], 60_000, [2200])[0].end_ms == 2200


def test_a_slow_cue_is_left_alone_and_none_lasts_longer_than_7_s() -> None:
    assert time_cues([cue(0, 5000, "x" * 51)], 60_000)[0].end_ms == 5000
    assert time_cues([cue(0, 2000, "x" * 200)], 60_000)[0].end_ms == MAX_MS


def test_while_another_speaks_there_is_no_free_time() -> None:
    first, second = time_cues([cue(0, 2000, "x" * 51, "A"), cue(1500, 4000, "y", "B")], 60_000)
    assert (first.end_ms, second.end_ms) == (2000, 4000)


cues = st.builds(
    lambda start, length, speaker, size: cue(start, start + length, "x" * size, speaker),
    st.integers(0, 20_000),
    st.integers(0, 9_000),
    st.sampled_from([None, "A", "B"]),
    st.integers(1, 90),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(cues, max_size=8))
def test_every_cue_with_free_time_after_it_can_be_read(found: list[Cue]) -> None:
    timed = time_cues(found, 40_000)
    assert sorted(c.lines for c in timed) == sorted(c.lines for c in found)
    for one in timed:
        assert 0 < one.end_ms - one.start_ms <= MAX_MS
        others = [c for c in timed if c is not one]
        own = [c for c in others if c.speaker == one.speaker]
        assert not any(c.start_ms < one.end_ms and one.start_ms < c.end_ms for c in own)
        taken = any(c.start_ms <= one.end_ms < c.end_ms for c in others)
        shown = len(one.lines[0]) + (0 if one.speaker is None else len(one.speaker) + 2)
        wanted = min(max(MIN_MS, 1000 * shown / READING_CPS), MAX_MS)
        assert taken or one.end_ms == 40_000 or one.end_ms - one.start_ms >= wanted


def split(text: str, word_s: float = 0.25, speaker: str | None = None) -> list[Cue]:
    of = make_recording_row(duration_s=600.0)
    return build_cues(make_transcript([(0.0, speaker, text.split())], word_s=word_s, of=of))


def test_the_last_cue_of_a_segment_is_no_stub() -> None:
    for more in ("knight.", "at last.", "again and again."):
        found = split(f"{TEXT} {more}", speaker="SPEAKER_00")
        lengths = [len(" ".join(c.lines)) for c in found]
        assert " ".join(" ".join(c.lines) for c in found) == f"{TEXT} {more}"
        assert min(lengths) >= 25, [c.lines for c in found]


def test_a_short_segment_is_one_cue() -> None:
    assert [c.lines for c in split("Yes, he was a knight.")] == [("Yes, he was a knight.",)]


def test_cues_end_with_sentences_where_that_leaves_no_stub() -> None:
    found = split(
        "We met in the autumn of that year. It rained. Nobody had told us that the road was closed by then."
    )
    assert " ".join(found[0].lines).endswith("It rained.")


words = st.lists(st.sampled_from(["a", "so", "knight", "winters,", "order.", "extraordinarily", "and"]), min_size=1)


@settings(max_examples=60, deadline=None)
@given(words, st.sampled_from([0.12, 0.3, 0.9]), st.sampled_from([None, "SPEAKER_00"]))
def test_cues_cover_the_words_in_order_within_the_limits(said: list[str], word_s: float, speaker: str | None) -> None:
    found = split(" ".join(said), word_s, speaker)
    assert [w for c in found for line in c.lines for w in line.split()] == said
    for one in found:
        assert len(one.lines) <= MAX_LINES
        assert all(count_columns(line) <= LINE_COLUMNS for line in one.lines)
        assert one.end_ms - one.start_ms <= MAX_MS
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(found))
