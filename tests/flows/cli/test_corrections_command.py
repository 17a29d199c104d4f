"""`daylong corrections`, as it is typed: on a recording that was published as a run does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from tasks.corrections.store import MACHINE, read_log
from tasks.dataset.read import read_transcript
from tasks.merging.replacements import parse_replacements
from tests.helpers.sample_voices import find_in_files, make_recording, publish_with_names, read_columns, write_noise

MON = "mon-0a1b2c3d"
SHA = "0a1b2c3d" * 8
ADA = {"label": "SPEAKER_00", "spans": [[0.0, 4.5], [10.0, 14.5]]}
BEA = {"label": "SPEAKER_01", "spans": [[5.0, 9.5], [15.0, 19.5]]}
SAID = "So it is, all day."


class Office:
    """A home with a recording of Ada and Bea."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.out, self.voices = self.home / "data" / "transcripts", self.home / "data" / "voices"
        self.store = self.home / "data" / "corrections"
        self.sound = write_noise(folder / "sound.wav")

    def run(self, run_id: str = "run-1", text: str = SAID, **options: Any) -> None:
        """A run that says `text` in the first line."""
        self.out.mkdir(parents=True, exist_ok=True)
        made = make_recording("mon", ["Ada", "Bea"], run_id, sound=self.sound, **options)
        publish_with_names(say_first(made, text), self.out, self.voices)

    def call(self, *words: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, ["corrections", *words])
        assert result.exit_code == status, result.output
        return result.output

    def save(self, *edits: dict[str, Any], name: str = "a.json", speakers: Sequence[Any] = (), **head: Any) -> str:
        file = {"daylong": "corrections", "version": 1, "recording_id": MON, "speakers": speakers, "edits": edits}
        path = self.folder / name
        path.write_text(json.dumps({**file, **head}), encoding="utf-8")
        return str(path)

    def read_lines(self) -> list[tuple[str | None, str]]:
        return [(s.speaker, s.text) for s in read_transcript(self.out, MON).segments]

    def read_export(self, name: str) -> str:
        return (self.out / "exports" / MON / name).read_text(encoding="utf-8")


def say_first(transcript: Any, text: str) -> Any:
    """The transcript whose first line has these words, which share its time."""
    from dataclasses import replace

    words = text.split()
    first = transcript.words[0]
    step = 4.5 / len(words)
    new = [replace(first, start_s=k * step, end_s=(k + 1) * step, text=w) for k, w in enumerate(words)]
    segment = replace(transcript.segments[0], text=text, num_words=len(words))
    return replace(transcript, words=(*new, *transcript.words[5:]), segments=(segment, *transcript.segments[1:]))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path)
    monkeypatch.setenv("DAYLONG_HOME", str(made.home))
    made.run()
    return made


def edit(now: str | None, start_s: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": start_s + 4.5, "was": SAID, "now": now, "was_speaker": ADA, **more}


def test_an_edit_is_in_tables_exports_and_report_and_stays_over_other_runs(office: Office) -> None:
    before = office.read_lines()
    shown = office.call("apply", office.save(edit("So it was, <b>all</b> day.")), "--by", "Ana")
    assert "00:00:00.000  “So it is, all day.” is “So it was, <b>all</b> day.”  (correction 1)" in shown
    assert "1 recording written again." in shown
    changed = ("SPEAKER_00", "So it was, <b>all</b> day.")
    assert office.read_lines() == [changed, *before[1:]]
    words = read_columns(office.out, "words", MON, "word", "word_raw", "edited", "times")
    assert words[2] == ("was,", "was", True, "engine")
    assert words[1] == ("it", "it", False, "engine")
    assert "So it was," in office.read_export("transcript.srt")
    assert json.loads(office.read_export("transcript.json"))["segments"][0]["words"][2]["edited"] is True
    assert "was,\\n\\u003cb\\u003eall\\u003c/b\\u003e" in office.read_export("report.html")

    office.run("run-2")
    assert office.read_lines() == [changed, *before[1:]]
    assert office.call("conflicts") == "No conflicts.\n"
    office.run("run-3", "Show it iced, all day.", shift=1)
    assert office.read_lines()[0] == ("SPEAKER_01", changed[1])  # the label of that run
    found = office.call("conflicts")
    assert "1  mon-0a1b2c3d  00:00:00.000" in found
    assert "the machine says now: “Show it iced, all day.”" in found
    assert "Ana" in office.call("log")
    assert len(list((office.store / MACHINE).iterdir())) == 1


def test_undone_the_machine_speaks_again(office: Office) -> None:
    tables = [read_columns(office.out, t, MON, "start_s", "speaker") for t in ("words", "segments", "turns")]
    counts = read_columns(office.out, "speakers", MON, "speaker", "num_words", "turn_s", "first_s")
    office.call("apply", office.save(edit(""), edit(None, 5.0, was_speaker=BEA, speaker=ADA)))
    assert [t for _, t in office.read_lines()] == [SAID] * 3
    assert {s for s, _ in office.read_lines()} == {"SPEAKER_00", "SPEAKER_01"}
    assert "undone: 00:00:05.000" in office.call("undo")
    office.call("undo", "1")
    assert [read_columns(office.out, t, MON, "start_s", "speaker") for t in ("words", "segments", "turns")] == tables
    assert read_columns(office.out, "speakers", MON, "speaker", "num_words", "turn_s", "first_s") == counts
    assert "(undone)" in office.call("log")
    assert "no correction to undo" in office.call("undo", status=2)
    assert not list((office.store / MACHINE).iterdir())


def test_a_file_applied_twice_changes_nothing_and_restore_takes_back(office: Office) -> None:
    file = office.save(edit("So it was.", at="2026-01-02T03:04:05+00:00"))
    office.call("apply", file)
    assert office.call("apply", file) == "That was so already.\n"
    shown = office.call("apply", office.save({"action": "restore", "start_s": 1, "end_s": 2}, name="r.json"))
    assert "undone: 00:00:00.000" in shown
    assert office.read_lines()[0] == ("SPEAKER_00", SAID)
    assert "(correction 2)" in office.call("apply", file)


def test_facts_go_to_another_machine_before_its_recording_is_processed(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.call("apply", office.save(edit("So it was, all day.")), "--by", "Ana")
    carried = tmp_path / "carried.json"
    office.call("export", "mon", "--to", str(carried))
    assert json.loads(office.call("export")) == json.loads(carried.read_text(encoding="utf-8"))
    other = Office(tmp_path)
    other.home = tmp_path / "other"
    other.out, other.voices = other.home / "data" / "transcripts", other.home / "data" / "voices"
    monkeypatch.setenv("DAYLONG_HOME", str(other.home))
    other.out.mkdir(parents=True)
    assert "No results of the recording 0a1b2c3d… yet" in other.call("apply", str(carried))
    assert "Ana" in other.call("log")
    other.run()
    assert other.read_lines()[0] == ("SPEAKER_00", "So it was, all day.")


def test_names_in_the_same_file_are_given(office: Office) -> None:
    name = {"speaker": "SPEAKER_00", "voice_id": None, "name": "Ada Berg"}
    office.call("apply", office.save(edit("So it was."), speakers=[name]))
    assert office.read_lines()[0] == ("SPEAKER_00", "So it was.")
    assert dict(read_columns(office.out, "speakers", MON, "speaker", "speaker_name"))["SPEAKER_00"] == "Ada Berg"
    CliRunner().invoke(app, ["speakers", "undo"])
    assert dict(read_columns(office.out, "speakers", MON, "speaker", "speaker_name"))["SPEAKER_00"] is None
    assert office.read_lines()[0] == ("SPEAKER_00", "So it was.")


def test_what_was_mended_is_offered_as_replacements(office: Office, tmp_path: Path) -> None:
    assert "No word was mended yet." in office.call("stats")
    office.call("apply", office.save(edit("So it is, Alldis."), edit("So it is, Alldis.", 10.0), edit("No.", 5.0)))
    assert "# 2\nall day => Alldis" in office.call("stats")
    office.call("stats", "--least", "2", "--to", str(tmp_path / "r.txt"))
    (found,) = parse_replacements((tmp_path / "r.txt").read_text(encoding="utf-8"))
    assert (found.heard, found.meant) == ("all day", "Alldis")


def test_forgetting_a_person_takes_the_edits_along(office: Office) -> None:
    office.call(
        "apply", office.save(edit("Zanzibar it was."), edit("Bea it was.", 5.0, was_speaker=BEA)), "--by", "Ada B"
    )
    CliRunner().invoke(app, ["speakers", "rename", f"{MON}/SPEAKER_00", "Ada Berg"])
    done = CliRunner().invoke(app, ["speakers", "forget", "Ada Berg", "--yes"])
    assert done.exit_code == 0, done.output
    assert [t for _, t in office.read_lines()][:2] == [SAID, "Bea it was."]
    assert [f.now for f in read_log(office.store).facts] == ["Bea it was."]
    assert find_in_files("Zanzibar", office.home) == []


def test_forgetting_a_corrector_takes_what_they_entered(office: Office) -> None:
    CliRunner().invoke(app, ["speakers", "rename", f"{MON}/SPEAKER_00", "Ada Berg"])
    office.call("apply", office.save(edit("It was.", 5.0, was_speaker=BEA)), "--by", "ada berg")
    CliRunner().invoke(app, ["speakers", "forget", "Ada Berg", "--yes"])
    assert [t for _, t in office.read_lines()] == [SAID] * 4
    assert find_in_files("ada berg", office.home) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "not a file of corrections"),
        ('{"daylong": "corrections", "version": 2}', "not a file of corrections"),
        ('{"daylong": "corrections", "version": 1, "recording_id": "x", "edits": [{"start_s": 1}]}', "no recording"),
        ('{"daylong": "corrections", "version": 1, "edits": [{"sha256": 1, "start_s": 1}]}', "not a file"),
        ("[" * 100_000, "not a file of corrections"),
    ],
)
def test_other_files_are_refused_in_one_line(office: Office, text: str, why: str) -> None:
    path = office.folder / "other.json"
    path.write_text(text, encoding="utf-8")
    shown = office.call("apply", str(path), status=2)
    assert why in shown
    assert len(shown.splitlines()) <= 2
    assert not office.store.joinpath("corrections.json").exists()
