"""The step `linking`: manifests of the chunks' embeddings and turns -> the recording's voices and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.caching import step_task
from tasks.contracts import LinkingFacts, read_local_turns, read_windows
from tasks.linking.cluster import LinkOptions
from tasks.linking.link import link
from tasks.linking.nodes import ChunkVoices
from tasks.records import Chunk
from tasks.step import Manifest, StepContext


@dataclass(frozen=True, slots=True)
class LinkJob:
    """`least` and `most`: speakers of the whole recording, None where open."""

    chunks: tuple[Chunk, ...]
    least: int | None
    most: int | None
    reassign: bool


@step_task("linking", version=9)
def link_speakers(
    job: LinkJob, place: StepContext, windows: Sequence[Manifest], turns: Sequence[Manifest]
) -> Manifest:
    """Artifacts: `turns` (JSON, recording seconds) and `voices` (arrays of one row a window, and `embeddings` (K,
    D))."""
    meter = place.meter()
    voices = [_read_chunk(place, c, w, t) for c, w, t in zip(job.chunks, windows, turns, strict=True)]
    linked = link(voices, LinkOptions(least=job.least, most=job.most), reassign=job.reassign)
    table = place.store.put_arrays(
        "linking",
        chunk=np.concatenate([np.full(len(v.labels), v.index, np.int32) for v in voices]),
        start_s=np.concatenate([v.starts_s for v in voices]),
        end_s=np.concatenate([v.ends_s for v in voices]),
        local=np.concatenate([v.labels for v in voices]).astype(np.int16),
        speaker=np.concatenate(linked.labels).astype(np.int16),
        margin=np.concatenate(linked.margins).astype(np.float32),
        embeddings=linked.embeddings.astype(np.float32),
    )
    return meter.manifest(
        {"voices": table, "turns": place.store.put_records("linking", linked.turns)},
        **LinkingFacts(speakers=len(linked.embeddings), margins=linked.speaker_margins()),
    )


def _read_chunk(place: StepContext, chunk: Chunk, windows: Manifest, turns: Manifest) -> ChunkVoices:
    where, embeddings = read_windows(place.store, windows)
    labels, found = read_local_turns(place.store, turns)
    return ChunkVoices(
        chunk.index,
        chunk.core,
        where[:, 0],
        where[:, 1],
        embeddings.astype(np.float32),
        labels.astype(np.int64),
        chunk.speech,
        found,
    )
