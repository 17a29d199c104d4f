"""The tables' schema is defined once: tables, schema.json and the README say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.dataset.rows import tables
from tasks.dataset.schema import data_dictionary, schema_json, schemas
from tasks.records import STEPS, HourQuality, Translation
from tests.helpers.sample_transcripts import make_meeting, make_silence, make_without_diarization

ROOT = Path(__file__).resolve().parents[2]

COLUMNS = {
    "recordings": "recording_id run_id status source_name sha256 size_bytes parts duration_s sample_rate_hz channels "
    "codec recorded_at recorded_at_source timezone language language_confidence num_speakers speech_s num_words "
    "num_segments num_chunks profile models settings settings_digest pipeline_version schema_version processed_at "
    "wall_s",
    "segments": "recording_id run_id segment_index start_s end_s start_at channel speaker speaker_name voice_id text "
    "language num_words confidence speaker_confidence has_overlap",
    "words": "recording_id run_id word_index segment_index start_s end_s start_at channel word word_raw speaker "
    "confidence speaker_confidence is_overlap chunk_index local_speaker space_before language times edited",
    "turns": "recording_id run_id turn_index start_s end_s start_at channel speaker is_overlap",
    "speakers": "recording_id run_id speaker speaker_name voice_id turn_s num_segments num_words first_s last_s "
    "link_margin embedding embedding_model "
    "voice_similarity maybe_voice_id maybe_name",
    "chunks": "recording_id run_id chunk_index start_s end_s core_start_s core_end_s status error speech_s language "
    "num_words seam_kept seam_dropped seam_redecoded_s loops_removed silence_text_removed "
    + " ".join(f"{step}_s {step}_cached {step}_wait_s {step}_peak_mb" for step in STEPS),
}


def test_the_tables_have_the_columns_that_analysts_were_promised():
    assert {table: " ".join(schema.names) for table, schema in schemas().items()} == COLUMNS


@pytest.mark.parametrize("make", [make_meeting, make_silence, make_without_diarization])
def test_what_is_written_has_the_schema_and_keeps_its_promise_of_no_nulls(make):
    for name, table in tables(make()).items():
        assert table.schema.equals(schemas()[name], check_metadata=False)
        table.validate(full=True)
        for field in table.schema:
            assert field.nullable or table[field.name].null_count == 0, (name, field.name)


def test_every_column_says_what_it_means_and_every_time_its_unit():
    for schema in schemas().values():
        assert schema.metadata[b"schema_version"] == b"1"
        for field in schema:
            assert field.metadata[b"description"].endswith(b".")
            if field.name.endswith("_s"):
                assert field.metadata[b"unit"] == b"s"
            if field.name.endswith("_at"):
                assert field.metadata[b"unit"] == b"UTC"


def test_translations_are_a_table_of_those_recordings_alone_that_have_some():
    talk = make_meeting()
    assert "translations" not in tables(talk)
    rows = (Translation(1, "fr", "Bon.", "partial", "openai/m"), Translation(0, "fr", "12", "original"))
    table = tables(replace(talk, translations=rows))["translations"]
    assert table.schema.names == ["recording_id", "run_id", "segment_index", "language", "text", "engine", "status"]
    assert table.select(["segment_index", "text", "engine"]).to_pylist() == [
        {"segment_index": 0, "text": "12", "engine": None},
        {"segment_index": 1, "text": "Bon.", "engine": "openai/m"},
    ]
    assert "translations" in json.loads(schema_json())["tables"]


def test_quality_is_a_table_of_recordings_that_were_assessed():
    talk = make_meeting()
    assert "quality" not in tables(talk)
    found = tables(replace(talk, quality=(HourQuality(0, 0.0, 60.0, None, speech_s=12.5),)))["quality"]
    assert " ".join(found.schema.names) == (
        "recording_id run_id hour_index start_s end_s start_at speaker speech_s num_words expected_wer "
        "doubtful_share noise_dbfs speech_dbfs clipped_share overlap_share untranscribed_s num_ghosts "
        "dead_from_s dead_until_s dead_dbfs"
    )
    (row,) = found.to_pylist()
    assert (row["hour_index"], row["speaker"], row["speech_s"], row["dead_from_s"]) == (0, None, 12.5, None)
    assert row["start_at"].isoformat() == "2024-04-30T22:30:00+00:00"


def test_schema_json_tells_each_column_with_type_and_unit():
    schema = json.loads(schema_json())
    assert schema["schema_version"] == 1
    start_at = schema["tables"]["words"]["columns"][6]
    assert start_at["name"] == "start_at"
    assert start_at["type"] == "timestamp[us, tz=UTC]"
    assert start_at["nullable"] is True


def test_the_readme_of_the_tables_holds_the_data_dictionary():
    readme = ROOT / "tasks" / "dataset" / "README.md"
    assert data_dictionary() in readme.read_text(encoding="utf-8"), "python -m tests.documentation writes it"


def test_importing_the_steps_does_not_load_arrow():
    code = (
        "import sys, tasks.dataset.publish, tasks.dataset.read, tasks.exports;"
        "print([m for m in ('pyarrow', 'numpy', 'pandas', 'webvtt') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
