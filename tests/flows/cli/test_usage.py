"""The command line: accepted and refused arguments, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from flows.cli.processing import process
from flows.cli.run import parse_num_speakers, parse_settings
from flows.cli.terminal import escape, make_terminal
from tasks.errors import UsageError

HEAVY = {
    "torch",
    "nemo",
    "prefect",
    "pandas",
    "pyarrow",
    "duckdb",
    "numpy",
    "faster_whisper",
    "transformers",
    "scipy",
    "av",
}


def daylong(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['daylong', '--help']\n"
        "from flows.cli.main import main\n"
        "try: main()\n"
        "finally: print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    loaded = set(eval(done.stderr))
    assert "typer" in loaded
    assert loaded & HEAVY == set()
    for command in ("demo", "run", "watch", "export", "query", "evaluate", "inbox"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("command", ["demo", "run", "watch", "export", "query", "evaluate", "inbox"])
def test_the_help_of_each_command_has_an_example(command: str) -> None:
    done = daylong(command, "--help")
    assert done.exit_code == 0
    assert f"daylong {command} " in done.output.split("xample")[1]


def test_version() -> None:
    from importlib.metadata import version

    assert daylong("--version").output == f"daylong {version('daylong')}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "Missing argument"),
        (["run", "a.wav", "--no-such"], "--no-such"),
        (["run", "a.wav", "--set", "beam"], "KEY=VALUE"),
        (["run", "a.wav", "--set", "transcription.beem_size=1"], "did you mean transcription.beam_size"),
        (["run", "a.wav", "--set", "transcription.beam_size=0"], "transcription.beam_size"),
        (["run", "a.wav", "--set", "runner=processes"], "not built yet"),
        (["run", "a.wav", "--set", "audio.recorded_at=yesterday"], "no time. Write it as 2026-03-01T09:15:00"),
        (["watch", "--set", "audio.recorded_at=2026-03-01T09:15:00"], "so would all recordings"),
        (["run", "a.wav", "--profile", "huge"], "profile"),
        (["run", "a.wav", "--language", "xx"], "no language that Whisper knows"),
        (["run", "a.wav", "--speakers", "many"], "--speakers many"),
        (["run", "a.wav", "--speakers", "6-2"], "min_speakers"),
        (["run", "a.wav", "--speakers", "0"], "num_speakers"),
        (["watch", "--set", "inbox.settle_seconds=-1"], "inbox.settle_seconds"),
        (["watch", "--set", "inbox.folder=/no/such/folder"], "no such folder"),
        (["inbox"], "status"),
        (["export", "x"], "--format"),
        (["export", "x", "--format", "odt"], "there are srt, vtt"),
        (["export", "x", "--format", "srt", "--out", "/no/such/folder"], "no such folder"),
        (["evaluate", "."], "--reference"),
        (["evaluate", "--reference", "a.rttm", "/no/such/folder"], "no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_refused_at_once(arguments: list[str], says: str) -> None:
    done = daylong(*arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_given_start_time_is_refused_for_two_recordings(tmp_path: Path) -> None:
    names = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for name in names:
        name.write_bytes(b"RIFF")
    with pytest.raises(UsageError, match="all 2 recordings begin at once"):
        process(map(str, names), {"audio": {"recorded_at": "2026-03-01T09:15:00"}}, make_terminal(False))


def test_language_that_the_weights_do_not_know_is_refused_before_any_recording(tmp_path: Path) -> None:
    name = tmp_path / "a.wav"
    name.write_bytes(b"RIFF")
    settings = {"profile": "demo", "transcription": {"language": "German"}}
    with pytest.raises(UsageError, match="language = de: demo:whisper knows English alone"):
        process([str(name)], settings, make_terminal(False))


def test_debug_shows_the_traceback() -> None:
    done = daylong("run", "a.wav", "--speakers", "many", "--debug")
    assert isinstance(done.exception, UsageError)


def test_only_given_settings_reach_the_flow() -> None:
    parameters = {
        "profile": None,
        "out": "/o",
        "transcription": {"language": None},
        "diarization": parse_num_speakers("2-4"),
    }
    assert parse_settings(parameters, ["punctuation.mode=never", "diarization.max_speakers=5"]) == {
        "out": "/o",
        "diarization": {"min_speakers": 2, "max_speakers": "5"},
        "punctuation": {"mode": "never"},
    }


@pytest.mark.parametrize("text", ["", "-", "2-", "-4", "2-3-4", "two", "3.5", "99999"])
def test_malformed_number_of_speakers_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write a number"):
        parse_num_speakers(text)


def test_control_characters_in_names_are_escaped() -> None:
    assert escape("a\x1b[2J\r\nb\u202e\udcff.wav") == "a\\x1b[2J\\r\\nb\\u202e\\udcff.wav"
    assert escape("Größe 日本.wav") == "Größe 日本.wav"


def test_missing_files_fail_without_starting_prefect(tmp_path: Path) -> None:
    """A process of its own: the command takes the descriptors of its process."""
    code = (
        "import sys; from flows.cli.main import main\n"
        f"sys.argv = ['daylong', 'run', {str(tmp_path / 'a')!r} + '\\n.wav', '--', '-b.wav']\n"
        "try: main()\n"
        "finally: assert 'prefect' not in sys.modules, 'started'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{tmp_path}/a\\n.wav: no such file or folder. Check the name.",
        "-b.wav: no such file or folder. Check the name.",
        "2 of 2 failed.",
    ]
