"""The rows of the table `quality`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.intervals import Span, measure_union_s, merge_spans
from tasks.quality.ghosts import find_ghosts
from tasks.quality.hours import assess, assess_again
from tasks.quality.sound import TrackSound, compute_middles
from tasks.records import UNKNOWN, Speaker, Transcript, Turn
from tests.helpers.sample_transcripts import make_meeting, make_silence, make_without_diarization
from tests.helpers.synthetic_day import make_synthetic_day


def make_sound(transcript: Transcript, level: float = -30.0) -> list[TrackSound]:
    """A track in which speech has this level, all else −60 dBFS, and each tenth half second of speech is clipped."""
    speech = merge_spans(t.span for t in transcript.turns) or [Span(0.0, 20.0)]
    at_s = compute_middles(round(transcript.recording.duration_s * 2))
    loud = np.array([any(at in s for s in speech) for at in at_s], np.bool_)
    clipped = np.where(np.arange(len(at_s)) % 10 == 0, 0.5, 0.0)
    return [TrackSound(None, np.where(loud, level, -60.0), tuple(speech), at_s, clipped)]


@pytest.fixture(scope="module")
def day() -> Transcript:
    made = make_synthetic_day(3000, hours=2.5, speakers=4)
    return assess(made, make_sound(made))


def test_each_hour_has_a_row_and_one_for_each_speaker_in_it(day: Transcript) -> None:
    whole = [q for q in day.quality if q.speaker is None]
    assert [(q.hour, q.start_s, q.end_s) for q in whole] == [(0, 0, 3600), (1, 3600, 7200), (2, 7200, 9000)]
    for row in whole:
        spoken = {t.speaker for t in day.turns if t.span & Span(row.start_s, row.end_s)}
        assert {q.speaker for q in day.quality if q.hour == row.hour} - {None} == spoken
    assert day.quality == tuple(sorted(day.quality, key=lambda q: (q.hour, q.speaker or "")))


def test_rows_add_up(day: Transcript) -> None:
    whole = [q for q in day.quality if q.speaker is None]
    assert sum(q.num_words for q in whole) == len(day.words)
    assert sum(q.speech_s for q in whole) == pytest.approx(measure_union_s(t.span for t in day.turns), abs=0.01)
    for row in whole:
        own = [q for q in day.quality if q.hour == row.hour and q.speaker]
        assert sum(q.num_words for q in own) == row.num_words
        shares = [q.expected_wer for q in own if q.expected_wer is not None]
        assert row.expected_wer is not None
        assert min(shares) <= row.expected_wer <= max(shares)


def test_sound_is_that_of_the_speech(day: Transcript) -> None:
    for row in day.quality:
        assert row.noise_dbfs == -60
        assert row.speech_dbfs == -30
        assert row.clipped_share == pytest.approx(0.05, abs=0.03)


def test_doubtful_are_unknown_and_unsure_speakers(day: Transcript) -> None:
    unknown = [q for q in day.quality if q.speaker == UNKNOWN]
    assert unknown
    assert {q.doubtful_share for q in unknown} == {1.0}
    half = replace(day, words=tuple(replace(w, speaker_confidence=0.3 if k % 2 else 0.9)
                                    for k, w in enumerate(day.words)))  # fmt: skip
    assert all(q.doubtful_share == pytest.approx(0.5, abs=0.2) for q in assess_again(half).quality
               if q.speaker and q.speaker != UNKNOWN)  # fmt: skip


def test_speech_without_words_and_overlap_are_told(day: Transcript) -> None:
    first = day.turns[0]
    more = (Turn(first.start_s, first.end_s, "SPEAKER_77"), Turn(8900.0, 8940.0, "SPEAKER_77"))
    found = {(q.hour, q.speaker): q for q in assess_again(replace(day, turns=(*day.turns, *more))).quality}
    assert found[0, "SPEAKER_77"].overlap_share == 1.0
    assert found[2, "SPEAKER_77"].untranscribed_s == 40.0
    assert found[2, "SPEAKER_77"].speech_dbfs is None  # the run measured nothing of this speaker
    assert found[2, None].speech_dbfs == -30


def test_lines_that_people_corrected_have_no_errors(day: Transcript) -> None:
    right = replace(day, words=tuple(replace(w, edited=True) for w in day.words))
    assert {q.expected_wer for q in assess_again(right).quality} == {0.0}


def test_nothing_changes_where_nothing_was_corrected(day: Transcript) -> None:
    assert assess_again(day).quality == day.quality
    rounded = tuple(
        replace(w, confidence=None if w.confidence is None else float(np.float32(w.confidence))) for w in day.words
    )
    assert assess_again(replace(day, words=rounded)).quality == day.quality


@pytest.mark.parametrize("make", [make_meeting, make_silence, make_without_diarization])
def test_without_speech_or_speakers_there_are_rows_all_the_same(make: type[Transcript]) -> None:
    made = make()
    found = assess(made, make_sound(made))
    assert [q.hour for q in found.quality if q.speaker is None] == [0]
    assert assess_again(found).quality == found.quality
    if not made.turns:
        assert [(q.speech_s, q.num_ghosts, q.overlap_share) for q in found.quality] == [(20.0, None, None)]


def test_tables_of_before_stay_without_rows() -> None:
    assert assess_again(make_meeting()).quality == ()
    assert assess(make_meeting(), []).quality[0].noise_dbfs is None


def make_speaker(label: str, turn_s: float, *embedding: float) -> Speaker:
    return Speaker(label, turn_s, 1, 10, 0.0, turn_s, embedding=embedding, embedding_model="m")


def test_ghosts_talk_little_in_anothers_voice() -> None:
    long, ghost = make_speaker("A", 600, 1.0, 0.0), make_speaker("B", 12, 0.8, 0.6)
    own, as_long = make_speaker("C", 12, 0.0, 1.0), make_speaker("D", 45, 1.0, 0.0)
    nothing, unknown = make_speaker("E", 5), make_speaker(UNKNOWN, 5, 1.0, 0.0)
    assert find_ghosts([long, own, as_long, nothing, unknown]) == set()
    assert find_ghosts([long, ghost, as_long]) == {"B"}
    assert find_ghosts([ghost]) == set()
