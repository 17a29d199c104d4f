"""The registry of engines: what each says about itself, and engines of other distributions."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.engines import registry
from tasks.engines.pool import Pool
from tasks.engines.spec import Capabilities, EngineSettings, EngineSpec
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.settings.load import load, setting_names, settings_table
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.engines import engine
from tasks.transcription.step import transcribe_chunk
from tests.helpers.other_engines import ECHO, install, register

SPECS = [(step, name) for step, names in registry.BUILT_IN.items() for name in names]


def test_the_registry_and_its_specs_import_no_package_of_an_engine() -> None:
    code = (
        "import sys; from tasks.engines import registry\n"
        "specs = [s for step in registry.BUILT_IN for s in registry.list_specs(step)]\n"
        "print(sorted({p for s in specs for p in s.packages} & {m.partition('.')[0] for m in sys.modules}))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "False"], done.stdout


@pytest.mark.parametrize(("step", "name"), SPECS)
def test_a_spec_is_whole(step: str, name: str) -> None:
    spec = registry.find(step, name)  # type: ignore[arg-type]
    assert (spec.step, spec.name) == (step, name)
    assert spec.summary
    assert spec.provenance.endswith(".")
    assert bool(spec.install) == bool(spec.packages)
    for where in filter(None, (spec.check, spec.read_languages)):
        assert callable(registry.load_object(where))
    settings = TranscriptionSettings() if step == "transcription" else None
    assert step == "transcription" or not spec.settings.model_fields
    built = spec.build(settings, Path("/weights"), spec.choose_device("cuda"))
    assert callable(registry.load_object(built.loader))
    for weights in spec.weights:
        assert weights.kind.partition("/")[2] in ("", name)
        assert weights.setting in setting_names()


def test_a_setting_that_several_engines_have_means_the_same_to_all() -> None:
    for step in registry.BUILT_IN:
        seen: dict[str, object] = {}
        for spec in registry.list_specs(step):
            for key, field in spec.settings.model_fields.items():
                assert seen.setdefault(key, field.annotation) == field.annotation, (spec.name, key)


def test_short_names_of_faster_whisper_are_those_that_it_knows() -> None:
    from faster_whisper.utils import _MODELS as known

    assert dict(registry.find("transcription", "faster-whisper").weights[0].names) == dict(known)


def test_another_distribution_adds_an_engine_by_an_entry_point(tmp_path: Path) -> None:
    with install(tmp_path):
        assert registry.list_names("transcription")[-1] == "echo"
        chosen = load(
            {"profile": "light"},
            ["transcription.engine=echo", "transcription.greeting=good", "transcription.times=2"],
            environment={},
            folder=tmp_path,
        ).transcription
        pool, recogniser = Pool(), engine(chosen, Path("/weights"), "cpu")
        found = transcribe_chunk(
            np.zeros(48_000, np.float32),
            [Span(0.5, 2.5)],
            "en",
            chosen,
            lambda method, *args: pool.call(recogniser, method, *args).value,
        )
        assert [word.text for word in found.words] == ["good", "good"]
        assert "| `transcription.greeting` | `hello` | What is said. For echo. |" in settings_table()
    assert "echo" not in registry.list_names("transcription")
    with pytest.raises(UsageError, match=r"transcription\.engine = \"echo\": there are faster-whisper"):
        load({}, ["transcription.engine=echo"], environment={}, folder=tmp_path)


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        ("import no_such_module", "echo", "ModuleNotFoundError"),
        ("SPEC = 3", "echo", "is no EngineSpec"),
        (ECHO, "other-name", "with this name"),
    ],
    ids=["import", "type", "name"],
)
def test_an_entry_point_that_is_broken_costs_its_engine_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, name: str, why: str
) -> None:
    with install(tmp_path, code, name), caplog.at_level(logging.WARNING, "daylong.engines"):
        assert name not in [spec.name for spec in registry.list_specs("transcription")]
        assert why in caplog.text
        with pytest.raises(UsageError, match=why):
            registry.find("transcription", name)
        assert load({}, environment={}, folder=tmp_path).transcription.engine == "faster-whisper"


def test_another_distribution_adds_a_diarizer(tmp_path: Path) -> None:
    code = ECHO.replace('step="transcription"', 'step="diarization"')
    plain = code.replace("    settings=EchoSettings,\n", "")
    with install(tmp_path / "plain", plain, group="daylong.diarizers"):
        assert load({}, ["diarization.engine=echo"], environment={}, folder=tmp_path).diarization.engine == "echo"
    with (
        install(tmp_path / "own", code, group="daylong.diarizers"),
        pytest.raises(UsageError, match="only recognisers may have settings of their own"),
    ):
        registry.find("diarization", "echo")


def test_an_entry_point_does_not_replace_an_engine_of_ours(tmp_path: Path) -> None:
    with install(tmp_path, name="faster-whisper"):
        assert registry.find("transcription", "faster-whisper").packages == ("faster_whisper",)


def test_a_missing_package_is_told_with_the_command_that_installs_it() -> None:
    with register(packages=("json", "no_such_package", "no.such"), install="pip install it") as spec:
        assert spec.find_obstacle() == (
            "its package no_such_package, no.such is not installed. Install it with: pip install it"
        )
    with register(packages=("json",), install="pip install it") as spec:
        assert spec.find_obstacle() is None


def test_an_engine_of_another_system_is_told() -> None:
    with register(platforms=("beos",)) as spec:
        assert spec.find_obstacle() == f"runs on beos only, and this is {sys.platform}"


def test_an_engine_runs_where_it_can() -> None:
    with register(capabilities=Capabilities(devices=("cpu",))) as spec:
        assert spec.choose_device("cuda") == "cpu"


def test_own_settings_are_read_with_their_defaults() -> None:
    class Own(EngineSettings):
        speed: int = 3

    with register(settings=Own) as spec:
        assert spec.read_settings(TranscriptionSettings(engine="other")) == Own(speed=3)
        assert spec.read_settings(TranscriptionSettings(engine="other", speed="5")) == Own(speed=5)  # type: ignore[call-arg]
    assert isinstance(spec, EngineSpec)
