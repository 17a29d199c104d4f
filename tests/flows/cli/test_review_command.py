"""`daylong review`, as it is typed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from tests.helpers.corrected_recording import LINE, RECORDING, CorrectedRecording


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CorrectedRecording]:
    with pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(tmp_path, patch)
        made.run("run-1")
        yield made


def call(place: CorrectedRecording, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["review", *words, "--out", str(place.out)])
    assert result.exit_code == status, result.output
    return result.output


def test_the_list_says_what_listening_buys_and_the_lines_in_order(place: CorrectedRecording) -> None:
    said = call(place, RECORDING, "--list").splitlines()
    assert re.fullmatch(
        r"These 4 spans, \d+ s, hold about \d+ % of the wrong words: WER from \d+\.\d to about \d+\.\d %", said[0]
    )
    assert [line.split("  ")[-1] for line in said[1:]] == [LINE] * 4
    few = call(place, RECORDING, "--list", "--minutes", "0.1").splitlines()
    assert len(few) == 2
    assert few[0].startswith("This 1 span, 6 s, holds about ")


def test_what_was_corrected_is_not_listed_again(place: CorrectedRecording) -> None:
    place.apply(place.edit(0, "It was."))
    said = call(place, RECORDING, "--list").splitlines()
    assert said[0].startswith("These 3 spans")
    assert not any("It was." in line for line in said)


def test_a_recording_that_is_not_there_is_named(place: CorrectedRecording) -> None:
    assert "has no recording 'tue'" in call(place, "tue", status=2)


@pytest.mark.slow
def test_ctrl_c_ends_it_with_what_was_entered_in_the_results(place: CorrectedRecording) -> None:
    from tasks.corrections.facts import write_row

    command = [sys.executable, "-c", "from flows.cli.main import main; main()", "review", RECORDING, "--no-open"]
    env = {**os.environ, "DAYLONG_HOME": str(place.home), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--out", str(place.out)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        assert running.stdout is not None
        try:
            line = next(line for line in running.stdout if "?token=" in line)
            address = line.split()[-1]
            with httpx.Client(follow_redirects=True, timeout=120) as client:
                assert client.get(address).status_code == 200
                body = {"edits": [write_row(place.edit(0, "It was."))], "instead_of": []}
                answer = client.post(address.partition("?")[0] + "corrections", json=body)
                assert answer.status_code == 200, answer.text
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(60) == 130, rest
        finally:
            running.kill()
    assert "Now " in rest
    assert "Traceback" not in rest
    assert place.read_texts()[0] == "It was."
