"""The engine `segmentation` in the whole flow. Its networks are small and untrained: form and way are tested, not
who speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.settings.home import sample
from tests.diarization.networks import write_campplus, write_segmentation

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """The sample's first 70 s."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "overlapping.flac"
    soundfile.write(path, decode(sample(), Span(0.0, 70.0)), 16_000)
    return path


def test_turns_come_from_the_segmentation_and_are_cached(clip: Path, home: Path) -> None:
    from flows.process_recording import process_recording

    diarization = {
        "engine": "segmentation",
        "segmentation_model": str(write_segmentation(home / "segmentation.pt")),
        "embedding_model": str(write_campplus(home / "campplus.pt")),
    }

    def process(out: str) -> Outcome:
        settings: dict[str, Any] = {
            "profile": "demo",
            "out": str(home / out),
            "chunking": {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 10},
            "diarization": diarization,
        }
        return process_recording(str(clip), settings)

    first = process("segmented")
    assert (first["status"], first["chunks_failed"], first["num_chunks"]) == ("complete", 0, 2)
    rows = [
        row for file in (home / "segmented" / "turns").rglob("*.parquet") for row in pq.read_table(file).to_pylist()
    ]
    assert rows
    assert all(0 <= row["start_s"] < row["end_s"] <= 70.5 for row in rows)
    again = process("segmented again")
    assert again["steps"] == again["steps_cached"]
    assert [s["turn_s"] for s in again["speakers"]] == [s["turn_s"] for s in first["speakers"]]
