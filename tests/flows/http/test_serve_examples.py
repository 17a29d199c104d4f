"""The examples of a systemd unit and a container file: their commands, settings and paths exist."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from tasks.settings.load import load
from tests.documentation import ROOT

UNIT, CONTAINER = ROOT / ".github" / "daylong-serve.service", ROOT / ".github" / "Containerfile"
INSTRUCTIONS = {
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "USER",
    "ENV",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "ENTRYPOINT",
    "CMD",
}


def read_instructions() -> list[tuple[str, str]]:
    lines = [line for line in CONTAINER.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def parses(arguments: list[str]) -> bool:
    """Whether the command takes these arguments: with --help it ends before it does anything."""
    return CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_the_unit_starts_a_command_that_there_is() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT, encoding="utf-8")
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/daylong")
    assert parses(arguments)
    home = service["Environment"].removeprefix("DAYLONG_HOME=")
    assert home == service["ReadWritePaths"]
    assert service["SuccessExitStatus"] == "143"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"))
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    found = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert UNIT.name not in found.stderr


def test_the_container_copies_what_there_is_and_starts_a_command() -> None:
    steps = read_instructions()
    assert steps[0][0] == "FROM"
    assert {name for name, _ in steps} <= INSTRUCTIONS
    for name, rest in steps:
        if name == "COPY":
            *sources, _ = rest.split()
            assert all((ROOT / source).exists() for source in sources), rest
    by_name = dict(steps)
    assert json.loads(by_name["ENTRYPOINT"]) == ["daylong"]
    assert parses(json.loads(by_name["CMD"]))


def test_the_container_asks_for_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = dict(pair.split("=", 1) for pair in shlex.split(dict(read_instructions())["ENV"]))
    serve = load({}, environment=variables, folder=tmp_path).serve
    assert (serve.host, serve.api_keys) == ("0.0.0.0", "api-keys")
    assert str(serve.port) == dict(read_instructions())["EXPOSE"]
