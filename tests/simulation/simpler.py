"""Two simpler ways to one name per voice, for comparison: what most programs that cut recordings do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.linking.nodes import ChunkVoices, normalize

Array = np.ndarray[Any, Any]

SHARED_S = 1.0


def chained(chunks: Sequence[ChunkVoices]) -> list[Array]:
    """Speakers of each chunk's windows, carried on from chunk to chunk through who speaks in their overlap: a local
    speaker gets the name of the one whose seconds there it shares most, else a new name."""
    from scipy.optimize import linear_sum_assignment

    names: dict[tuple[int, int], int] = {}
    count = 0
    for i, chunk in enumerate(chunks):
        locals_ = chunk.locals
        before = chunks[i - 1].locals if i else []
        shared = np.zeros((len(locals_), max(len(before), 1)))
        if before and len(chunk.starts_s):
            middles = (chunk.starts_s + chunk.ends_s) / 2
            end = chunks[i - 1].ends_s.max()
            nearest = (chunks[i - 1].starts_s + chunks[i - 1].ends_s) / 2
            for at, local in zip(middles[middles < end].tolist(), chunk.labels[middles < end].tolist(), strict=True):
                j = int(np.abs(nearest - at).argmin())
                other = int(chunks[i - 1].labels[j])
                if local >= 0 and other >= 0 and abs(nearest[j] - at) < 0.5:
                    shared[locals_.index(local), before.index(other)] += 0.75
        rows, columns = linear_sum_assignment(-shared)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if shared[row, column] >= SHARED_S:
                names[i, locals_[row]] = names[i - 1, before[column]]
        for local in locals_:
            if (i, local) not in names:
                names[i, local] = count
                count += 1
    return _windows(chunks, names)


def unconstrained(chunks: Sequence[ChunkVoices], thresholds: Sequence[float]) -> list[list[Array]]:
    """For each threshold, speakers of each chunk's windows by average-linkage clustering of the local speakers' mean
    embeddings by cosine, down to likenesses of that threshold, whatever chunk they are from."""
    from scipy.cluster.hierarchy import fcluster, linkage

    keys, means = [], []
    for i, chunk in enumerate(chunks):
        for local in chunk.locals:
            keys.append((i, local))
            means.append(normalize(chunk.embeddings[chunk.labels == local].mean(0)))
    if len(keys) < 2:
        return [_windows(chunks, dict.fromkeys(keys, 0)) for _ in thresholds]
    tree = linkage(np.array(means, np.float64), "average", "cosine")
    cuts = [fcluster(tree, 1.0 - t, "distance").tolist() for t in thresholds]
    return [_windows(chunks, dict(zip(keys, found, strict=True))) for found in cuts]


def _windows(chunks: Sequence[ChunkVoices], names: dict[tuple[int, int], int]) -> list[Array]:
    return [
        np.array([names.get((i, int(k)), -1) for k in c.labels], np.int64).reshape(-1) for i, c in enumerate(chunks)
    ]
