"""Weights from a folder that somebody carried in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.errors import MissingWeights
from tasks.weights import carried, store
from tests.helpers.package_index import (
    CONFIG,
    FIRST,
    MEMBERS,
    MODEL,
    SECOND,
    TOKENIZER,
    VOCABULARY,
    VOICE,
    VOICES,
    WHISPER,
    write_wheel,
)

FILES = {"config.json": CONFIG, "model.bin": MODEL, "tokenizer.json": TOKENIZER, "vocabulary.txt": VOCABULARY}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))


def lay(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("below", [".", "models/toy", "models--someone--toy/snapshots/0123"])
def test_files_are_found_flat_or_nested(tmp_path: Path, below: str) -> None:
    lay(tmp_path / "stick" / below, **FILES)
    folder = carried.take(WHISPER, tmp_path / "stick")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert store.find(WHISPER, deep=True) == folder


def test_of_files_of_one_name_the_one_with_the_digest_is_taken(tmp_path: Path) -> None:
    lay(tmp_path / "stick" / "a", **{"model.bin": MODEL[::-1], "config.json": b"[]"})
    lay(tmp_path / "stick" / "b", **FILES)
    assert (carried.take(WHISPER, tmp_path / "stick") / "model.bin").read_bytes() == MODEL


def test_a_file_is_known_by_the_name_it_has_where_it_comes_from(tmp_path: Path) -> None:
    lay(tmp_path / "stick", **{"voice.pt": VOICE})
    assert (carried.take(VOICES, tmp_path / "stick") / "toy.pt").read_bytes() == VOICE


def test_wheels_do_as_well(tmp_path: Path) -> None:
    write_wheel(tmp_path, FIRST, MEMBERS[FIRST])
    write_wheel(tmp_path, SECOND, MEMBERS[SECOND])
    assert (carried.take(WHISPER, tmp_path / "simple") / "model.bin").read_bytes() == MODEL


def test_what_is_missing_or_another_is_named_with_its_digest(tmp_path: Path) -> None:
    lay(tmp_path / "stick", **{**FILES, "model.bin": MODEL[::-1]})
    (tmp_path / "stick" / "config.json").unlink()
    with pytest.raises(MissingWeights) as refused:
        carried.take(WHISPER, tmp_path / "stick")
    config, model = str(refused.value).split("; ")
    assert config == f"transcription model toy: {tmp_path / 'stick'} has no config.json with the SHA-256 " + (
        hashlib.sha256(CONFIG).hexdigest()
    )
    assert f"has {hashlib.sha256(MODEL[::-1]).hexdigest()})" in model
    assert hashlib.sha256(MODEL).hexdigest() in model
    assert store.find(WHISPER) is None
