"""`daylong export` and `daylong evaluate` on published tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from flows.cli.main import app
from tasks.dataset.publish import publish
from tasks.evaluation import words
from tasks.exports import EXPORTS, render
from tests.helpers.sample_transcripts import make_meeting, make_recording_row, make_transcript

RTTM = """\
SPEAKER meeting 1 1.0 1.2 <NA> <NA> ana <NA> <NA>
SPEAKER meeting 1 2.0 1.6 <NA> <NA> ben <NA> <NA>
SPEAKER meeting 1 5.0 10.4 <NA> <NA> ana <NA> <NA>
"""
STM = """\
meeting 1 ana 1.0 2.2 <o> good morning everybody
meeting 1 ben 2.0 3.6 <o> don't worry 3.5 rock n roll
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for transcript in (
        make_meeting(),
        make_transcript(
            [(1.0, "SPEAKER_00", ["Hi."])], of=make_recording_row("other-99887766", source_name="other.flac")
        ),
    ):
        publish(transcript, tmp_path / "out", exports=render(transcript))
    return tmp_path / "out"


@pytest.fixture
def references(tmp_path: Path) -> list[str]:
    (tmp_path / "meeting.rttm").write_text(RTTM)
    (tmp_path / "meeting.stm").write_text(STM)
    return [str(tmp_path / "meeting.stm"), str(tmp_path / "meeting.rttm")]


def daylong(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_export_equals_the_file_of_the_run(out: Path) -> None:
    for form, export in EXPORTS.items():
        path = out / "exports" / "meeting-0a1b2c3d" / export.file_name
        before = path.read_bytes()
        path.unlink()
        done = daylong("export", "meeting", "--format", form, "--out", out)
        assert (done.exit_code, done.stdout) == (0, f"{path}\n")
        assert path.read_bytes() == before


def test_audio_option_sets_the_path_in_the_report(out: Path, tmp_path: Path) -> None:
    path = out / "exports" / "meeting-0a1b2c3d" / "report.html"
    before = path.read_bytes()
    assert daylong("export", "meeting", "--format", "report", "--out", out).exit_code == 0
    assert path.read_bytes() == before
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "meeting.flac").write_bytes(b"sound")
    for audio in (tmp_path / "moved" / "meeting.flac", tmp_path / "moved"):
        done = daylong("export", "meeting", "--format", "report", "--out", out, "--audio", audio)
        assert done.exit_code == 0
        assert '"src":"../../../moved/meeting.flac"' in path.read_text()
    done = daylong("export", "meeting", "--format", "report", "--out", out, "--audio", tmp_path / "nowhere.flac")
    assert (done.exit_code, "nowhere.flac: no such file" in done.stderr) == (2, True)


def test_embedded_audio_in_the_report(out: Path, tmp_path: Path) -> None:
    sound = tmp_path / "meeting.wav"
    soundfile.write(sound, np.zeros(8_000, np.float32), 8_000)
    to = tmp_path / "mail.html"
    with_it = ("--format", "report", "--out", out, "--to", to, "--embed-audio")
    done = daylong("export", "meeting", *with_it, "--audio", sound)
    assert (done.exit_code, '"src":"data:audio/ogg;base64,' in to.read_text()) == (0, True)
    done = daylong("export", "meeting", *with_it)
    assert (done.exit_code, "--embed-audio: goes with --format report and --audio" in done.stderr) == (2, True)
    sound.write_bytes(b"no sound")
    before = to.read_bytes()
    done = daylong("export", "meeting", *with_it, "--audio", sound)
    assert (done.exit_code, "meeting.wav" in done.stderr) == (1, True)
    assert to.read_bytes() == before


def test_report_of_a_missing_recording_is_unchanged(
    out: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.report_audio import rewrite_report

    path = out / "exports" / "meeting-0a1b2c3d" / "report.html"
    before = path.read_bytes()
    rewrite_report(out, "meeting-0a1b2c3d", tmp_path / "nowhere.flac")
    assert path.read_bytes() == before
    assert "does not know where the recording lies now" in caplog.text


def test_export_to_a_named_file_or_stdout(out: Path, tmp_path: Path) -> None:
    assert (
        daylong("export", "meeting-0a", "-f", "txt", "--out", out, "--to", tmp_path / "new" / "m.txt").exit_code == 0
    )
    text = (tmp_path / "new" / "m.txt").read_text()
    assert "SPEAKER_00: Good morning, everybody." in text
    assert daylong("export", "meeting-0a", "-f", "txt", "--out", out, "--to", "-").stdout == text
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["m.txt"]


def test_unknown_recording_is_refused(out: Path) -> None:
    done = daylong("export", "nobody", "--format", "srt", "--out", out)
    assert done.exit_code == 2
    assert "meeting-0a1b2c3d" in done.stderr


def test_scores_of_a_recording(out: Path, references: list[str], tmp_path: Path) -> None:
    """Found: the reference's turns, and 0.4 s more of an unknown voice: 0.4 of 13.2 s."""
    done = daylong("evaluate", "--reference", *references, out, "--json", tmp_path / "scores.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "meeting-0a1b2c3d against meeting" in done.stdout
    assert "No UEM: scored from 0 to 50.4 s" in done.stdout
    assert "of 2 in the reference" in done.stdout
    (score,) = json.loads((tmp_path / "scores.json").read_text())
    assert score["diarization"]["false_alarm"] == pytest.approx(0.4 / 13.2)
    assert score["diarization"]["missed"] == score["diarization"]["confusion"] == 0
    assert score["diarization"]["speakers_found"] == 2
    assert [(s["reference"], s["found"]) for s in score["speakers"]] == [("ana", "SPEAKER_00"), ("ben", "SPEAKER_01")]
    assert f"{100 * 0.4 / 13.2:.1f} %" in done.stdout


def test_uem_limits_the_scored_regions(out: Path, references: list[str], tmp_path: Path) -> None:
    pytest.importorskip("meeteval")
    uem = tmp_path / "m.uem"
    uem.write_text("meeting 1 0 3.6\n")
    done = daylong(
        "evaluate", "-r", references[0], "-r", references[1], "--uem", uem, out, "--json", tmp_path / "s.json"
    )
    (score,) = json.loads((tmp_path / "s.json").read_text())
    assert "No UEM" not in done.stdout
    assert score["diarization"]["der"] == 0
    assert (score["words"]["cpwer"], score["words"]["num_words"]) == (0, 9)


def test_exports_folder_scores_as_the_tables(out: Path, references: list[str], tmp_path: Path) -> None:
    scores = []
    for folder in (out, out / "exports" / "meeting-0a1b2c3d"):
        assert daylong("evaluate", "-r", *references, folder, "--json", tmp_path / "s.json").exit_code == 0
        scores += json.loads((tmp_path / "s.json").read_text())
    # Exports that scorers read have no confidences.
    sure = [{name: one.pop(name) for name in ("sure_words", "sure_speakers")} for one in scores]
    assert scores[0] == scores[1]
    assert sure[0]["sure_words"]["count"] > sure[0]["sure_speakers"]["count"] > 0
    assert set(sure[1].values()) == {None}


def test_without_meeteval_turns_and_the_stream_of_words_are_still_scored(
    out: Path, references: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "is_meeteval_installed", lambda: False)
    done = daylong("evaluate", "-r", *references, out)
    assert done.exit_code == 0
    assert "DER" in done.stdout
    assert "all speakers' words as one stream" in done.stdout
    assert "cpWER" not in done.stdout
    assert words.INSTALL in done.stderr


def test_reference_without_a_recording(out: Path, references: list[str], tmp_path: Path) -> None:
    strange = tmp_path / "strange.rttm"
    strange.write_text("SPEAKER strange 1 0 1 <NA> <NA> x <NA> <NA>\n")
    done = daylong("evaluate", "-r", strange, out)
    assert done.exit_code == 2
    assert "no recording called strange; there: meeting-0a1b2c3d, other-99887766" in done.stderr
    done = daylong("evaluate", "-r", strange, references[1], out)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no recording called strange; there: meeting-0a1b2c3d, other-99887766" in done.stderr


def test_uem_joins_by_any_spelling_and_is_refused_where_it_fits_nothing(
    out: Path, references: list[str], tmp_path: Path
) -> None:
    uem = tmp_path / "m.uem"
    for name in ("MEETING", "Meeting.WAV", "meeting-0a1b2c3d"):
        uem.write_text(f"{name} 1 0 3.6\n")
        for folder in (out, out / "exports" / "meeting-0a1b2c3d"):
            done = daylong("evaluate", "-r", *references, "--uem", uem, folder, "--json", tmp_path / "s.json")
            assert done.exit_code == 0
            (score,) = json.loads((tmp_path / "s.json").read_text())
            assert score["diarization"]["scored_s"] == pytest.approx(3.6)
    uem.write_text("meting 1 0 3.6\n")
    done = daylong("evaluate", "-r", *references, "--uem", uem, out)
    assert done.exit_code == 2
    for name in ("m.uem", "meting", "references name meeting", "meeting-0a1b2c3d"):
        assert name in " ".join(done.stderr.split())


def test_references_of_two_spellings_make_one_score(out: Path, references: list[str], tmp_path: Path) -> None:
    Path(references[1]).write_text(RTTM.replace("SPEAKER meeting", "SPEAKER Meeting.wav"))
    done = daylong("evaluate", "-r", *references, out, "--json", tmp_path / "s.json")
    assert done.exit_code == 0
    (score,) = json.loads((tmp_path / "s.json").read_text())
    assert score["diarization"]["reference_s"] == pytest.approx(13.2)
    assert score["words"]["num_words"] == 9


def test_a_name_of_several_recordings_is_refused_and_a_full_id_scores_one(
    references: list[str], tmp_path: Path
) -> None:
    ids = [f"meeting-{digest}" for digest in ("0000aaaa", "1111bbbb", "2222cccc")]
    for one in ids:
        transcript = make_transcript([(1.0, "SPEAKER_00", ["Hi."])], of=make_recording_row(one))
        publish(transcript, tmp_path / "out", exports={})
    done = daylong("evaluate", "-r", references[1], tmp_path / "out")
    assert done.exit_code == 2
    assert all(one in done.stderr for one in ids)
    Path(references[1]).write_text(RTTM.replace("SPEAKER meeting", f"SPEAKER {ids[1]}"))
    done = daylong("evaluate", "-r", references[1], tmp_path / "out", "--json", tmp_path / "s.json")
    assert done.exit_code == 0
    assert [score["recording_id"] for score in json.loads((tmp_path / "s.json").read_text())] == [ids[1]]


def test_regions_beyond_the_recording_score_nothing_and_say_so(
    out: Path, references: list[str], tmp_path: Path
) -> None:
    (tmp_path / "m.uem").write_text("meeting 1 100 160\n")
    done = daylong("evaluate", "-r", *references, "--uem", tmp_path / "m.uem", out, "--json", tmp_path / "s.json")
    assert done.exit_code == 0
    (score,) = json.loads((tmp_path / "s.json").read_text())
    for part in ("diarization", "worst", "words", "normalized", "sure_words", "sure_speakers"):
        assert score[part] is None
    assert "beyond the recording's end at 60.0 s: nothing is scored" in " ".join(done.stderr.split())
    assert "DER" not in done.stdout


def test_words_are_scored_as_written_and_normalised(out: Path, references: list[str], tmp_path: Path) -> None:
    Path(references[0]).write_text(STM.replace("3.5", "three point five percent").replace("don't", "do not"))
    arguments = ("evaluate", "-r", *references, "--json", tmp_path / "s.json")
    (tmp_path / "m.uem").write_text("meeting 1 0 3.6\n")
    shown = " ".join(daylong(*arguments, "--language", "English", "--uem", tmp_path / "m.uem", out).stdout.split())
    (score,) = json.loads((tmp_path / "s.json").read_text())
    assert score["words"]["wer"] > 0.3
    assert (score["language"], score["language_given"]) == ("en", True)
    normalized = score["normalized"]
    assert (normalized["wer"], normalized["cer"], normalized["numbers"]) == (0, None, "as digits")
    assert "WER 0.0 % normalised: Whisper English, numbers as digits; language en" in shown
    daylong(*arguments, "--language", "de", out)
    (score,) = json.loads((tmp_path / "s.json").read_text())
    assert score["normalized"]["wer"] > 0.3
    assert score["normalized"]["numbers"] == "as written"
    refused = daylong(*arguments, "--language", "klingonisch", out)
    assert (refused.exit_code, "--language klingonisch" in refused.stderr) == (2, True)


def test_a_folder_without_recordings(references: list[str], tmp_path: Path) -> None:
    done = daylong("evaluate", "-r", *references, tmp_path)
    assert done.exit_code == 2
    assert "no recordings at all" in done.stderr
