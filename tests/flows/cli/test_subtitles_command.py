"""`daylong subtitles check`, and `daylong export` by profile, mode and template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import srt
from typer.testing import CliRunner, Result

from flows.cli.main import app
from tasks.dataset.publish import publish
from tasks.exports import render
from tasks.exports.subtitles.read import read_cues
from tests.helpers.sample_transcripts import make_meeting


def daylong(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    publish(make_meeting(), tmp_path / "out", exports=render(make_meeting()))
    return tmp_path / "out"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:03,000\nWe went up the hill.\n\n"
        "2\n00:00:03,040 --> 00:00:04,040\nThe road was closed and it rained.\n"
    )
    return path


def test_check_names_cue_time_rule_and_figures_and_ends_with_1(film: Path) -> None:
    done = daylong("subtitles", "check", film, "--profile", "netflix")
    assert done.exit_code == 1
    first, second, verdict = done.stdout.splitlines()
    assert first.startswith(f"{film}: cue 1 (00:00:01,000): gap: 0.040 s to the next one, at least 0.084 s")
    assert second.startswith(f"{film}: cue 2 (00:00:03,040): speed: 34.0 characters a second, at most 20")
    assert verdict.startswith(f"{film}: netflix, English (en): 2 of 2 cues break a rule of netflix")


def test_check_as_json_and_with_other_values(film: Path) -> None:
    done = daylong("subtitles", "check", film, "--json", "--set", "subtitles.gap_frames=0")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["profile"], found["broken"]) == (1, "netflix", 1)
    (only,) = found["files"][0]["broken"]
    assert (only["cue"], only["start_s"], only["rule"]) == (2, 3.04, "speed")
    loose = ("--set", "subtitles.gap_frames=0", "--set", "subtitles.reading_cps=40")
    done = daylong("subtitles", "check", film, *loose)
    assert (done.exit_code, done.stdout) == (0, f"{film}: netflix, English (en): all 2 cues keep the rules.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.srt"], "nowhere.srt: no such file"),
        (["x.srt", "--profile", "itv"], "subtitles.profile"),
        (["x.srt", "--language", "tlh"], "--language tlh"),
        (["x.srt", "--set", "transcription.beam_size=1"], "only subtitles"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_2(arguments: list[str], message: str) -> None:
    done = daylong("subtitles", "check", *arguments)
    assert (done.exit_code, message in done.stderr) == (2, True)


def test_export_by_profile_keeps_its_rules_and_is_checked(out: Path, tmp_path: Path) -> None:
    to = tmp_path / "netflix.srt"
    assert (
        daylong("export", "meeting", "--out", out, "--format", "srt", "--profile", "netflix", "--to", to).exit_code
        == 0
    )
    assert "SPEAKER_00" not in to.read_text()
    assert daylong("subtitles", "check", to, "--profile", "netflix", "--language", "en").exit_code == 0
    accurate = to.read_bytes()
    both = ("--profile", "netflix", "--mode", "fast", "--set", "subtitles.speakers=label")
    assert daylong("export", "meeting", "--out", out, "--format", "srt", *both, "--to", to).exit_code == 0
    assert to.read_bytes() != accurate
    assert next(srt.parse(to.read_text())).content.startswith("SPEAKER_00: ")
    assert len(read_cues(to)) > 2


def test_export_by_a_template_of_ones_own(out: Path, tmp_path: Path) -> None:
    template = tmp_path / "lines.txt.j2"
    template.write_text("{% for s in segments %}{{ s.speaker }};{% endfor %}")
    done = daylong("export", "meeting", "--out", out, "--template", template)
    assert done.exit_code == 0
    written = out / "exports" / "meeting-0a1b2c3d" / "transcript.lines.txt"
    assert written.read_text() == "SPEAKER_00;SPEAKER_01;SPEAKER_00;UNKNOWN;"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of --format F and --template FILE"),
        (["--format", "txt", "--profile", "bbc"], "not with txt"),
        (["--format", "srt", "--mode", "slow"], "subtitles.mode"),
        (["--format", "srt", "--set", "subtitles.columns=2"], "subtitles.columns"),
        (["--template", "nowhere.j2"], "nowhere.j2: No such file"),
    ],
)
def test_wrong_options_are_refused_with_2(out: Path, arguments: list[str], message: str) -> None:
    done = daylong("export", "meeting", "--out", out, *arguments)
    assert (done.exit_code, message in done.stderr) == (2, True)
