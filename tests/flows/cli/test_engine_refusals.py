"""Engines that can't run here: one line each, exit status 2, before any work; and what is told of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.recording.preparation import check_engines
from tasks.engines.spec import Capabilities, WeightsFormat
from tasks.errors import UsageError
from tasks.settings.load import load
from tests.helpers.other_engines import register

CPU_ALONE = Capabilities(devices=("cpu",))
GPU_ALONE = Capabilities(devices=("cuda",))
SERVICE = Capabilities(remote=True)
LOCAL = WeightsFormat(
    kind="transcription/other",
    setting="transcription.model",
    maker="other",
    essential=("model.bin",),
    from_hub=False,
)


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    return str(path)


@pytest.mark.parametrize(
    ("spec", "given", "told"),
    [
        (
            {"packages": ("no_such_package",), "install": "pip install no-such-package"},
            [],
            "transcription.engine = other: its package no_such_package is not installed. "
            "Install it with: pip install no-such-package",
        ),
        ({"platforms": ("beos",)}, [], "transcription.engine = other: runs on beos only, and this is"),
        (
            {"capabilities": GPU_ALONE},
            ["--set", "device=cpu"],
            "device = cpu: other runs on cuda alone. Set device = auto, or another engine",
        ),
        (
            {"capabilities": SERVICE},
            [],
            "transcription.engine = other: it sends the recording's sound to another machine. "
            "Only transcription.allow_remote = true lets it",
        ),
        (
            {"weights": (LOCAL,)},
            [],
            "transcription.model = auto: other has no model of its own. Name a folder with one",
        ),
        (
            {"weights": (LOCAL,)},
            ["--set", "transcription.model=./none"],
            "transcription/other model none: there is no such file or folder. Check the name.",
        ),
        (
            {},
            ["--set", "transcription.model=large-v3"],
            "transcription.model = large-v3: this name is one of faster-whisper's, and means nothing to other. "
            "Set transcription.engine = faster-whisper, or name another model",
        ),
    ],
)
def test_an_engine_that_can_not_run_is_refused_in_one_line(
    recording: str, spec: dict[str, Any], given: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", recording, "--profile", "demo", "--set", "transcription.engine=other", *given]
    with register(**spec):
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith(told)


def test_a_gpu_that_an_engine_can_not_use_is_told() -> None:
    with register(capabilities=CPU_ALONE):
        settings = load({}, ["transcription.engine=other", "device=cuda"], environment={}, folder=Path("/nowhere"))
        with pytest.raises(UsageError, match="device = cuda: other runs on cpu alone"):
            check_engines(settings, "cuda")
        check_engines(load({}, ["transcription.engine=other"], environment={}, folder=Path("/nowhere")), "cuda")


def test_a_service_that_may_have_the_sound_is_not_refused() -> None:
    assignments = ["transcription.engine=other", "transcription.allow_remote=true"]
    with register(capabilities=SERVICE):
        check_engines(load({}, assignments, environment={}, folder=Path("/nowhere")), "cpu")


def test_the_engines_are_listed_with_what_they_lack() -> None:
    spec = {
        "packages": ("no_such_package",),
        "install": "pip install no-such-package",
        "capabilities": Capabilities(languages=("de", "en"), word_times="none", prompt=True, longest_s=300.0),
    }
    with register(**spec):
        lines = CliRunner().invoke(app, ["models", "list"]).output.splitlines()
    (other,) = [line for line in lines if line.startswith("transcription  other")]
    assert "its package no_such_package is not installed. Install it with: pip install no-such-package" in other
    assert "2 languages, no times of words, finds the language, prompt, 300 s at a time" in other
    (ours,) = [line for line in lines if line.startswith("transcription  faster-whisper")]
    assert "  ready  " in ours


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("large-v3-turbo", 0, "faster-whisper (transcription.model = large-v3-turbo): the repository mobiuslabs"),
        (
            "someone/whisper",
            0,
            "faster-whisper (transcription.model = someone/whisper): a repository of the hub, which",
        ),
        ("largev3", 2, "largev3: no engine knows this name; did you mean large-v3?"),
        ("/no/such", 2, "/no/such: there is no such file or folder."),
        (
            "a/b/c",
            2,
            "a/b/c: no engine knows this name. Name a repository of the hub (owner/name), a folder or a file",
        ),
    ],
)
def test_a_models_name_is_explained(name: str, status: int, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(app, ["models", "explain", name])
    assert done.exit_code == status
    assert (done.output + capfd.readouterr().err).startswith(told)
