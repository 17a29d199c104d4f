"""Results on stdout, failures on stderr, without the output of libraries, child processes and exit hooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOISE = """
import atexit, logging, os, subprocess, sys, typer, warnings
from flows.cli.session import open_session
def noise(where):
    print("noise", where); print("noise", where, file=sys.stderr)
    os.write(1, b"noise of C\\n"); os.write(2, b"noise of C\\n")
    logging.getLogger("library").error("noise of a logger")
    warnings.warn("noise of a warning")
    subprocess.run([sys.executable, "-c", "print('noise of a child')"])
with open_session({debug}) as terminal:
    atexit.register(noise, "at exit")
    noise("within")
    terminal.say("a result — 1 × 2")
    terminal.fail("a failure")
    {body}
"""


def run(folder: Path, body: str = "pass", debug: bool = False) -> subprocess.CompletedProcess[str]:
    code = NOISE.format(debug=debug, body=body)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={"TMPDIR": str(folder), "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "utf-8"},
    )


def test_only_the_command_writes_to_the_terminal(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a result — 1 × 2\n", "a failure\n")
    assert list(tmp_path.iterdir()) == []


def test_log_can_be_kept(tmp_path: Path) -> None:
    done = run(tmp_path, "terminal.keep_log = True; raise typer.Exit(1)")
    assert "a failure\n" in done.stderr
    (log,) = tmp_path.iterdir()
    text = log.read_text()
    for source in ("within", "of C", "of a logger", "of a child", "at exit"):
        assert f"noise {source}" in text


def test_long_log_is_truncated(tmp_path: Path) -> None:
    body = (
        "import flows.cli.terminal as module; module.MAX_LOG_BYTES = 5\n"
        "    terminal.shorten_log(); os.write(1, b'said since\\n')\n"
        "    terminal.keep_log = True; raise typer.Exit(1)"
    )
    run(tmp_path, body)
    (log,) = tmp_path.iterdir()
    assert log.read_bytes().startswith(b"said since\n")


def test_unexpected_error_is_visible(tmp_path: Path) -> None:
    done = run(tmp_path, "1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_debug_shows_library_output(tmp_path: Path) -> None:
    done = run(tmp_path, debug=True)
    assert "noise within" in done.stdout
    assert "noise of a logger" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_own_warnings_are_printed_on_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, 'logging.getLogger("daylong.audio").warning("clocks of %s\\nare wrong", "a")')
    assert done.stderr == "a failure\nclocks of a\\nare wrong\n"


END = """
import sys
from rich.console import Console
from flows.cli.terminal import Terminal, make_console
screen = Terminal(make_console(sys.stdout), make_console(sys.stderr))
screen.note("chunk 1 of 1 done")
screen.say("a.wav: 12 words")
screen.say("Tables  /out")
screen.end_log("a.wav: 12 words")
"""


def test_a_log_of_its_own_ends_with_the_result_too(tmp_path: Path) -> None:
    command, environment = [sys.executable, "-c", END], {"PYTHONPATH": ":".join(sys.path)}
    apart = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert apart.stdout == "a.wav: 12 words\nTables  /out\n"
    assert apart.stderr == "chunk 1 of 1 done\na.wav: 12 words\n"
    together = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, env=environment
    )
    assert sorted(together.stdout.splitlines()) == ["Tables  /out", "a.wav: 12 words", "chunk 1 of 1 done"]
