"""`daylong speakers`, as it is typed: on recordings that were published as a run does it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.speakers.corrections import enter_corrections, make_enrolment
from flows.speakers.published import make_match_rule
from tasks.errors import UsageError
from tasks.settings.schema import Settings
from tasks.voices.records import order_pair
from tasks.voices.store import open_registry, read_current_registry
from tests.helpers.sample_voices import (
    RULE,
    find_in_files,
    make_recording,
    publish_with_names,
    read_columns,
    write_noise,
)

MON, TUE = "mon-0a1b2c3d", "tue-0a1b2c3d"


@pytest.fixture
def week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ada and Bea on Monday, Bea and Cyd on Tuesday; the folder of results."""
    home = tmp_path / "home"
    monkeypatch.setenv("DAYLONG_HOME", str(home))
    out, store = home / "data" / "transcripts", home / "data" / "voices"
    out.mkdir(parents=True)
    sound = write_noise(tmp_path / "sound.wav")
    publish_with_names(make_recording("mon", ["Ada", "Bea"], sound=sound), out, store)
    publish_with_names(make_recording("tue", ["Bea", "Cyd"], "run-2", day=1, sound=sound), out, store)
    return out


def run_speakers(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["speakers", *words])
    assert result.exit_code == status, result.output
    return result.output


def read_names(out: Path, recording_id: str) -> dict:
    return dict(read_columns(out, "speakers", recording_id, "speaker", "speaker_name"))


def test_empty_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    assert "No voice is known yet" in run_speakers("list")
    assert "Nothing to review" in run_speakers("review")
    assert "Nothing was corrected yet" in run_speakers("log")


def test_list_has_number_of_recordings_and_clip(week):
    text = run_speakers("list")
    (bea,) = [line for line in text.splitlines() if re.match(r"v\w{8} +2 ", line)]
    clip = bea.split()[-1]
    assert (week.parent / "voices" / "clips" / clip).read_bytes().startswith(b"OggS")
    assert text.count(".ogg") == 3


def test_new_name_is_in_all_files_and_kept_by_later_runs(week, tmp_path):
    text = run_speakers("rename", f"{MON}/SPEAKER_01", "Bea Öz")
    assert "2 recordings written again" in text
    assert read_names(week, MON) == {"SPEAKER_00": None, "SPEAKER_01": "Bea Öz"}
    assert read_names(week, TUE) == {"SPEAKER_00": "Bea Öz", "SPEAKER_01": None}
    exports = week / "exports" / MON
    assert "Bea Öz: So it is" in (exports / "transcript.srt").read_text()
    assert "Bea_Öz" in (exports / "transcript.rttm").read_text()
    assert "Bea Öz" in (exports / "report.html").read_text()
    assert "sound.wav" in (exports / "report.html").read_text()  # and it still knows where the recording is
    again = make_recording(
        "tue", ["Bea", "Cyd"], "run-3", day=1, shift=1, models="other", sound=tmp_path / "sound.wav"
    )
    publish_with_names(again, week, week.parent / "voices")
    assert read_names(week, TUE) == {"SPEAKER_01": "Bea Öz", "SPEAKER_00": None}
    publish_with_names(
        make_recording("wed", ["Bea"], "run-4", day=2, models="other", sound=tmp_path / "sound.wav"),
        week,
        week.parent / "voices",
    )
    assert read_names(week, "wed-0a1b2c3d") == {"SPEAKER_00": "Bea Öz"}


def test_corrections_are_logged_and_undone(week):
    run_speakers("rename", f"{MON}/SPEAKER_01", "Bea")
    run_speakers("rename", f"{MON}/SPEAKER_00", "Ada")
    assert re.search(r"1  .*rename v\w+ to Bea\n +2  .*rename v\w+ to Ada", run_speakers("log"))
    assert "undone: rename" in run_speakers("undo")
    assert read_names(week, MON) == {"SPEAKER_00": None, "SPEAKER_01": "Bea"}
    assert "(undone)" in run_speakers("log")
    run_speakers("undo", "1")
    assert read_names(week, TUE) == {"SPEAKER_00": None, "SPEAKER_01": None}
    assert "no correction to undo" in run_speakers("undo", status=2)


def test_voices_are_merged_and_split(week):
    run_speakers("rename", f"{MON}/SPEAKER_00", "Ada")
    run_speakers("merge", "Ada", f"{TUE}/SPEAKER_01")
    assert read_names(week, TUE)["SPEAKER_01"] == "Ada"
    run_speakers("split", "Ada", TUE, "--name", "Cyd")
    assert read_names(week, TUE)["SPEAKER_01"] == "Cyd"
    assert read_names(week, MON)["SPEAKER_00"] == "Ada"
    assert "heard nowhere else" in run_speakers("split", "Cyd", TUE, status=2)
    assert "is the name of another voice" in run_speakers("rename", "Cyd", "ada", status=2)


def test_corrections_of_a_report_are_applied_all_or_none(week, tmp_path):
    voices = dict(read_columns(week, "speakers", MON, "speaker", "voice_id"))
    file = tmp_path / "mon.corrections.json"
    rows = [
        {"speaker": "SPEAKER_00", "voice_id": voices["SPEAKER_00"], "was": None, "name": "Ada"},
        {"speaker": "SPEAKER_01", "voice_id": voices["SPEAKER_01"], "was": None, "name": "Bea"},
    ]
    held = {"daylong": "corrections", "version": 1, "recording_id": MON, "source_name": "mon.flac", "speakers": rows}
    file.write_text(
        json.dumps({**held, "speakers": [*rows, {"speaker": "SPEAKER_09", "voice_id": None, "name": "X"}]})
    )
    assert "knows no voice of its SPEAKER_09" in run_speakers("apply", str(file), status=2)
    assert read_names(week, MON) == {"SPEAKER_00": None, "SPEAKER_01": None}
    file.write_text(json.dumps(held))
    run_speakers("apply", str(file))
    assert read_names(week, MON) == {"SPEAKER_00": "Ada", "SPEAKER_01": "Bea"}
    assert read_names(week, TUE)["SPEAKER_00"] == "Bea"
    assert "That was so already" in run_speakers("apply", str(file))
    # In one recording somebody known was taken for somebody else.
    held["recording_id"], held["speakers"] = (
        TUE,
        [{"speaker": "SPEAKER_00", "voice_id": None, "was": "Bea", "name": "Ada"}],
    )
    file.write_text(json.dumps(held))
    run_speakers("apply", str(file))
    assert read_names(week, TUE)["SPEAKER_00"] == "Ada"
    assert read_names(week, MON) == {"SPEAKER_00": "Ada", "SPEAKER_01": "Bea"}


def make_corrections(recording: str, *rows: dict) -> str:
    return json.dumps({"daylong": "corrections", "version": 1, "recording_id": recording, "speakers": rows})


def test_other_name_in_a_report_splits_the_voice(week, tmp_path):
    run_speakers("rename", f"{MON}/SPEAKER_01", "Bea")
    file = tmp_path / "tue.json"
    file.write_text(make_corrections(TUE, {"speaker": "SPEAKER_00", "voice_id": None, "was": "Bea", "name": "Clara"}))
    run_speakers("apply", str(file))
    assert read_names(week, TUE)["SPEAKER_00"] == "Clara"
    assert read_names(week, MON)["SPEAKER_01"] == "Bea"
    file.write_text(make_corrections(TUE, {"speaker": "SPEAKER_00", "voice_id": None, "was": "Clara", "name": None}))
    run_speakers("apply", str(file))
    assert read_names(week, TUE)["SPEAKER_00"] is None


def test_outdated_report_is_refused(week, tmp_path):
    voices = dict(read_columns(week, "speakers", MON, "speaker", "voice_id"))
    file = tmp_path / "old.json"
    wrong = {"speaker": "SPEAKER_00", "voice_id": voices["SPEAKER_01"], "was": None, "name": "Bea"}
    file.write_text(make_corrections(MON, wrong))
    assert "since this report was saved" in run_speakers("apply", str(file), status=2)
    assert read_names(week, MON) == {"SPEAKER_00": None, "SPEAKER_01": None}


@pytest.mark.parametrize(
    "row",
    [
        {"speaker": "SPEAKER_00", "voice_id": [], "name": "A"},
        {"speaker": "SPEAKER_00", "name": ["x"]},
        {"speaker": "SPEAKER_00", "name": True},
        {"speaker": 7, "name": "A"},
        {"speaker": "SPEAKER_00", "is": None},
        {"speaker": "SPEAKER_00"},
        "SPEAKER_00",
    ],
)
def test_malformed_row_is_refused(week, tmp_path, row):
    file = tmp_path / "odd.json"
    file.write_text(make_corrections(MON, row))
    assert "not a file of corrections" in run_speakers("apply", str(file), status=2)


def test_split_outlasts_a_run_without_voices(week, tmp_path):
    run_speakers("rename", f"{MON}/SPEAKER_01", "Bea")
    run_speakers("split", "Bea", TUE)
    store, sound = week.parent / "voices", tmp_path / "sound.wav"
    never = RULE.model_copy(update={"mode": "never"})
    publish_with_names(make_recording("tue", ["Bea", "Cyd"], "run-3", day=1, sound=sound), week, store, never)
    assert read_names(week, TUE) == {"SPEAKER_00": None, "SPEAKER_01": None}
    publish_with_names(make_recording("tue", ["Bea", "Cyd"], "run-4", day=1, sound=sound), week, store)
    assert read_names(week, TUE) == {"SPEAKER_00": None, "SPEAKER_01": None}  # it is not Bea, somebody said


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"daylong": "corrections", "version": 2}', "\x00", "[" * 100_000])
def test_malformed_corrections_file_is_refused(week, tmp_path, text):
    file = tmp_path / "odd.json"
    file.write_text(text)
    assert "not a file of corrections" in run_speakers("apply", str(file), status=2)
    assert "No such file" in run_speakers("apply", str(tmp_path / "none.json"), status=2)


def test_enrolled_voice_is_offered_and_accepted(week):
    registry = read_current_registry(week.parent / "voices")
    (ada,) = [h for h in registry.hearings.values() if h.recording_id == MON and h.speaker == "SPEAKER_00"]
    learned = ada._replace(hearing_id="file", out="", recording_id="ada-file", speaker="", by="enrolled", voice_id="")
    enter_corrections(week.parent / "voices", "enroll", make_enrolment(learned, "Ada", make_match_rule(Settings())))
    offer = run_speakers("review")
    assert re.search(rf"SPEAKER_00 +{MON} +Ada +1\.00", offer)
    assert "perhaps" in (week / "exports" / MON / "report.html").read_text()
    assert "1 may be somebody known" in run_speakers("list")
    assert "fits 0 offers" in run_speakers("review", "--yes", "zzz", status=2)
    run_speakers("review", "--yes", offer.splitlines()[1].split()[0])
    assert read_names(week, MON)["SPEAKER_00"] == "Ada"
    assert "Nothing to review" in run_speakers("review")


def test_file_enrolled_as_somebody_is_not_taken_from_them(week):
    store, rule = week.parent / "voices", make_match_rule(Settings())
    heard = next(iter(read_current_registry(store).hearings.values()))
    file = heard._replace(hearing_id="file", out="", source_name="ada.wav", speaker="", by="enrolled", voice_id="")
    enter_corrections(store, "enroll", make_enrolment(file, "Ada", rule))
    assert enter_corrections(store, "enroll", make_enrolment(file, "ada", rule)).faults == []  # the same again
    before = read_current_registry(store)
    with pytest.raises(UsageError, match=r"ada\.wav: this sound is enrolled already, as ada"):
        enter_corrections(store, "enroll", make_enrolment(file, "Berta", rule))
    assert read_current_registry(store).hearings.keys() == before.hearings.keys()
    (ada,) = [v.voice_id for v in before.voices.values() if v.name == "ada"]
    assert [h.hearing_id for h in before.of_voice(ada)] == ["file"]
    run_speakers("rename", ada, "")
    with pytest.raises(UsageError, match=f"as {ada}"):
        enter_corrections(store, "enroll", make_enrolment(file, "Berta", rule))
    run_speakers("rename", ada, "Berta")
    enter_corrections(store, "enroll", make_enrolment(file, "Berta", rule))


def test_possible_duplicates_are_separated_or_merged(week):
    store = week.parent / "voices"
    registry = read_current_registry(store)
    ada, cyd = (
        next(h.voice_id for h in registry.hearings.values() if (h.recording_id, h.speaker) == of)
        for of in ((MON, "SPEAKER_00"), (TUE, "SPEAKER_01"))
    )
    with open_registry(store, lambda out, recording: None) as handle:
        handle.commit(replace(registry, alike=frozenset({order_pair(ada, cyd)})))
    offer = re.search(r"^(v\w+\+v\w+) ", run_speakers("review"), re.M)[1]
    run_speakers("review", "--no", offer)
    assert "Nothing to review" in run_speakers("review")
    run_speakers("undo")
    with open_registry(store, lambda out, recording: None) as handle:
        handle.commit(replace(handle.registry, alike=frozenset({order_pair(ada, cyd)})))
    run_speakers("review", "--yes", offer)
    assert len(read_current_registry(store).voices) == 2


def test_forgotten_voice_is_in_no_file(week):
    run_speakers("rename", f"{MON}/SPEAKER_01", "Xanthippe")
    (voice,) = {v for n, v in read_columns(week, "speakers", MON, "speaker_name", "voice_id") if n}
    home = week.parents[1]
    assert len(find_in_files("Xanthippe", home)) > 10
    text = run_speakers("forget", "Xanthippe", "--yes")
    assert "Forgotten: 2 embeddings" in text
    assert "What they said stays" in text
    assert find_in_files("Xanthippe", home) == []
    assert find_in_files(voice, home) == []
    for recording, label in ((MON, "SPEAKER_01"), (TUE, "SPEAKER_00")):
        rows = {r[0]: r[1:] for r in read_columns(week, "speakers", recording, "speaker", "embedding", "voice_id")}
        assert rows.pop(label) == (None, None)
        assert all(embedding is not None for embedding, _ in rows.values())
    assert len(list((week.parent / "voices" / "clips").iterdir())) == 2
    assert "nobody" in run_speakers("forget", "nobody", "--yes", status=2)


def test_lost_registry_is_rebuilt_from_the_tables(week):
    run_speakers("rename", f"{MON}/SPEAKER_01", "Bea")
    before = read_current_registry(week.parent / "voices")
    for path in (week.parent / "voices").glob("*.parquet"):
        path.unlink()
    assert "2 recordings learned" in run_speakers("rebuild")
    after = read_current_registry(week.parent / "voices")
    assert after.voices == before.voices
    assert {(h.voice_id, h.recording_id) for h in after.hearings.values()} == {
        (h.voice_id, h.recording_id) for h in before.hearings.values()
    }
    assert "0 recordings learned" in run_speakers("rebuild")


def test_list_of_one_results_folder(week, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    publish_with_names(make_recording("fri", ["Dot"], sound=tmp_path / "sound.wav"), other, week.parent / "voices")
    assert len(re.findall(r"^v\w{8}", run_speakers("list", "--out", str(other)), re.M)) == 1
    assert len(re.findall(r"^v\w{8}", run_speakers("list"), re.M)) == 4
    run_speakers("rename", "SPEAKER_00", "Dot", "--out", str(other))
    assert read_names(other, "fri-0a1b2c3d") == {"SPEAKER_00": "Dot"}


def test_unmounted_results_are_republished_once_mounted(week, tmp_path):
    other, away = tmp_path / "disk", tmp_path / "unplugged"
    other.mkdir()
    publish_with_names(
        make_recording("fri", ["Bea"], day=2, sound=tmp_path / "sound.wav"), other, week.parent / "voices"
    )
    other.rename(away)
    assert "2 recordings written again" in run_speakers("rename", f"{MON}/SPEAKER_01", "Bea")
    assert read_names(away, "fri-0a1b2c3d") == {"SPEAKER_00": None}
    away.rename(other)
    assert "2 recordings written again" in run_speakers("rename", f"{MON}/SPEAKER_00", "Ada")
    assert read_names(other, "fri-0a1b2c3d") == {"SPEAKER_00": "Bea"}
    other.rename(away)
    run_speakers("forget", "Bea", "--yes")
    away.rename(other)
    run_speakers("rename", "Ada", "Ada B.")
    assert find_in_files("Bea", other) == []
