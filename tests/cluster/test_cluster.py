"""Three workers on one bucket and one PostgreSQL: one is killed, one stopped until its run is taken over.

`make test-cluster`; where PostgreSQL isn't installed, it is skipped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.sharing.bucket import Bucket
from tests.faults.commands import bury
from tests.helpers.daylong_server import make_environment, run_daylong_server
from tests.helpers.postgres import run_postgres
from tests.helpers.s3_server import BUCKET, run_s3_server
from tests.helpers.sound_files import cut_sample
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server

RECORDINGS = int(os.environ.get("DAYLONG_CLUSTER_RECORDINGS", "12"))
SECONDS = 55.0
STORAGE = f"s3://{BUCKET}/team"
SOURCES = f"s3://{BUCKET}/in/"
SETTINGS = (
    "chunking.min_minutes=0.5",
    "chunking.max_minutes=0.8",
    "chunking.overlap_s=10",
    "transcription.beam_size=1",
)
LIMIT_S = 1800.0


@dataclass
class Cluster:
    """The workers of a test, and the bucket that they share."""

    folder: Path
    environment: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *sources: str, shared: bool = True) -> subprocess.Popen[bytes]:
        """Start `daylong run`, with a home of its own, as on a machine of its own."""
        home = self.folder / f"machine-{len(self.workers)}"
        home.mkdir()
        settings = [*SETTINGS, *([f"storage={STORAGE}", "storage_lease_s=10"] if shared else [])]
        words = [word for setting in settings for word in ("--set", setting)]
        with (home / "said").open("wb") as said:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.daylong", "run", *sources, "--profile", "demo", *words],
                env=make_environment(home, **self.environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def read_said(self) -> str:
        return "\n".join(
            f"{said}:\n{said.read_text(errors='replace')}" for said in sorted(self.folder.glob("machine-*/said"))
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as held:
        database = held.enter_context(run_postgres())
        bucket = held.enter_context(run_s3_server())
        patch = held.enter_context(pytest.MonkeyPatch.context())
        for name, value in bucket.items():
            patch.setenv(name, value)
        up = held.enter_context(
            run_daylong_server(tmp_path / "server", PREFECT_SERVER_DATABASE_CONNECTION_URL=database)
        )
        started = Cluster(tmp_path, bucket | {"PREFECT_API_URL": up.api_url})
        try:
            yield started
        finally:
            for worker in started.workers:
                bury(worker)
                worker.wait(60)


def find_held(objects: Bucket, pid: int) -> str | None:
    """The recording that a process works on."""
    for facts in objects.list("leases/recordings/"):
        held = objects.get(facts.name)
        lease = json.loads(held.data) if held else {}
        if lease.get("pid") == pid and not lease.get("free"):
            return facts.name
    return None


def is_held_by_another(objects: Bucket, name: str, pid: int) -> bool:
    held = objects.get(name)
    return held is not None and json.loads(held.data)["pid"] != pid


def list_versions(objects: Bucket, prefix: str) -> dict[str, list[str]]:
    """The contents that each object has ever had, as their tags."""
    found: dict[str, list[str]] = {}
    pages = objects._client.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=f"team/{prefix}")
    for page in pages:
        for version in page.get("Versions", ()):
            found.setdefault(version["Key"].removeprefix("team/"), []).append(version["ETag"])
    return found


def read_words(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Each recording's words."""
    import pyarrow.parquet as pq

    found = {}
    for file in sorted(folder.glob("words/recorded_date=*/*.parquet")):
        rows = pq.read_table(file, partitioning=None).to_pylist()
        found[file.stem] = [(r["word"], r["start_s"], r["end_s"], r["speaker"]) for r in rows]
    return found


def test_each_recording_is_published_once_whoever_dies_or_stops(cluster: Cluster) -> None:
    objects = Bucket(STORAGE)
    objects._client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    recordings = cluster.folder / "in"
    for number in range(RECORDINGS):
        path = cut_sample(recordings / f"talk-{number:02}.flac", SECONDS, start_s=20.0 * number)
        Bucket(f"s3://{BUCKET}").put(f"in/{path.name}", path.read_bytes())

    steady, killed, paused = (cluster.start_worker(SOURCES) for _ in range(3))
    lost = wait_until(lambda: find_held(objects, killed.pid), LIMIT_S)
    os.killpg(killed.pid, signal.SIGKILL)
    taken = wait_until(lambda: find_held(objects, paused.pid), LIMIT_S)
    os.killpg(paused.pid, signal.SIGSTOP)
    wait_until(lambda: is_held_by_another(objects, taken, paused.pid), LIMIT_S)
    os.killpg(paused.pid, signal.SIGCONT)
    assert steady.wait(LIMIT_S) == 0, cluster.read_said()
    assert paused.wait(LIMIT_S) == 0, cluster.read_said()
    assert is_held_by_another(objects, lost, killed.pid)

    rows = list_versions(objects, "transcripts/recordings/")
    assert len(rows) == RECORDINGS
    assert {name: len(tags) for name, tags in rows.items()} == dict.fromkeys(rows, 1)
    done = {key: len(set(tags)) for key, tags in list_versions(objects, "records/").items()}
    twice = [key for key, times in done.items() if times > 1]
    # What was under way when the worker was stopped: at most the steps of two chunks.
    assert max(done.values()) <= 2
    assert len(twice) <= 6, twice

    alone = cluster.start_worker(str(recordings), shared=False)
    assert alone.wait(LIMIT_S) == 0, cluster.read_said()
    expected = read_words(cluster.folder / f"machine-{len(cluster.workers) - 1}" / "data" / "transcripts")
    shared = cluster.folder / "shared"
    for facts in list(objects.list("transcripts/words/")):
        held = objects.get(facts.name)
        assert held is not None
        path = shared / facts.name.removeprefix("transcripts/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held.data)
    assert read_words(shared) == expected
    assert Counter(len(words) > 0 for words in expected.values()) == {True: RECORDINGS}
    print(f"{len(rows)} recordings, {len(done)} results of steps, {len(twice)} of them made twice")
