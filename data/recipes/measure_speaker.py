"""How well a speaker model tells voices apart: equal error rates, and a conversation clustered by NeMo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from data.recipes.readers import RATE, Samples

if TYPE_CHECKING:
    from pyannote.core import Annotation

Turn = tuple[float, float, int]
"""Start and end in seconds, and the number of the speaker."""


def windows(voice: Samples, seconds: float, count: int) -> list[Samples]:
    """Up to `count` disjoint windows of `seconds`, evenly spread; a short voice is repeated to fill one."""
    size = int(seconds * RATE)
    if len(voice) < size:
        return [np.pad(voice, (0, size - len(voice)), mode="wrap")]
    count = min(count, len(voice) // size)
    starts = np.linspace(0, len(voice) - size, count).astype(int) if count > 1 else [0]
    return [voice[start : start + size] for start in starts]


@torch.inference_mode()
def embed(model: nn.Module, clips: Sequence[Samples]) -> Tensor:
    """Embeddings of clips of one length, (clips, dimensions), each of length 1."""
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(clips), 64):
        batch = torch.from_numpy(np.stack(clips[start : start + 64]).astype(np.float32))
        lengths = torch.full((len(batch),), batch.shape[1])
        parts.append(model.forward(input_signal=batch, input_signal_length=lengths)[1])
    model.train(was_training)
    return nn.functional.normalize(torch.cat(parts), dim=1)


def equal_error_rate(same: Tensor, different: Tensor) -> float:
    """Where as many pairs of one voice score too low as pairs of two voices score too high, 0–1.

    >>> equal_error_rate(torch.tensor([0.9, 0.4]), torch.tensor([0.5, 0.1]))
    0.5
    """
    scores = torch.cat([same, different])
    is_same = torch.cat([torch.ones_like(same), torch.zeros_like(different)])[scores.argsort()]
    missed = is_same.cumsum(0) / len(same)
    accepted = 1 - (1 - is_same).cumsum(0) / len(different)
    at = int((missed - accepted).abs().argmin())
    return float((missed[at] + accepted[at]) / 2)


def verify(model: nn.Module, voices: Sequence[Samples], seconds: float, per_half: int) -> float:
    """Equal error rate over pairs of windows; those of one voice lie in different halves of its samples."""
    clips: list[Samples] = []
    owner: list[tuple[int, int]] = []
    for number, voice in enumerate(voices):
        middle = len(voice) // 2
        for half, part in enumerate((voice[:middle], voice[middle:])):
            cut = windows(part, seconds, per_half)
            clips += cut
            owner += [(number, half)] * len(cut)
    embeddings = embed(model, clips)
    scores = embeddings @ embeddings.T
    who, half_of = torch.tensor(owner).unbind(1)
    same = (who[:, None] == who) & (half_of[:, None] < half_of)
    different = who[:, None] < who
    return equal_error_rate(scores[same], scores[different])


def diarize(model: nn.Module, samples: Samples, spans: Sequence[tuple[float, float]]) -> list[Turn]:
    """Who speaks when in `spans` of speech (seconds): windows of 1.5 s every 0.75 s, NeMo's clustering."""
    from nemo.collections.asr.parts.utils.offline_clustering import SpeakerClustering

    size, hop = int(1.5 * RATE), int(0.75 * RATE)
    cuts: list[tuple[int, int, int]] = []  # a window's start and end, and where the next begins
    for begin, end in ((int(a * RATE), int(b * RATE)) for a, b in spans):
        starts = list(range(begin, max(begin + 1, end - size + hop), hop))
        for start, following in zip(starts, [*starts[1:], end], strict=True):
            cuts.append((start, min(start + size, end), following))
    clips = [np.pad(samples[a:b], (0, size - (b - a)), mode="wrap") for a, b, _ in cuts]
    labels = SpeakerClustering(cuda=False).forward_infer(
        embeddings_in_scales=embed(model, clips),
        timestamps_in_scales=torch.tensor([[a / RATE, b / RATE] for a, b, _ in cuts]),
        multiscale_segment_counts=torch.tensor([len(cuts)]),
        multiscale_weights=torch.ones(1, 1),
        oracle_num_speakers=-1,
        max_num_speakers=8,
        max_rp_threshold=0.25,
        enhanced_count_thres=80,
        sparse_search_volume=30,
    )
    return [(a / RATE, end / RATE, int(label)) for (a, _, end), label in zip(cuts, labels, strict=True)]


def diarization_error(reference: Sequence[Turn], found: Sequence[Turn]) -> float:
    """DER without a collar, 0–1."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    return float(DiarizationErrorRate()(annotation(reference), annotation(found)))


def annotation(turns: Sequence[tuple[float, float, object]]) -> Annotation:
    """Turns as pyannote has them."""
    from pyannote.core import Annotation, Segment

    result = Annotation(uri="conversation")
    for track, (begin, end, speaker) in enumerate(turns):
        result[Segment(begin, end), track] = str(speaker)
    return result
