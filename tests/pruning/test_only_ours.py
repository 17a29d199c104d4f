"""What lies beside the cache's own files, in its store or among its records, is never listed, counted or removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.pruning import prune as pruning
from tasks.pruning import usage
from tasks.pruning.prune import prune, recordings_folder, take_inventory
from tasks.storage.artifacts import KINDS, ArtifactStore
from tasks.storage.remote import open_filesystem
from tests.helpers.cached_results import make_result_key, store_result
from tests.helpers.s3_server import run_s3_bucket

D = "3f" + "9" * 62
FOREIGN = (
    "Documents/thesis.docx",
    "interview-2019.wav",
    "notes.json",
    ".DS_Store",
    ".0123456789abcdef0123456789abcdef.part",
    "photos/3f/holiday.json",
    f"photos/3f/{D}",  # as backup programs keep theirs
    f"photos/3f/{D}.jpg",
    f"photos/3f/{D}.json.bak",
    f"photos/3f/{D.upper()}.json",
    f"photos/3f/{D[:-1]}.json",
    f"photos/3f/{D}0.json",
    f"photos/4f/{D}.json",  # in the wrong folder
    f"photos/3F/{D}.json",
    f"3f/{D}.json",
    f"{D}.json",
    f"Photos 2019/3f/{D}.json",
    f".git/3f/{D}.json",
    f"data/photos/3f/{D}.json",
    f"albums/3f/{D}.json/inside",
    "photos/3f/.upload.part",
    "photos/3f/0123456789abcdef0123456789abcdef.part",
    "photos/.0123456789abcdef0123456789abcdef.part",
    f"linking/v1/{D}",
    "recordings/monday-1.json",
)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with run_s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    """A store with files of other people; seen in forty days from now, when nothing is new any more."""
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
    root = {"folder": f"{tmp_path}/nas", "memory": f"memory://{tmp_path.name}"}.get(request.param)
    store = ArtifactStore(root or f"{request.getfixturevalue('bucket')}/{tmp_path.name}")
    write(store, *FOREIGN)
    if request.param == "folder":
        write(store, f"photos/3f/{D}.json\n")
        os.symlink(f"{root}/notes.json", f"{root}/photos/3f/{D}.npz")
        os.mkfifo(f"{root}/photos/3f/{D}.flac")
    monkeypatch.setattr(pruning, "time", SimpleNamespace(time=lambda: time.time() + 40 * 86_400))
    return store


def write(store: ArtifactStore, *names: str) -> None:
    files, base = open_filesystem(store.root)
    for name in names:
        files.makedirs(os.path.dirname(f"{base}/{name}"), exist_ok=True)
        files.pipe_file(f"{base}/{name}", b"years of work")


def list_names(store: ArtifactStore) -> set[str]:
    files, base = open_filesystem(store.root)
    return {path[len(base) + 1 :] for path in files.find(base)}


def test_only_own_files_in_the_store_are_removed(store: ArtifactStore, tmp_path: Path) -> None:
    others = list_names(store)
    assert len(others) >= len(FOREIGN)
    store_result(store, tmp_path / "home", make_result_key("linking", "a"), b"named", 40)
    left = [store.put("speech-map", b"left behind" + kind.encode(), kind) for kind in KINDS]
    half = "speech-map/3f/.0123456789abcdef0123456789abcdef.part"
    write(store, half)
    assert {s.name for s in take_inventory(store).stored} == list_names(store) - others >= {half, *left}
    assert prune(store, dry_run=True).size == sum(len(b"left behind" + k.encode()) for k in KINDS) + 13
    gone = prune(store, max_size=0)
    assert len(gone.stored) == len(KINDS) + 2
    assert list_names(store) == others
    assert take_inventory(store).size == 0


def test_artifacts_have_recognizable_names(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    for step, suffix in (("s", ".docx"), ("s", ""), ("../s", ".bin"), ("S 1", ".bin"), ("", ".bin")):
        with pytest.raises(ValueError, match="known as ours"):
            store.put(step, b"x", suffix)
    assert list(tmp_path.iterdir()) == []


def test_store_at_cache_root_removes_no_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
    cache = tmp_path / "data" / "cache"
    store_result(ArtifactStore(str(cache / "artifacts")), tmp_path, make_result_key("linking", "a"), b"x", 3)
    usage.record_usage(recordings_folder(), "monday-1", [make_result_key("linking", "a")])
    before = {path: os.utime(path, (0, 0)) for path in cache.rglob("*") if path.is_file()}
    os.utime(cache / "results" / make_result_key("linking", "a"))
    assert prune(ArtifactStore(str(cache)), older_than_s=86_400).stored == ()
    assert {path for path in cache.rglob("*") if path.is_file()} == set(before)


def test_results_of_other_flows_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path / "storage"))
    others = ("etl/v1/orders.json", f"etl/venv/{D}", f"etl/v1/{D}.json", f"etl/v1/x/{D}", D, "etl/v1/3f9a")
    for name in others:
        (tmp_path / "storage" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "storage" / name).write_text("{}")
        os.utime(tmp_path / "storage" / name, (0, 0))
    assert prune(ArtifactStore(str(tmp_path / "artifacts")), older_than_s=1, max_size=0).records == ()
    assert all((tmp_path / "storage" / name).exists() for name in others)
