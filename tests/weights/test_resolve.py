"""Resolving weights: local paths, complete downloads, and missing ones named in the error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import MissingWeights
from tasks.weights.resolve import check_available, resolve
from tests.helpers.model_hub_server import run_model_hub

WHISPER = {"config.json": b"{}", "model.bin": b"w" * 1000, "tokenizer.json": b"{}", "vocabulary.json": b"[]"}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_folder_is_taken_as_it_is_and_known_by_its_contents(tmp_path: Path) -> None:
    here, there = write(tmp_path / "a", WHISPER), write(tmp_path / "b", WHISPER)
    first, second = resolve("transcription", str(here)), resolve("transcription", str(there))
    assert first.path == here
    assert first.identity() == second.identity()
    (there / "README.md").write_text("hello")
    assert resolve("transcription", str(there)).identity() == first.identity()
    (there / "model.bin").write_bytes(b"other weights")
    assert resolve("transcription", str(there)).identity() != first.identity()


def test_a_relative_folder_is_looked_for_under_home_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "data" / "models" / "mine", WHISPER)
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    assert resolve("transcription", "data/models/mine").path == tmp_path / "data" / "models" / "mine"


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", {"config.json": b"{}"})
    with pytest.raises(MissingWeights, match=r"it has no model.bin, tokenizer.json, vocabulary"):
        resolve("transcription", str(tmp_path / "a"))
    with pytest.raises(MissingWeights, match="there is no such file or folder"):
        resolve("embedding", str(tmp_path / "voice.nemo"))


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    wants = [("transcription", "smal"), ("embedding", str(tmp_path / "voice.nemo"))]
    with pytest.raises(MissingWeights) as raised:
        check_available(wants)  # type: ignore[arg-type]
    first, second = str(raised.value).splitlines()
    assert first.startswith("transcription.model = smal: faster-whisper knows")
    assert "voice.nemo: there is no such file" in second


# huggingface_hub reads its environment once, when it is imported: each of these is a process of its own.


def python(code: str, tmp_path: Path, endpoint: str = "http://127.0.0.1:9", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from tasks.weights.resolve import *\n" + code],
        env={**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": endpoint, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


RESOLVE = """
try:
    found = resolve("transcription", "someone/whisper")
    print(found.identity(), sorted(p.name for p in found.path.iterdir()))
except MissingWeights as error:
    print("missing:", error)
"""


def test_a_repository_is_fetched_once_and_only_what_is_read(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", WHISPER | {"pytorch_model.bin": b"pickle", "README.md": b"x"})
    with run_model_hub(tmp_path / "hub") as endpoint:
        online = python(RESOLVE, tmp_path, endpoint)
    assert online.startswith("someone/whisper@")
    assert online.endswith("['config.json', 'model.bin', 'tokenizer.json', 'vocabulary.json']")
    assert python(RESOLVE, tmp_path, HF_HUB_OFFLINE="1") == online


def test_a_revision_that_somebody_asked_for_is_never_replaced(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", WHISPER)
    at = 'resolve("transcription", "someone/whisper'
    with run_model_hub(tmp_path / "hub") as endpoint:
        online = python(RESOLVE.replace(at, at + "@main"), tmp_path, endpoint)
        assert online.startswith("someone/whisper@")
        assert python(RESOLVE.replace(at, at + "@v2"), tmp_path, endpoint).startswith("missing:")
    assert python(RESOLVE.replace(at, at + "@main"), tmp_path, HF_HUB_OFFLINE="1") == online
    assert python(RESOLVE.replace(at, at + "@v2"), tmp_path, HF_HUB_OFFLINE="1").startswith("missing:")


def test_a_file_cut_short_in_the_cache_is_noticed_and_fetched_again(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", WHISPER)
    with run_model_hub(tmp_path / "hub") as endpoint:
        online = python(RESOLVE, tmp_path, endpoint)
        (blob,) = [p for p in (tmp_path / "cache").rglob("blobs/*") if p.stat().st_size == 1000]
        blob.write_bytes(b"w" * 400)
        assert python(RESOLVE, tmp_path, HF_HUB_OFFLINE="1").startswith("missing: ")
        assert python(RESOLVE, tmp_path, endpoint) == online
    assert blob.stat().st_size == 1000


def test_damage_of_the_same_length_is_found_by_reading(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", WHISPER)
    with run_model_hub(tmp_path / "hub") as endpoint:
        python(RESOLVE, tmp_path, endpoint)
    (blob,) = [p for p in (tmp_path / "cache").rglob("blobs/*") if p.stat().st_size == 1000]
    blob.write_bytes(b"v" * 1000)
    looked = "print([hub.find_cached('someone/whisper', files, d) is None for d in (False, True)])"
    looked = f"files = find_format('transcription').patterns\n{looked}"
    assert python(looked, tmp_path, HF_HUB_OFFLINE="1") == "[False, True]"


def test_offline_and_not_cached_is_said_with_what_to_do(tmp_path: Path) -> None:
    told = python("print(find_problem('embedding', 'someone/voice'))", tmp_path, HF_HUB_OFFLINE="1")
    assert "embedding model someone/voice: not in the cache, and someone/voice cannot be reached" in told
    assert "daylong models fetch" in told


def test_what_can_be_fetched_is_not_missing(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", WHISPER)
    with run_model_hub(tmp_path / "hub") as endpoint:
        told = python(
            "print(find_problem('transcription', 'someone/whisper'), find_problem('transcription', 'no/body'))",
            tmp_path,
            endpoint,
        )
    assert told.startswith("None transcription model no/body: not in the cache")


def test_a_repository_without_weights_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "hub" / "someone" / "whisper", {"config.json": b"{}"})
    with run_model_hub(tmp_path / "hub") as endpoint:
        assert "it has no model.bin" in python(RESOLVE, tmp_path, endpoint)
