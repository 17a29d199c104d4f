"""Downloads of large files: partial files are resumed; no file with a wrong digest gets its final name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.weights.downloads import WrongChecksum, download_file
from tests.helpers.model_hub_server import HubFaults, run_model_hub

DATA = bytes(range(256)) * 100
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client takes HF_HUB_OFFLINE from whatever test of this process imports it first."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("begun", "no_ranges", "asked"),
    [
        (b"", False, [None]),
        (DATA[:1000], False, ["bytes=1000-"]),
        (DATA[:1000], True, ["bytes=1000-"]),
        (b"not it" * 100, False, ["bytes=600-", None]),
        (DATA, False, []),
        (DATA + b"and more", False, [None]),
    ],
    ids=["nothing", "a part", "a part, but the server sends all", "of something else", "all", "too much"],
)
def test_a_download_goes_on_from_what_is_there(
    tmp_path: Path, begun: bytes, no_ranges: bool, asked: list[str | None]
) -> None:
    blob, arrived = tmp_path / "blobs" / DIGEST, []
    blob.parent.mkdir()
    partial = blob.with_name(f"{DIGEST}.incomplete")
    partial.write_bytes(begun)
    faults = HubFaults(no_ranges=no_ranges)
    with run_model_hub(_served(tmp_path), faults) as endpoint:
        download_file(f"{endpoint}/some/one/resolve/main/model.bin", blob, len(DATA), DIGEST, arrived.append)
    assert blob.read_bytes() == DATA
    assert not partial.exists()
    assert [what for _, what in faults.sent_files] == asked
    of_use = len(begun) if len(begun) <= len(DATA) else 0
    assert sum(arrived) == len(DATA) - of_use


def test_what_arrives_wrong_gets_no_name(tmp_path: Path) -> None:
    with (
        run_model_hub(_served(tmp_path), HubFaults(corrupted_files={"model.bin"})) as endpoint,
        pytest.raises(WrongChecksum, match=r"model\.bin"),
    ):
        download_file(
            f"{endpoint}/some/one/resolve/main/model.bin", tmp_path / "blob", len(DATA), DIGEST, lambda _: None
        )
    assert not (tmp_path / "blob").exists()


def _served(tmp_path: Path) -> Path:
    folder = tmp_path / "hub" / "some" / "one"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(DATA)
    return tmp_path / "hub"
