"""Files of other versions beside today's: written by hand in an older form, or in one that doesn't exist yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from flows.inbox import find_publication
from tasks.dataset.publish import publish
from tasks.dataset.read import find, read_transcript, recordings
from tasks.dataset.schema import SCHEMA_VERSION, TABLES, schemas
from tasks.dataset.versions import read_version, upgrade_table
from tasks.dataset.views import TYPES, ask, connect
from tasks.errors import UsageError
from tasks.exports import render
from tasks.records import WordTimes
from tests.helpers.sample_transcripts import make_meeting, make_recording_row, make_transcript

OLD, NEW = "meeting-0a1b2c3d", "today-99887766"
DAY = "recorded_date=2024-05-01"
LATER = {
    "segments": ["speaker_name", "voice_id"],
    "words": ["local_speaker", "speaker_confidence", "space_before", "language", "times"],
    "speakers": ["embedding", "embedding_model", "link_margin", "voice_id"],
    "chunks": ["separation_s", "separation_cached", "separation_wait_s", "separation_peak_mb", "error"],
    "recordings": ["language_confidence", "recorded_at_source"],
}
"""Columns that may be null, as if each had been added after the file was written."""


def rewritten(out: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = out / table / DAY / f"{OLD}.parquet"
    with pq.ParquetFile(path) as file:
        held = file.read()
    pq.write_table(change(held), path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Today's tables of one recording beside another's without the later columns; `words` in another tool's hand."""
    today = make_transcript(
        [(1.0, "SPEAKER_00", ["Hi."])], of=make_recording_row(NEW, source_name="today.flac", sha256="99" * 32)
    )
    for transcript in (make_meeting(), today):
        publish(transcript, tmp_path, exports={})
    for table, names in LATER.items():
        rewritten(tmp_path, table, lambda held, names=names: held.drop_columns(names))
    rewritten(
        tmp_path,
        "words",
        lambda held: held.append_column("mood", pa.array(["calm"] * len(held))).replace_schema_metadata(
            {"run_id": "run-1"}
        ),
    )
    return tmp_path


def daylong(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_columns_that_an_older_file_lacks_are_null(out: Path) -> None:
    transcript = read_transcript(out, OLD)
    assert [w.text for w in transcript.words] == [w.text for w in make_meeting().words]
    assert {(w.local_speaker, w.speaker_confidence) for w in transcript.words} == {(None, None)}
    assert all(w.space_before for w in transcript.words)
    assert {w.times for w in transcript.words} == {"engine"}
    assert {(s.embedding, s.link_margin) for s in transcript.speakers} == {((), None)}
    assert transcript.chunks[0].error is None
    assert set(transcript.chunks[0].costs) == {"transcription", "embedding"}
    assert transcript.run.language_confidence is None
    assert [r["language_confidence"] for r in recordings(out)] == [None, pytest.approx(0.98)]


def test_how_the_times_of_words_were_found_is_kept(tmp_path: Path) -> None:
    meeting = make_meeting()
    ways: list[WordTimes] = ["fast", "aligned", *["engine" for _ in meeting.words[2:]]]
    words = tuple(dataclasses.replace(w, times=way) for w, way in zip(meeting.words, ways, strict=True))
    publish(dataclasses.replace(meeting, words=words), tmp_path, exports={})
    assert [w.times for w in read_transcript(tmp_path, OLD).words] == ways


def test_an_older_recording_is_exported_and_its_subtitles_are_the_same(out: Path) -> None:
    text = daylong("export", OLD, "--format", "srt", "--out", out, "--to", "-").stdout
    assert text == render(make_meeting(), ["srt"])["transcript.srt"]
    for form in ("vtt", "txt", "json", "rttm", "ctm", "seglst", "report"):
        assert daylong("export", OLD, "--format", form, "--out", out).exit_code == 0


def test_the_views_have_todays_columns_whatever_the_files_have(out: Path) -> None:
    with connect(out) as db:
        for table, (_, columns) in TABLES.items():
            types = {name: kind.replace('"', "") for name, kind, *_ in db.execute(f"describe {table}").fetchall()}
            known = {c.name: TYPES[c.type] for c in columns} | {"recorded_date": "DATE"}
            assert list(types.items())[: len(known)] == list(known.items())
            assert list(types)[len(known) :] == (["mood"] if table == "words" else [])
        _, batches = ask(
            db, "select recording_id, count(local_speaker), count(mood), count(*) from words group by all"
        )
        counted = {tuple(row.values()) for batch in batches for row in batch.to_pylist()}
    assert counted == {(OLD, 0, 34, 34), (NEW, 1, 0, 1)}


def test_so_they_have_where_no_file_has_them(out: Path) -> None:
    for path in out.glob(f"*/{DAY}/{NEW}.parquet"):
        path.unlink()
    with connect(out) as db:
        _, batches = ask(db, "select distinct voice_id, embedding from speakers")
        assert [row for batch in batches for row in batch.to_pylist()] == [{"voice_id": None, "embedding": None}]


def test_a_column_of_another_width_is_read_in_todays(out: Path) -> None:
    def wide(held: pa.Table) -> pa.Table:
        place = held.column_names.index("confidence")
        return held.set_column(place, "confidence", held["confidence"].cast(pa.float64()))

    rewritten(out, "words", wide)
    with connect(out) as db:
        schema, _ = ask(db, "select confidence from words")
    assert schema.field("confidence").type == pa.float32()


def test_a_file_says_its_version_and_without_is_of_the_first(out: Path) -> None:
    schema = schemas()["words"]
    assert read_version(schema) == SCHEMA_VERSION
    assert read_version(schema.remove_metadata()) == read_version(schema.with_metadata({"schema_version": "²"})) == 1
    held = upgrade_table("words", schema.empty_table().drop_columns(["word_raw"]), "words")
    assert set(held.column_names) == set(schema.names)


@pytest.fixture
def later(out: Path) -> Path:
    """The older recording written again by a later version, which has another form for a column."""
    version = SCHEMA_VERSION + 2

    def change(held: pa.Table) -> pa.Table:
        if "schema_version" in held.column_names:
            place = held.column_names.index("schema_version")
            held = held.set_column(place, "schema_version", pa.array([version] * len(held), pa.int32()))
        return held.replace_schema_metadata({**(held.schema.metadata or {}), b"schema_version": str(version)})

    for table in TABLES:
        rewritten(out, table, change)
    return out


def test_later_tables_are_refused_in_one_line_that_says_what_to_do(later: Path) -> None:
    for arguments in (
        ["query", "select 1"],
        ["export", OLD, "--format", "srt"],
    ):
        done = daylong(*arguments, "--out", later)
        assert (done.exit_code, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert OLD in line
        assert f"tables of version {SCHEMA_VERSION + 2}; this one reads up to {SCHEMA_VERSION}" in line
        assert "update this one" in line


def test_a_later_recording_is_not_taken_for_one_that_is_still_to_be_processed(later: Path) -> None:
    """The folder-watch would process it again and replace what a later version wrote."""
    with pytest.raises(UsageError, match="written by a later Daylong"):
        find_publication(later, make_meeting().recording.sha256, None, "ff" * 32)


def test_a_later_table_beside_an_older_row_is_refused_too(out: Path) -> None:
    rewritten(out, "words", lambda held: held.replace_schema_metadata({"run_id": "run-1", "schema_version": "9"}))
    assert find(out, OLD)["schema_version"] == SCHEMA_VERSION
    with pytest.raises(UsageError, match="version 9"):
        read_transcript(out, OLD)


def test_a_damaged_file_is_named_and_one_just_gone_is_waited_for(out: Path) -> None:
    (out / "turns" / DAY / "bad-1.parquet").write_bytes(b"PAR1 not at all")
    done = daylong("query", "select 1", "--out", out)
    assert done.exit_code == 1
    assert "bad-1.parquet" in done.stderr
    assert "process its recording again" in done.stderr


def test_a_republished_recording_is_of_todays_version(later: Path) -> None:
    publish(dataclasses.replace(make_meeting("run-2")), later, exports={})
    assert {r["schema_version"] for r in recordings(later)} == {SCHEMA_VERSION}
    assert daylong("query", "select 1", "--out", later).exit_code == 0
