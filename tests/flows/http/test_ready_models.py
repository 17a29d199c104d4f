"""Which models the server offers: those of the chosen recogniser that are on this machine, whatever it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.http.work import check, list_ready
from tasks.engines.spec import WeightsFormat
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tests.helpers.other_engines import register


def format_of_other(**changes: Any) -> WeightsFormat:
    given: dict[str, Any] = {"kind": "transcription/other", "setting": "transcription.model", "maker": "other"}
    return WeightsFormat(**(given | changes))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))


def settings(*assignments: str) -> Settings:
    return load({"profile": "demo"}, assignments, environment={})


def test_bundled_weights_are_ready() -> None:
    assert {"demo", "demo:whisper"} <= set(list_ready(settings(), "cpu"))


def test_a_service_is_asked_for_the_model_that_is_set() -> None:
    with register(weights=(format_of_other(remote=True, defaults={"cpu": "big-1"}),)):
        assert list_ready(settings("transcription.engine=other"), "cpu")[-1] == "big-1"
        chosen = settings("transcription.engine=other", "transcription.model=big-2")
        assert list_ready(chosen, "cpu")[-1] == "big-2"


def test_paths_are_not_told() -> None:
    with register(weights=(format_of_other(from_hub=False),)):
        assert list_ready(settings("transcription.engine=other", "transcription.model=/a/model"), "cpu") == ["demo"]


def test_an_engine_that_can_not_run_is_refused_when_the_server_starts() -> None:
    parameters = {"profile": "demo", "transcription": {"engine": "other"}}
    with (
        register(packages=("no_such_package",), install="pip install it"),
        pytest.raises(UsageError, match="its package no_such_package is not installed"),
    ):
        check(lambda _: None, parameters=parameters)
