"""A Prefect server of the tests' own, and a home of their own for results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.s3_server import run_s3_bucket
from tests.helpers.sound_files import cut_sample

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome
    from flows.reporting.progress import Snapshot


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """DAYLONG_HOME for flows that run in this process."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def prefect_server(home: Path) -> Iterator[None]:
    """A real Prefect server on a database of its own, and results under `home`.

    Runs send no heartbeats: with them each waits up to a second at its end for the thread that sends them.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOCAL_STORAGE_PATH, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    import flows  # noqa: F401  # sets what Prefect reads at its import

    results = home / "data" / "cache" / "results"
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_LOCAL_STORAGE_PATH: results, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(results))  # for what looks there without Prefect: pruning
        yield


@pytest.fixture(scope="session")
def sample_clip(home: Path) -> Path:
    """The sample's first two and a half minutes."""
    return cut_sample(home / "clip of the sample.flac", 150.0)


@pytest.fixture(scope="session")
def first_run(sample_clip: Path, home: Path, prefect_server: None) -> tuple[Outcome, list[Snapshot]]:
    """A first run on the clip, into `home / "out"`, and the snapshots of its progress."""
    from flows.reporting.progress import subscribe
    from tests.helpers.whole_runs import process

    seen: list[Snapshot] = []
    with subscribe(seen.append):
        outcome = process(sample_clip, home / "out")
    return outcome, seen


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 server of the module's own, for which the environment is set; the URL of its bucket."""
    with run_s3_bucket() as url:
        yield url
