"""The cache's large values in a bucket on a real S3 server, as a whole run uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.reporting.outcome import Outcome
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.s3_server import BUCKET
from tests.helpers.sound_files import cut_sample

pytestmark = pytest.mark.usefixtures("prefect_server", "bucket")

STORE = f"s3://{BUCKET}/daylong"


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """A clip that no other test uses, so that nothing of it is cached."""
    return cut_sample(home / "kept elsewhere.flac", 40, 300.0)


def process(path: Path, out: Path, **settings: Any) -> Outcome:
    from flows.process_recording import process_recording

    return process_recording(str(path), {"profile": "demo", "out": str(out), "cache": {"store": STORE}, **settings})


def test_a_run_keeps_its_values_in_the_bucket_and_believes_only_whole_ones(clip: Path, home: Path) -> None:
    first = process(clip, home / "s3-a")
    assert first["status"] == "complete"
    store = ArtifactStore(STORE)
    kept = {name for name, _, _ in store.listing()}
    assert {name.split("/")[0] for name in kept} >= {"transcription", "embedding", "diarization", "linking"}
    assert all(store.intact(name) for name in kept)

    again = process(clip, home / "s3-b")
    assert again["engine_calls"] == 0

    from tasks.storage.remote import open_filesystem

    files, base = open_filesystem(STORE)
    gone, damaged = (next(n for n in sorted(kept) if n.startswith(step)) for step in ("embedding", "transcription"))
    files.rm_file(f"{base}/{gone}")
    files.pipe_file(f"{base}/{damaged}", files.cat_file(f"{base}/{damaged}")[:-1])
    mended = process(clip, home / "s3-c")
    assert mended["engine_calls"] > 0
    assert {name for name, _, _ in store.listing()} >= kept
    assert all(store.intact(name) for name in kept)
    texts = [(Path(run["exports"]) / "transcript.txt").read_bytes() for run in (first, again, mended)]
    assert texts[0] == texts[1] == texts[2]


def test_pruning_makes_room_in_the_bucket(clip: Path, home: Path) -> None:
    from flows.prune_cache import prune_cache

    process(clip, home / "s3-d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_CACHE__STORE", STORE)
        prune_cache(older_than_days=0)
    assert list(ArtifactStore(STORE).listing()) == []
