"""Aligners in the settings: refused in one line where they can't run, and in no key where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.form import make_optional
from tasks.engines.spec import EngineSpec
from tasks.settings.load import load
from tasks.settings.schema import TranscriptionSettings
from tasks.weights.requirements import list_required


def read(*given: str) -> Any:
    return load({}, list(given), environment={}, folder=Path("/nowhere"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["aligner=mfa"], 'transcription.aligner = "mfa": there are fast, qwen3, ctc'),
        (["aligner=ctc"], "transcription.aligner_model = auto: a CTC model of transformers knows wav2vec2-base-960h"),
        (["aligner=ctc", "aligner_model=./none"], "alignment/ctc model none: there is no such file or folder"),
        (
            ["aligner=ctc", "aligner_model=qwen3-forced-aligner"],
            "transcription.aligner_model = qwen3-forced-aligner: this name is one of Qwen's",
        ),
    ],
)
def test_an_aligner_that_can_not_run_is_refused_in_one_line(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    settings = [part for each in given for part in ("--set", f"transcription.{each}")]
    done = CliRunner().invoke(app, ["run", str(tmp_path / "a.wav"), "--profile", "demo", *settings])
    assert done.exit_code == 2
    (line,) = (done.stderr + capfd.readouterr().err).strip().splitlines()
    assert line.startswith(told)


def test_an_aligner_whose_package_is_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    (tmp_path / "a.wav").write_bytes(b"RIFF")

    def find_obstacle(self: EngineSpec) -> str | None:
        return "its package is not installed" if self.name == "qwen3" else None

    arguments = ["run", str(tmp_path / "a.wav"), "--profile", "demo", "--set", "transcription.aligner=qwen3"]
    with patch.object(EngineSpec, "find_obstacle", find_obstacle):
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert capfd.readouterr().err.strip() == "transcription.aligner = qwen3: its package is not installed"


def test_weights_of_an_aligner_are_needed_where_one_is_set() -> None:
    assert not [kind for kind, _ in list_required(read(), "cpu") if kind.startswith("alignment")]
    assert ("alignment/qwen3", "Qwen/Qwen3-ForcedAligner-0.6B-hf") in list_required(
        read("transcription.aligner=qwen3"), "cpu"
    )
    assert ("alignment/ctc", "./mine") in list_required(
        read("transcription.aligner=ctc", "transcription.aligner_model=./mine"), "cpu"
    )


def test_the_form_offers_the_aligners() -> None:
    field = make_optional(TranscriptionSettings, "Aligning", "transcription.").model_json_schema()["properties"][
        "aligner"
    ]
    assert field["enum"] == ["fast", "qwen3", "ctc"]


def test_without_an_aligner_keys_and_digests_do_not_name_any() -> None:
    plain = read()
    assert plain.digest() == read("transcription.aligner=fast", "transcription.aligner_model=./mine").digest()
    assert not {"aligner", "aligner_model"} & (plain.result_facts()["transcription"].keys())
    assert not {"aligner", "aligner_model"} & plain.transcription.identity().keys()
    aligned = read("transcription.aligner=qwen3")
    assert aligned.digest() != plain.digest()
    assert aligned.transcription.identity()["aligner"] == "qwen3"
