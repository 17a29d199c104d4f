"""Diarizers that see overlapping speech in the whole flow. Their networks are small and know no voices: form and way
are tested, not who speaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.settings.home import sample
from tests.diarization.networks import write_campplus, write_nemotron, write_segmentation
from tests.diarization.test_sortformer import write_model

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def clip(home: Path) -> Path:
    """The sample's first 70 s."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    path = home / "overlapping.flac"
    soundfile.write(path, decode(sample(), Span(0.0, 70.0)), 16_000)
    return path


def write_segmentation_model(folder: Path) -> dict[str, str]:
    return {"segmentation_model": str(write_segmentation(folder / "segmentation.pt"))}


def write_nemotron_model(folder: Path) -> dict[str, str]:
    return {"model": str(write_nemotron(folder / "nemotron"))}


def write_sortformer_model(folder: Path) -> dict[str, str]:
    return {"model": str(write_model(folder / "sortformer.nemo", streaming=True))}


@pytest.mark.parametrize(
    ("engine", "write"),
    [
        ("segmentation", write_segmentation_model),
        pytest.param("nemotron", write_nemotron_model, marks=pytest.mark.slow),
        pytest.param("sortformer", write_sortformer_model, marks=pytest.mark.slow),
    ],
)
def test_turns_come_from_the_engine_and_are_cached(
    engine: str, write: Callable[[Path], dict[str, str]], clip: Path, home: Path
) -> None:
    from flows.process_recording import process_recording

    diarization = {"engine": engine, "embedding_model": str(write_campplus(home / "campplus.pt"))} | write(home)

    def process(out: str) -> Outcome:
        settings: dict[str, Any] = {
            "profile": "demo",
            "out": str(home / out),
            "chunking": {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 10},
            "diarization": diarization,
        }
        return process_recording(str(clip), settings)

    first = process(engine)
    assert (first["status"], first["chunks_failed"], first["num_chunks"]) == ("complete", 0, 2)
    rows = [row for file in (home / engine / "turns").rglob("*.parquet") for row in pq.read_table(file).to_pylist()]
    assert rows
    assert all(0 <= row["start_s"] < row["end_s"] <= 70.5 for row in rows)
    again = process(f"{engine} again")
    assert again["steps"] == again["steps_cached"]
    assert [s["turn_s"] for s in again["speakers"]] == [s["turn_s"] for s in first["speakers"]]
