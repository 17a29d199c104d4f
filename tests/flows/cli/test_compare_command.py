"""`daylong compare`: engines on the same chunks, what is told of each, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import CliRunner

from flows.cli.main import app
from tasks.engines.spec import WeightsFormat
from tasks.settings.home import sample
from tests.helpers.other_engines import install, register

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    # Prefect leaves sockets of its clients to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first twenty seconds."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = tmp_path_factory.mktemp("clip") / "<talk>.flac"
    soundfile.write(path, decode(sample(), Span(0.0, 20.0)), 16_000)
    return path


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[str]:
    """An engine of another distribution that always says the same."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "echo.txt").touch()
    with install(tmp_path / "packages"):
        yield f"echo:{tmp_path / 'model'}"


def compare(clip: Path, tmp_path: Path, engines: str, *more: str, status: int = 0) -> tuple[str, dict[str, Any]]:
    given = [str(clip), "--profile", "demo", "--out", str(tmp_path / "out"), "--json", str(tmp_path / "c.json")]
    place = ["--set", "models.run_in=process", "--set", f"cache.store={tmp_path / 'store'}"]
    done = CliRunner().invoke(app, ["compare", *given, *place, "--debug", "--engines", engines, *more])
    assert done.exit_code == status, done.output
    return done.stdout, json.loads((tmp_path / "c.json").read_text())[0]


def test_settings_of_an_engine_are_compared(clip: Path, tmp_path: Path, echo: str) -> None:
    reference = tmp_path / "any-name.stm"
    reference.write_text("any-name 1 ana 0.0 20.0 hello hello\n")
    engines = f"{echo}[times=2],{echo}[greeting=<b>]"
    shown, found = compare(clip, tmp_path, engines, "--reference", str(reference))
    lines = shown.splitlines()
    two, bye = found["runs"]
    assert (two["label"], two["engine"], two["device"], two["errors"]) == (f"{echo}[times=2]", "echo", "cpu", [])
    assert two["words"] == 2 * bye["words"] > 0
    assert found["agreement"][0] == [1, 0]
    assert [rates["unit"] for rates in found["rates"]] == ["word", "word"]
    assert 0 < len(found["places"]) <= 10
    assert [line[:15] for line in lines if line.startswith(("1 ", "2 "))][:2] == [
        "1 echo[times=2]",
        "2 echo[greeting",
    ]
    assert "Where they differ most" in lines
    folder = tmp_path / "out" / "comparisons"
    (page,), (words,) = folder.glob("*.html"), folder.glob("*.words.json")
    assert [run["label"] for run in json.loads(words.read_text())["runs"]] == [two["label"], bye["label"]]
    assert f"Page  {page}" in lines
    assert "&lt;talk&gt;.flac" in page.read_text()
    assert "<b>" not in page.read_text()

    again, cached = compare(clip, tmp_path, engines)
    assert [run["cached"] for run in cached["runs"]] == [1, 1]
    assert [run["work_s"] for run in cached["runs"]] == [run["work_s"] for run in found["runs"]]
    assert [place["texts"] for place in cached["places"]] == [place["texts"] for place in found["places"]]
    assert "cached" in again


def test_an_engine_that_fails_does_not_fail_the_others(clip: Path, tmp_path: Path, echo: str) -> None:
    weights = (
        WeightsFormat(kind="transcription/other", setting="transcription.model", maker="x", suffixes=(".txt",)),
    )
    model = next(tmp_path.glob("model/*.txt"))
    with register(weights=weights):
        shown, found = compare(clip, tmp_path, f"other:{model},{echo}", status=1)
    other, works = found["runs"]
    assert len(other["errors"]) == 1
    assert "transcription/other can't be loaded" in other["errors"][0]
    assert (other["words"], other["steps"]) == (0, 0)
    assert works["words"] > 0
    assert works["errors"] == []
    assert "1 other" in shown


@pytest.mark.slow
def test_precisions_and_another_engine_are_compared(clip: Path, tmp_path: Path, echo: str) -> None:
    engines = f"faster-whisper,faster-whisper[compute_type=int8,beam_size=1],{echo}"
    _, found = compare(clip, tmp_path, engines)
    first, second, third = found["runs"]
    assert first["words"] > 10
    assert all(run["work_s"] > 0 and not run["errors"] and not run["cached"] for run in (first, second, third))
    assert first["load_s"] > 0
    assert found["agreement"][0][1] == found["agreement"][1][0] > found["agreement"][0][2]
    assert all(len(place["texts"]) == 3 for place in found["places"])

    _, anew = compare(clip, tmp_path, f"faster-whisper,{echo}", "--fresh")
    assert [run["cached"] for run in anew["runs"]] == [0, 0]
    assert anew["runs"][0]["words"] == first["words"]
    assert anew["runs"][0]["work_s"] != first["work_s"]


@pytest.mark.parametrize(
    ("engines", "told"),
    [
        (
            "faster-whisper[beam=1]",
            "transcription.beam: there is no such setting; did you mean transcription.beam_size?",
        ),
        ("faster-whisper:nobodys", "transcription.model = nobodys: faster-whisper knows "),
        ("nobody", 'transcription.engine = "nobody": there are faster-whisper, '),
        ("onnx:/none", "transcription/onnx model /none: "),
        ("openai:x", "transcription.engine = openai: it sends the recording's sound to api.openai.com. Only"),
    ],
)
def test_what_can_not_run_is_told_in_one_line_each_before_any_work(
    engines: str, told: str, clip: Path, tmp_path: Path
) -> None:
    asked = ["compare", str(clip), "--profile", "demo", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*asked, "--engines", f"{engines},faster-whisper[beam_size=0]"])
    assert done.exit_code == 2
    one, other = done.stderr.strip().splitlines()
    assert one.startswith(f"{engines}: {told}")
    assert other.startswith("faster-whisper[beam_size=0]: transcription.beam_size = ")
    assert not (tmp_path / "out").exists()


def test_a_reference_of_another_recording_is_refused(clip: Path, tmp_path: Path) -> None:
    other = clip.with_name("other.flac")
    other.write_bytes(clip.read_bytes())
    reference = tmp_path / "third.stm"
    reference.write_text("third 1 ana 0.0 20.0 hello hello\n")
    given = ["compare", str(clip), str(other), "--profile", "demo", "--engines", "faster-whisper"]
    done = CliRunner().invoke(app, [*given, "--reference", str(reference)])
    assert done.exit_code == 2
    assert "has no recording called third; there: " in done.stderr
