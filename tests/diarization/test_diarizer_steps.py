"""A diarizer of sound through its steps and linking: turns, voices where one speaks alone, and speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.contracts import read_local_turns, read_turns, read_windows
from tasks.diarization.task import DiarizeJob, TurnsJob, diarize_and_embed, find_turns
from tasks.intervals import Span
from tasks.linking.task import LinkJob, link_speakers
from tasks.records import UNKNOWN, Audio, Chunk, Sound
from tasks.step import Manifest, StepContext
from tasks.storage.artifacts import ArtifactStore
from tasks.weights.resolve import ResolvedWeights
from tests.diarization.networks import speak_in_tones, write_campplus, write_nemotron

RATE = 16_000
SPOKEN = [(0.5, 6.0, 1), (5.0, 12.0, 0), (13.0, 20.0, 1), (22.0, 30.0, 0), (28.0, 36.0, 1)]
"""Of two chunks, cut at 21 s."""
CHUNKS = (
    Chunk(0, Span(0.0, 23.0), Span(0.0, 21.0), (Span(0.5, 12.0), Span(13.0, 20.0), Span(22.0, 23.0))),
    Chunk(1, Span(19.0, 37.0), Span(21.0, 37.0), (Span(19.0, 20.0), Span(22.0, 36.0))),
)
SILENT = Chunk(2, Span(37.0, 40.0), Span(37.0, 40.0), (Span(38.0, 39.0),))
"""The speech map hears somebody, the diarizer nobody."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ResolvedWeights]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        "embedding": ResolvedWeights("embedding", "campplus", write_campplus(folder / "campplus.pt"), "c"),
        "diarization": ResolvedWeights("diarization/nemotron", "n", write_nemotron(folder / "nemotron"), "n"),
    }


def test_turns_overlap_windows_do_not_and_both_get_the_recordings_speakers(
    weights: dict[str, ResolvedWeights], tmp_path: Path
) -> None:
    sound = speak_in_tones(SPOKEN, 40.0)
    place = StepContext(
        ArtifactStore(str(tmp_path)),
        lambda _, span, __: sound[round(span.start_s * RATE) : round(span.end_s * RATE)],
    )
    embedded: list[Manifest] = []
    turns: list[Manifest] = []
    for chunk in (*CHUNKS, SILENT):
        heard = Sound(Audio("tones"), chunk.span, chunk.speech)
        job = DiarizeJob("nemotron", heard, weights["embedding"], weights["diarization"])
        embedded.append(diarize_and_embed.fn(job, place, None))
        turns.append(find_turns.fn(TurnsJob("nemotron", heard), place, embedded[-1], None))
    windows, embeddings = read_windows(place.store, embedded[0])
    labels, local = read_local_turns(place.store, turns[0])
    assert len(windows) == len(embeddings) == len(labels) > 10
    assert local[:3] == pytest.approx(np.array(SPOKEN[:3]), abs=0.1)
    assert not any(start < 5.9 and end > 5.1 for start, end in windows.tolist())
    assert read_local_turns(place.store, turns[2])[0].tolist() == [-1]

    linked = link_speakers.fn(LinkJob((*CHUNKS, SILENT), None, None, reassign=True), place, embedded, turns)
    *found, unknown = [turn for turn in read_turns(place.store, linked) if turn.end_s - turn.start_s > 0.5]
    assert [(t.start_s, t.end_s) for t in found] == [pytest.approx((a, b), abs=0.1) for a, b, _ in SPOKEN]
    assert (unknown.start_s, unknown.end_s, unknown.speaker) == (38.0, 39.0, UNKNOWN)
