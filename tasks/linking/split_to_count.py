"""More voices asked for than were heard: whoever runs it knows how many people there are, and a diarizer that took
two of a chunk's for one can be told so where no other chunk can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.linking.nodes import Array, ChunkVoices
from tasks.linking.plda import Plda
from tasks.linking.split_labels import list_splits

LEAST = 4
"""Windows of a part, at least, nearly four seconds: no single word, laugh or door is somebody who was asked for."""


def split_one_label(chunks: Sequence[ChunkVoices], placed: Sequence[Array], model: Plda) -> list[ChunkVoices] | None:
    """The chunks with one label parted in two, whose halves are the least likely one voice of all; None where every
    label is too short for two. `placed`: (N, Q) windows along the model's axes, a chunk each.

    How much two voices' windows scatter is not asked: somebody said that there are more.
    """
    found = [
        (odds, chunk.index, local, at, parts)
        for at, (chunk, where) in enumerate(zip(chunks, placed, strict=True))
        for local in chunk.locals
        for odds, parts in _list_label_splits(chunk, local, where, model)
    ]
    if not found:
        return None
    *_, at, parts = min(found, key=lambda f: f[:3])
    return [parts if k == at else c for k, c in enumerate(chunks)]


def _list_label_splits(chunk: ChunkVoices, local: int, placed: Array, model: Plda) -> list[tuple[float, ChunkVoices]]:
    """(log odds of one voice, the chunk with this label parted) for each way to part it."""
    order = np.lexsort((chunk.ends_s, chunk.starts_s))
    mine = order[chunk.labels[order] == local]
    new = max(chunk.locals) + 1
    out = []
    for odds, other in list_splits(placed[mine], model, LEAST):
        labels = chunk.labels.astype(np.int64)
        labels[mine[other]] = new
        out.append((odds, replace(chunk, labels=labels)))
    return out
