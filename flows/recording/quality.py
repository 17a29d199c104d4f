"""Bring together what the steps measured of a recording's sound, for its quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.recording.chunk_result import ChunkResult
from flows.recording.preparation import Run
from flows.recording.tracks import Track
from tasks.contracts import read_clipped, read_speech_map
from tasks.quality.clipping import STEP_S
from tasks.quality.sound import Floats, TrackSound, compute_middles
from tasks.records import SAMPLE_RATE_HZ
from tasks.step import Manifest


def gather_sound(tracks: Sequence[Track], done: Sequence[ChunkResult], run: Run) -> list[TrackSound]:
    """The sound of each track: its levels by the speech map, as recorded; what is clipped, by the chunks."""
    return [_gather(track, track.mapped, done, run) for track in tracks if track.mapped is not None]


def _gather(track: Track, mapped: Manifest, done: Sequence[ChunkResult], run: Run) -> TrackSound:
    _, energy_db = read_speech_map(run.place.store, mapped)
    # Levels are told as they were recorded, not as they were amplified for the engines.
    level_db = np.asarray(energy_db, np.float64) - track.audio.correction.gain_db
    at_s: list[Floats] = [np.zeros(0)]
    shares: list[Floats] = [np.zeros(0)]
    for result in done:
        if result.audio != track.audio or "clipping" not in result.manifests:
            continue
        counts = read_clipped(run.place.store, result.manifests["clipping"])
        middle_s = compute_middles(len(counts), result.chunk.span.start_s)
        core = (middle_s >= result.chunk.core.start_s) & (middle_s < result.chunk.core.end_s)
        at_s.append(middle_s[core])
        shares.append(counts[core] / (STEP_S * SAMPLE_RATE_HZ))
    return TrackSound(track.audio.channel, level_db, track.speech, np.concatenate(at_s), np.concatenate(shares))
