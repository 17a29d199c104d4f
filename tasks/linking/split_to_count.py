"""Split labels until the requested number of speakers is reached, where clustering finds fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.linking.nodes import Array, ChunkVoices
from tasks.linking.plda import Plda
from tasks.linking.split_labels import list_splits

LEAST = 4
"""Least windows of either part (nearly 4 s): a single word, a laugh or a noise is no speaker."""


def split_one_label(chunks: Sequence[ChunkVoices], placed: Sequence[Array], model: Plda) -> list[ChunkVoices] | None:
    """Split in two the label whose halves have the lowest log odds of one voice; None where all labels are too short.

    `placed`: for each chunk, its windows (N, Q) along the model's axes. Unlike `split_labels`, no minimal variance is
    required, as the number of speakers is given.
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
    """(log odds of one voice, the chunk with this label split) for each candidate split of the label."""
    order = np.lexsort((chunk.ends_s, chunk.starts_s))
    mine = order[chunk.labels[order] == local]
    new = max(chunk.locals) + 1
    out = []
    for odds, other in list_splits(placed[mine], model, LEAST):
        labels = chunk.labels.astype(np.int64)
        labels[mine[other]] = new
        out.append((odds, replace(chunk, labels=labels)))
    return out
