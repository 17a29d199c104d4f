"""What stands in the tables."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.dataset.rows import tables
from tasks.dataset.schema import EMBEDDING_SIZE
from tasks.records import Speaker
from tasks.word_forms import to_search_form
from tests.helpers.sample_transcripts import (
    make_meeting,
    make_recording_row,
    make_run,
    make_silence,
    make_transcript,
    make_without_diarization,
    transcripts,
)


def column(transcript, table, name):
    return tables(transcript)[table][name].to_pylist()


@pytest.mark.parametrize(
    ("shown", "searched"),
    [
        ("Hello,", "hello"),
        ("“Don’t!”", "don't"),
        ("'tis", "tis"),
        ("rock-n-roll…", "rock-n-roll"),
        ("well-", "well"),
        ("3.5%", "3.5"),
        ("1,000.", "1,000"),
        ("U.S.A.", "usa"),
        ("AT&T,", "at&t"),
        ("www.x.com.", "www.x.com"),
        ("ana@example.com", "ana@example.com"),
        ("$1,250", "1,250"),
        ("Qu'est-ce", "qu'est-ce"),
        ("c'est ?", "c'est"),
        ("heart –", "heart"),
        ("¿Qué?", "qué"),
        ("GROẞ", "groß"),
        ("cafe\u0301", "café"),
        ("می\u200cخواهم،", "می\u200cخواهم"),
        ("नमस्ते।", "नमस्ते"),
        ("東京。", "東京"),
        ("♪", ""),
        ("10–20,", "10-20"),
        ("heart—yes.", "heart-yes"),
        ("٣٫٥٪", "٣٫٥"),
        ("١٬٠٠٠", "١٬٠٠٠"),
        ("3×4", "3×4"),
        ("−5", "5"),
        ("col·lecció", "col·lecció"),
        ("བཀྲ་ཤིས་", "བཀྲ་ཤིས"),
        ("צה״ל", "צה״ל"),
    ],
)
def test_a_word_is_searched_in_lower_case_without_punctuation(shown, searched):
    assert to_search_form(shown) == searched


@given(st.text())
@example("A:\u0300")
def test_the_searched_form_of_the_searched_form_is_itself(text):
    raw = to_search_form(text)
    assert to_search_form(raw) == raw
    assert not any(c.isspace() for c in raw)


def test_points_in_time_are_the_start_of_the_recording_and_seconds_in_utc():
    assert column(make_meeting(), "words", "start_at")[0] == datetime(2024, 4, 30, 22, 30, 1, tzinfo=UTC)
    assert column(make_meeting(), "recordings", "recorded_at") == [datetime(2024, 4, 30, 22, 30, tzinfo=UTC)]


def test_points_in_time_are_null_where_the_start_of_the_recording_is_not_known():
    unknown = make_meeting(recorded_at=None, recorded_at_source=None)
    for table in ("segments", "words", "turns"):
        assert set(column(unknown, table, "start_at")) == {None}


@settings(max_examples=60, deadline=None)
@given(transcripts())
def test_rows_are_sorted_numbered_and_inside_the_recording(transcript):
    end = transcript.recording.duration_s
    held = tables(transcript)
    for name, index in (("segments", "segment_index"), ("words", "word_index"), ("turns", "turn_index")):
        rows = held[name].to_pylist()
        keys = [(r["start_s"], r["end_s"], r["speaker"] or "") for r in rows]
        assert keys == sorted(keys)
        assert [r[index] for r in rows] == list(range(len(rows)))
        assert all(0 <= r["start_s"] <= r["end_s"] <= end for r in rows)
    assert held["words"].num_rows == len(transcript.words)
    assert held["segments"].num_rows == len(transcript.segments)


@settings(max_examples=30, deadline=None)
@given(transcripts())
def test_a_word_stays_in_its_segment_when_segments_are_renumbered(transcript):
    before = sorted((s.text, w.text) for w in transcript.words for s in transcript.segments if s.index == w.segment)
    held = tables(transcript)
    texts = held["segments"]["text"].to_pylist()
    after = [(texts[r["segment_index"]], r["word"]) for r in held["words"].to_pylist()]
    assert len(after) == len(before)
    if not any("\ud800" in s + w for s, w in before):
        assert sorted(after) == before


def test_unknown_has_a_row_but_is_not_counted():
    assert column(make_meeting(), "speakers", "speaker") == ["SPEAKER_00", "SPEAKER_01", "UNKNOWN"]
    assert column(make_meeting(), "recordings", "num_speakers") == [2]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [(["en", "en"], ["en", "en", "en"]), (["en", "de"], ["en", "de", "de"]), (["en", None], ["en", "fr", "fr"])],
)
def test_a_segment_has_the_language_of_the_chunk_that_most_of_its_words_come_from(languages, expected):
    said = [(1.0, "A", ["Good", "morning."]), (29.0, "A", ["So,", "guten", "Morgen."]), (40.0, "A", ["Ja."])]
    transcript = make_transcript(said, by=make_run(language="fr"))
    words = [dataclasses.replace(w, chunk=int(w.start_s > 29.2)) for w in transcript.words]
    (chunk,) = transcript.chunks
    chunks = [dataclasses.replace(chunk, index=i, language=own) for i, own in enumerate(languages)]
    transcript = dataclasses.replace(transcript, words=tuple(words), chunks=tuple(chunks))
    assert column(transcript, "segments", "language") == expected
    assert column(transcript, "recordings", "language") == ["fr"]


def test_the_languages_of_words_and_segments_agree():
    said = [(1.0, "A", ["Guten", "Tag."]), (5.0, "B", ["Good", "day", "Adieu."]), (9.0, "A", ["Hm."])]
    transcript = make_transcript(said, by=make_run(language="es"))
    own = ["de", "de", "en", "en", "fr", None]
    words = [dataclasses.replace(w, language=code) for w, code in zip(transcript.words, own, strict=True)]
    transcript = dataclasses.replace(
        transcript, words=tuple(words), chunks=tuple(dataclasses.replace(c, language="en") for c in transcript.chunks)
    )
    assert column(transcript, "words", "language") == ["de", "de", "en", "en", "fr", "en"]
    assert column(transcript, "segments", "language") == ["de", "en", "en"]


def test_with_diarization_off_speakers_are_null_and_so_is_their_number():
    off = make_without_diarization()
    assert column(off, "words", "speaker") == [None] * 3
    assert column(off, "recordings", "num_speakers") == [None]
    assert tables(off)["speakers"].num_rows == 0


def test_of_silence_there_is_a_recording_with_nobody_in_it():
    held = tables(make_silence())
    assert {name: table.num_rows for name, table in held.items()} == {
        "recordings": 1, "segments": 0, "words": 0, "turns": 0, "speakers": 0, "chunks": 1
    }  # fmt: skip
    assert held["recordings"]["num_speakers"].to_pylist() == [0]


def test_embeddings_of_any_model_fill_one_size_and_keep_their_length():
    first, *_ = column(make_meeting(), "speakers", "embedding")
    assert len(first) == EMBEDDING_SIZE
    assert sum(x * x for x in first) == pytest.approx(1.0, abs=1e-6)


def test_an_embedding_too_long_for_the_tables_is_left_out_with_a_warning(caplog):
    huge = Speaker("SPEAKER_00", 1.0, 1, 1, 0.0, 1.0, embedding=(0.0,) * 512, embedding_model="huge")
    transcript = dataclasses.replace(make_meeting(), speakers=(huge,))
    assert column(transcript, "speakers", "embedding") == [None]
    assert "huge: embeddings of 512" in caplog.text


def test_a_confidence_that_is_no_number_is_null():
    transcript = make_meeting()
    word = dataclasses.replace(transcript.words[0], confidence=float("nan"))
    assert column(dataclasses.replace(transcript, words=(word,)), "words", "confidence") == [None]


def test_a_step_that_did_not_run_has_null_costs():
    (row,) = tables(make_meeting())["chunks"].to_pylist()
    assert row["transcription_s"] == 3.0
    assert row["embedding_cached"] is True
    assert [row[f"separation_{x}"] for x in ("s", "cached", "wait_s", "peak_mb")] == [None] * 4


def test_text_that_utf8_cannot_hold_is_marked_not_refused():
    transcript = make_transcript(
        [(0.0, None, ["\ud800x"])], of=make_recording_row(source_name="a\udcffb.wav"), by=make_run()
    )
    assert column(transcript, "words", "word") == ["�x"]
    assert column(transcript, "recordings", "source_name") == ["a�b.wav"]
