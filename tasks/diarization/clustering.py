"""NeMo's spectral clustering (NME-SC, Park et al. 2020, arXiv:2003.02405) as an engine: arrays in, labels
out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.engine import Engine
from tasks.engines.nemo import silence_nemo
from tasks.engines.spec import Capabilities, Device, EngineSpec

LONG = 4_000
"""More windows than this are clustered piecewise first: the plain way needs memory that grows with the
square."""


def load() -> Clustering:
    with silence_nemo():
        from nemo.collections.asr.parts.utils.longform_clustering import LongFormSpeakerClustering
    return Clustering(LongFormSpeakerClustering(cuda=False))


class Clustering:
    """Clusters on the CPU: a chunk takes about a second there, and the answer is the same everywhere."""

    def __init__(self, clustering: Any) -> None:
        self._clustering = clustering

    def cluster(
        self,
        embeddings: NDArray[np.float32],
        starts_ends: NDArray[np.float64],
        max_speakers: int = 8,
        oracle: int | None = None,
    ) -> NDArray[np.int64]:
        """A speaker's number for each of N `embeddings` (N, D); `starts_ends` (N, 2) seconds; any N.

        At most `max_speakers`, or exactly `oracle` where given (and N allows it). Numbers run from 0 in order
        of first appearance. Deterministic.
        """
        import torch

        count = len(embeddings)
        if count == 0:
            return np.zeros(0, np.int64)
        if oracle is not None:
            oracle = min(oracle, count)
        if count == 1 or oracle == 1 or max_speakers == 1 or _is_one_point(embeddings):
            return np.zeros(count, np.int64)
        if count <= 2:
            # Two points have no spectrum to count by.
            return np.array([0, 1] if oracle == 2 else [0, 0], np.int64)
        with silence_nemo(), torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(0)
            found = self._clustering.forward_infer(
                embeddings_in_scales=torch.from_numpy(np.ascontiguousarray(embeddings, dtype=np.float32)),
                timestamps_in_scales=torch.from_numpy(np.ascontiguousarray(starts_ends, dtype=np.float32)),
                multiscale_segment_counts=torch.tensor([count]),
                multiscale_weights=torch.ones(1, 1),
                oracle_num_speakers=oracle or -1,
                max_num_speakers=min(max_speakers, count),
                max_rp_threshold=0.25,
                enhanced_count_thres=80,
                sparse_search_volume=30,
                chunk_cluster_count=50,
                embeddings_per_chunk=LONG,
            )
        return _number_by_appearance(found.numpy())


def _is_one_point(embeddings: NDArray[np.float32]) -> bool:
    return bool(np.allclose(embeddings, embeddings[0], atol=1e-5))


def _number_by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def build(_settings: Any, _weights: Path, _device: Device) -> Engine:
    return Engine.of("diarization/clustering", "tasks.diarization.clustering:load")


SPEC = EngineSpec(
    step="diarization",
    name="clustering",
    summary="one speaker at a time",
    provenance="Spectral clustering of NVIDIA NeMo over the embeddings of a speaker model; no weights of its own.",
    build=build,
    capabilities=Capabilities(reads="embeddings", most_speakers=12),
    packages=("nemo",),
    install="pip install 'nemo-toolkit[asr]'",
)
