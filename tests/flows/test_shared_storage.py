"""What machines share lies in a bucket: one goes on where another stopped."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.locations import resolve_out, resolve_voices
from flows.reporting.outcome import Outcome
from flows.speakers.corrections import enter_corrections
from tasks.dataset.read import read_speakers, recordings
from tasks.settings.home import cache, results
from tasks.settings.load import load
from tasks.sharing.connect import open_objects
from tasks.voices.correct import rename
from tasks.voices.store import read_current_registry
from tests.helpers.s3_server import BUCKET
from tests.helpers.sound_files import cut_sample

pytestmark = pytest.mark.usefixtures("prefect_server", "bucket")

STORAGE = f"s3://{BUCKET}/team"


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """A clip that no other test uses, so that nothing of it is cached."""
    return cut_sample(home / "shared.flac", 30, 350.0)


def process(source: object, **settings: Any) -> Outcome:
    from flows.process_recording import process_recording

    return process_recording(str(source), {"profile": "demo", "storage": STORAGE, **settings})


def change_machine() -> None:
    """Leave nothing on this machine of what it did."""
    shutil.rmtree(results(), ignore_errors=True)
    shutil.rmtree(cache(), ignore_errors=True)


def test_another_machine_goes_on_with_what_one_has_done(clip: Path) -> None:
    first = process(clip)
    assert first["status"] == "complete"
    objects = open_objects(STORAGE)
    names = [facts.name for facts in objects.list("")]
    assert {name.split("/")[0] for name in names} >= {"artifacts", "records", "transcripts", "ledger", "leases"}

    change_machine()
    objects.delete(f"ledger/{first['recording_id']}.json")
    again = process(clip)
    assert again["engine_calls"] == 0
    assert again["num_words"] == first["num_words"]


def test_tables_are_read_from_the_bucket_by_other_programs(clip: Path) -> None:
    import duckdb
    import polars
    import pyarrow.dataset
    import s3fs
    from pyarrow.fs import S3FileSystem

    done = process(clip)
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    at = S3FileSystem(endpoint_override=endpoint.removeprefix("http://"), scheme="http", region="us-east-1")
    words = pyarrow.dataset.dataset(f"{BUCKET}/team/transcripts/words", filesystem=at, partitioning="hive")
    assert words.count_rows() == done["num_words"]

    options = {"aws_endpoint_url": endpoint, "aws_allow_http": "true", "aws_region": "us-east-1"}
    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
    scanned = polars.scan_parquet(
        f"{STORAGE}/transcripts/words/**/*.parquet", storage_options=options | keys, hive_partitioning=True
    )
    assert len(scanned.collect()) == done["num_words"]

    database = duckdb.connect()
    database.register_filesystem(s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True))
    query = f"select num_words from read_parquet('{STORAGE}/transcripts/recordings/*/*.parquet')"
    assert database.sql(query).fetchall() == [(done["num_words"],)]


def test_voices_and_their_names_are_known_to_all_machines(clip: Path) -> None:
    first = process(clip)
    change_machine()
    settings = load({"profile": "demo", "storage": STORAGE})
    voices = resolve_voices(settings)
    hearings = list(read_current_registry(voices).hearings.values())
    assert {h.out for h in hearings} == {f"{STORAGE}/transcripts"}
    enter_corrections(voices, "rename", lambda held: ("Ada", rename(held, hearings[0].voice_id, "Ada")))
    change_machine()
    [row] = [r for r in recordings(resolve_out(settings)) if r["recording_id"] == first["recording_id"]]
    assert "Ada" in {s["speaker_name"] for s in read_speakers(resolve_out(settings), row)}
    assert open_objects(STORAGE).get("state/voices.json") is not None


def test_what_is_done_is_not_done_again(clip: Path) -> None:
    change_machine()
    first = process(clip)
    change_machine()
    open_objects(f"s3://{BUCKET}").put(f"in/{clip.name}", clip.read_bytes())
    again = process(f"s3://{BUCKET}/in/{clip.name}")
    assert again["run_id"] == first["run_id"]
    assert again["steps"] == 0
    exports = [Path(run["exports"]) / "transcript.txt" for run in (first, again)]
    assert exports[1].read_text()
