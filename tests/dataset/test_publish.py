"""Publication, as those who read the folder see it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.speakers.published import find_published_run
from tasks.canonical import find_recorded_date
from tasks.dataset.publish import check_file_name, check_places, publish, recover
from tasks.dataset.read import find, read_transcript, recordings
from tasks.dataset.schema import TABLES, schema_json
from tasks.errors import PermanentError, TransientError, UsageError
from tasks.exports import EXPORTS, render
from tasks.storage import journal
from tasks.storage.journal_plan import Plan
from tests.helpers.sample_transcripts import make_meeting, make_silence


def files(out):
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and ".journal" not in p.parts)


def publish_all(transcript, out):
    return publish(transcript, out, exports=render(transcript))


def test_a_recording_has_one_file_a_table_its_exports_and_the_schema(tmp_path):
    published = publish_all(make_meeting(), tmp_path)
    assert published.recorded_date == date(2024, 5, 1)
    assert files(tmp_path) == sorted(
        [f"{table}/recorded_date=2024-05-01/meeting-0a1b2c3d.parquet" for table in TABLES]
        + [f"exports/meeting-0a1b2c3d/{export.file_name}" for export in EXPORTS.values()]
        + ["schema.json"]
    )
    assert {
        p.relative_to(tmp_path).as_posix() for p in [*published.tables.values(), *published.exports.values()]
    } == {f for f in files(tmp_path) if f != "schema.json"}
    assert (tmp_path / "schema.json").read_text() == schema_json()


def test_nothing_left_aside_looks_like_a_table(tmp_path):
    publish_all(make_meeting(), tmp_path)
    assert [p.name for p in (tmp_path / ".journal").iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("recorded_at", "timezone", "day"),
    [
        ("2024-05-01T00:30:00+02:00", "Europe/Berlin", "2024-05-01"),
        ("2024-05-01T00:30:00+02:00", "UTC", "2024-04-30"),
        ("2024-04-30T22:30:00Z", "Asia/Tokyo", "2024-05-01"),
        ("2024-05-01T00:30:00", "America/New_York", "2024-05-01"),
        (None, "Europe/Berlin", "2024-05-02"),
    ],
)
def test_the_day_is_the_local_one_on_which_the_recording_starts(recorded_at, timezone, day):
    assert find_recorded_date(make_meeting(recorded_at=recorded_at, timezone=timezone)).isoformat() == day


def test_a_zone_or_a_time_that_does_not_exist_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match="Mars/Olympus"):
        publish_all(make_meeting(timezone="Mars/Olympus"), tmp_path)
    with pytest.raises(UsageError, match="yesterday"):
        publish_all(make_meeting(recorded_at="yesterday"), tmp_path)
    assert files(tmp_path) == []


def test_publishing_again_replaces(tmp_path):
    publish_all(make_meeting("run-1"), tmp_path)
    before = files(tmp_path)
    publish_all(make_meeting("run-2"), tmp_path)
    assert files(tmp_path) == before
    assert [r["run_id"] for r in recordings(tmp_path)] == ["run-2"]
    assert read_transcript(tmp_path, "meeting").run.run_id == "run-2"


def test_a_recording_whose_day_turns_out_to_be_another_leaves_the_first(tmp_path):
    publish_all(make_meeting("run-1", recorded_at=None), tmp_path)
    publish_all(make_meeting("run-2"), tmp_path)
    assert [r["recorded_date"] for r in recordings(tmp_path)] == ["2024-05-01"]
    assert not list(tmp_path.rglob("recorded_date=2024-05-02"))


def test_exports_that_are_no_longer_written_go_and_other_peoples_files_stay(tmp_path):
    transcript = make_meeting()
    publish(transcript, tmp_path, exports={**render(transcript), "timeline.png": b"of then"})
    notes = tmp_path / "exports" / "meeting-0a1b2c3d" / "notes.md"
    notes.write_text("mine")
    publish(transcript, tmp_path, exports=render(transcript, ["srt"]))
    assert sorted(p.name for p in notes.parent.iterdir()) == ["notes.md", "transcript.srt"]


def test_recordings_with_names_like_patterns_and_options_stay_apart(tmp_path):
    names = ["[a]-1", "a-1", "*-1", "-rf-1", "a.json", "a", "ü-1", "x" * 190, "%41-1", "a b-1", "a.aside"]
    for name in names:
        publish_all(make_meeting(recording_id=name), tmp_path)
    for name in names:
        publish_all(make_meeting("run-2", recording_id=name, recorded_at=None), tmp_path)
    assert sorted(r["recording_id"] for r in recordings(tmp_path)) == sorted(names)
    assert {r["recorded_date"] for r in recordings(tmp_path)} == {"2024-05-02"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a\\b", "a\x00b", "a\nb", ".hidden", "_x", "é" * 101]
)
def test_names_that_are_no_file_names_are_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(PermanentError, match="cannot be the name"):
        publish(make_meeting(recording_id=name), tmp_path / "out", exports={})
    with pytest.raises(PermanentError, match="cannot be the name"):
        publish(make_meeting(), tmp_path / "out", exports={name: "x"})
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(TransientError, match=r"out: the transcript of meeting\.flac could not be written"):
        publish_all(make_meeting(), tmp_path / "out")


def test_two_recordings_published_at_once_while_somebody_reads(tmp_path):
    failures = []

    def publish_often(name):
        try:
            for number in range(8):
                publish_all(make_meeting(f"run-{number}", recording_id=name), tmp_path)
        except Exception as err:
            failures.append(err)

    threads = [threading.Thread(target=publish_often, args=(name,)) for name in ("left-1", "right-1")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for row in recordings(tmp_path):
            try:
                seen = read_transcript(tmp_path, row["recording_id"])
            except (TransientError, UsageError):  # being replaced: said, and nothing mixed is handed out
                continue
            assert len(seen.words) == len(make_meeting().words)
    for thread in threads:
        thread.join()
    assert failures == []
    assert [(r["recording_id"], r["run_id"]) for r in recordings(tmp_path)] == [
        ("left-1", "run-7"),
        ("right-1", "run-7"),
    ]


def test_while_another_process_publishes_one_waits_and_at_last_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "LOCK_PATIENCE_S", 0.1)
    with journal.lock_journal(tmp_path), pytest.raises(TransientError, match="another process has been writing"):
        publish_all(make_meeting(), tmp_path)
    publish_all(make_meeting(), tmp_path)


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "LOCK_PATIENCE_S", 5)
    code = (
        "import os, pathlib, signal, sys; from tasks.storage import journal\n"
        "with journal.lock_journal(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    publish_all(make_meeting(), tmp_path)


def test_recovering_where_nothing_was_published_changes_nothing(tmp_path):
    assert recover(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_a_recording_is_found_by_the_beginning_of_its_id_or_its_source_name(tmp_path):
    publish_all(make_meeting(), tmp_path)
    publish_all(make_meeting(recording_id="meeting-ffffffff", source_name="other.flac"), tmp_path)
    assert find(tmp_path, "meeting-f")["recording_id"] == "meeting-ffffffff"
    assert find(tmp_path, "other.flac")["recording_id"] == "meeting-ffffffff"
    with pytest.raises(UsageError, match=r"fits 2 recordings.*meeting-0a1b2c3d, meeting-ffffffff"):
        find(tmp_path, "meeting")
    for name in ("nobody", ""):
        with pytest.raises(UsageError, match="has no recording"):
            find(tmp_path, name)


def test_a_file_that_is_no_table_is_named(tmp_path):
    published = publish_all(make_meeting(), tmp_path)
    published.tables["words"].write_bytes(b"PAR1 torn")
    with pytest.raises(PermanentError, match=r"words.*meeting-0a1b2c3d\.parquet: not a readable Parquet"):
        read_transcript(tmp_path, "meeting")


def test_tables_of_two_runs_are_never_read_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.dataset.read.PAUSE_S", 0)
    (tmp_path / "other").mkdir()
    published = publish_all(make_silence("run-1"), tmp_path)
    newer = publish_all(make_silence("run-2"), tmp_path / "other")
    published.tables["words"].write_bytes(newer.tables["words"].read_bytes())
    with pytest.raises(TransientError, match="being replaced"):
        read_transcript(tmp_path, "meeting")


def test_a_damaged_journal_is_told_and_put_away(tmp_path):
    publish_all(make_meeting(), tmp_path)
    (tmp_path / ".journal" / "x-1.json").write_text(json.dumps({"moves": 3}))
    (line,) = recover(tmp_path)
    assert "x-1: the journal of its publication is damaged" in line
    assert str(tmp_path / ".journal" / "x-1.json") in line
    assert recover(tmp_path) == []


def test_an_export_that_cannot_be_put_in_place_leaves_what_was_published(tmp_path):
    out, exports = tmp_path / "out", tmp_path / "out" / "exports" / "meeting-0a1b2c3d"
    publish_all(make_meeting("run-1"), out)
    (exports / "transcript.srt").unlink()
    (exports / "transcript.srt").mkdir()
    for _ in range(2):
        with pytest.raises(
            TransientError, match=r"transcript\.srt: a folder stands .*; move it away, then run it again"
        ):
            publish_all(make_meeting("run-2"), out)
        assert recover(out) == []
        assert read_transcript(out, "meeting").run.run_id == "run-1"
    (exports / "transcript.srt").rmdir()
    publish_all(make_meeting("run-2"), out)
    assert read_transcript(out, "meeting").run.run_id == "run-2"


def test_who_acts_on_a_recording_waits_for_what_is_unfinished_of_it(tmp_path):
    publish_all(make_meeting(), tmp_path)
    srt = tmp_path / "exports" / "meeting-0a1b2c3d" / "transcript.srt"
    aside = tmp_path / ".journal" / "meeting-0a1b2c3d.aside"
    aside.mkdir()
    srt.rename(aside / "0")
    srt.mkdir()
    moves = (("0", srt.relative_to(tmp_path).as_posix()),)
    aside.with_suffix(".json").write_bytes(Plan("meeting-0a1b2c3d", aside.name, moves, ()).text())
    (line,) = recover(tmp_path, "other-1")
    assert "could not be finished" in line
    with pytest.raises(TransientError, match=r"transcript\.srt: a folder stands .* then run it again"):
        find_published_run(str(tmp_path), "meeting-0a1b2c3d")
    srt.rmdir()
    assert find_published_run(str(tmp_path), "meeting-0a1b2c3d") == make_meeting().run.run_id
    assert srt.is_file()


def test_other_peoples_folders_and_odd_names_stay_where_old_exports_go(tmp_path):
    transcript = make_meeting()
    published = publish_all(transcript, tmp_path)
    folder = published.exports["transcript.srt"].parent
    (folder / "transcript.d").mkdir()
    (folder / "transcript.a\nb").write_text("mine")
    (tmp_path / "words" / "recorded_date=2020-01-01" / "meeting-0a1b2c3d.parquet").mkdir(parents=True)
    publish(transcript, tmp_path, exports=render(transcript, ["srt"]))
    assert sorted(p.name for p in folder.iterdir()) == ["transcript.a\nb", "transcript.d", "transcript.srt"]


def test_a_place_that_cannot_take_results_is_refused_before_any_work(tmp_path):
    out = tmp_path / "out"
    check_places(out)
    publish_all(make_meeting(), out)
    check_places(out)
    (out / "exports").rename(tmp_path / "exports")
    (out / "exports").symlink_to(tmp_path / "exports")
    with pytest.raises(
        UsageError, match=r"^out = .*out: results can't be put in place\. .*exports: a link that leads"
    ):
        check_places(out)
    (out / "exports").unlink()
    (out / "schema.json").unlink()
    (out / "schema.json").mkdir()
    with pytest.raises(UsageError, match=r"schema\.json: a folder stands where a file belongs"):
        check_places(out)
    with pytest.raises(TransientError, match=r"schema\.json: a folder stands where a file belongs"):
        publish_all(make_meeting(), out)


def is_refused(name):
    try:
        check_file_name(name)
    except PermanentError:
        return True
    return False


@given(name=st.text() | st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=30, max_size=300))
@example("meeting-0a1b2c3d")
@example("é" * 100)
@example("é" * 101)
@example("a/b")
@example("a\x00b")
@example(".hidden")
@example("")
def test_what_may_be_the_name_of_a_recording_may_be_planned_and_what_is_refused_is_no_name(name):
    """Refused are the empty name, a leading "." or "_", separators, control characters and more than 200 bytes."""
    odd = not name or name[0] in "._" or any(c in "/\\" or unicodedata.category(c) == "Cc" for c in name)
    assert is_refused(name) == (odd or len(name.encode()) > 200)
    if not is_refused(name):
        plan = Plan(name, f"{name}.{'0' * 12}.aside", (("0", f"words/{name}.parquet"),), (f"exports/{name}/{name}",))
        assert plan.recording_id == name
