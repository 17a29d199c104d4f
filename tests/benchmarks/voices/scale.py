"""Matching a recording's speakers against very many voices: seconds."""

from __future__ import annotations

import statistics
import time

import numpy as np

from tasks.voices.match import MatchRule, match_speakers, score_voices

SPEAKERS, VOICES, EMBEDDINGS, DIM = 12, 10_000, 100_000, 192


def matching_s(times: int = 7, voices: int = VOICES, embeddings: int = EMBEDDINGS) -> dict[str, float]:
    """The median time of `times`, and what of it is the search; and the share of speakers that were found."""
    rng = np.random.default_rng(0)
    voice_of = np.concatenate([np.arange(voices), rng.integers(0, voices, embeddings - voices)])
    centres = rng.standard_normal((voices, DIM), np.float32)
    known = centres[voice_of] + rng.standard_normal((embeddings, DIM), np.float32)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    asked = rng.choice(voices, SPEAKERS, replace=False)
    speakers = centres[asked] + rng.standard_normal((SPEAKERS, DIM), np.float32)
    speakers /= np.linalg.norm(speakers, axis=1, keepdims=True)
    whole, search = [], []
    for _ in range(times):
        started = time.perf_counter()
        scores = score_voices(speakers, known, voice_of, voices)
        search.append(time.perf_counter() - started)
        found = match_speakers(scores, MatchRule(0.35, 0.05))
        whole.append(time.perf_counter() - started)
    right = [answer.voice == voice for answer, voice in zip(found, asked, strict=True)]
    return {
        "seconds": statistics.median(whole),
        "search_s": statistics.median(search),
        "slowest_s": max(whole),
        "found": float(np.mean(right)),
    }
