"""Remove bleed (crosstalk) from the speech of channels that are one speaker's microphone each.

Where two channels have speech at once, either two people speak, or one voice is recorded by both microphones. In
the second case both channels hold the same wave: they correlate, and the fainter channel is bleed. (Cross-correlation
and levels relative to each channel's noise: T. Pfau, D. Ellis, A. Stolcke, "Multispeaker speech activity detection
for the ICSI meeting recorder", ASRU 2001.) The attenuation between two microphones hardly changes in a recording:
once correlated frames have shown it, levels alone separate own speech from bleed.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.audio.forward_reader import ForwardReader
from tasks.audio.resample import Samples
from tasks.audio.speech_map import FLOOR_DB
from tasks.intervals import Span, intersect, merge_spans, subtract
from tasks.records import SAMPLE_RATE_HZ

HOP_S = 0.25
WINDOW_S = 0.5
MIN_COHERENCE = 0.15
"""A peak of the whitened cross-correlation above this means one source: that of two readers is mostly 0.06, and above
0.1 in one window of a hundred."""
MAX_DELAY_S = 0.1
"""Longest delay of a sound between two channels."""
MIN_PROOF_S, MIN_PROOF_SHARE = 2.0, 0.1
"""Least correlated speech that proves bleed: in seconds, and as a share of the speech in both channels."""
OWN_VOICE_DB = 6.0
"""A channel this much louder than the bleed expected in it has speech of its own; half the attenuation where that is
less."""
REVERBERATION_S, DECAY_DB = 0.5, 8.0
"""How long a voice reverberates in a room, and its decay in each `HOP_S`."""
MIN_SPAN_S = 0.3
"""Rests of a span beside removed bleed that are shorter hold no word, and are removed as well."""
SPREAD_DB = 3.0
"""How far the largest level differences between a voice and its bleed lie above the usual one."""
MAX_GAIN_MISMATCH_DB = 12.0
"""Limit of the gain difference that is estimated from noise: channels that are digitally silent between words have
no noise to compare."""
_MAX_PART_S = 60.0
_BAND_HZ = (200.0, 3500.0)

OpenChannel = Callable[[int], Generator[Samples, None, None]]
"""Opens a channel by its index: blocks from the recording's start on, float32 at 16 kHz, all with the same gain."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class _Frames:
    """Frames in which two channels both have speech: times in seconds, levels in dB, correlation peaks, each (n,)."""

    at_s: Floats
    left_db: Floats
    right_db: Floats
    peak: Floats


def remove_bleed(
    speech: Sequence[Sequence[Span]], floors_db: Sequence[float], open_channel: OpenChannel
) -> list[list[Span]]:
    """Return each channel's own speech: its merged spans in `speech` without those that are bleed.

    `floors_db`: each channel's noise floor, dBFS. Only spans with speech in several channels are measured; each
    channel is read once at most, up to the end of the last of these spans.
    """
    bleed: list[list[Span]] = [[] for _ in speech]
    for (i, j), frames in _measure_frames(speech, open_channel).items():
        # Levels are compared relative to each channel's noise: recorders differ in gain.
        gain_db = min(max(floors_db[j] - floors_db[i], -MAX_GAIN_MISMATCH_DB), MAX_GAIN_MISMATCH_DB)
        left_db = frames.left_db + gain_db
        one_source = frames.peak > MIN_COHERENCE
        bleed[i] += _find_bleed(frames.at_s, left_db, frames.right_db, one_source & (left_db < frames.right_db))
        bleed[j] += _find_bleed(frames.at_s, frames.right_db, left_db, one_source & (frames.right_db < left_db))
    return [_subtract_spans(own, merge_spans(away)) for own, away in zip(speech, bleed, strict=True)]


def estimate_noise_floor(energy_db: npt.NDArray[np.floating]) -> float:
    """Estimate a channel's noise floor, dBFS, from its speech map's energy: the 10th percentile without digital
    silence (which lies between files and where a microphone was muted)."""
    audible = energy_db[energy_db > FLOOR_DB]
    return float(np.percentile(audible.astype(np.float64), 10)) if len(audible) else FLOOR_DB


def _measure_frames(speech: Sequence[Sequence[Span]], open_channel: OpenChannel) -> dict[tuple[int, int], _Frames]:
    """Measure every pair of channels where both have speech, reading all channels once, in parallel."""
    pairs = list(itertools.combinations(range(len(speech)), 2))
    parts = sorted((part, (i, j)) for i, j in pairs for part in _split_into_parts(intersect(speech[i], speech[j])))
    rows = {pair: [np.empty((0, 4))] for pair in pairs}
    with contextlib.ExitStack() as stack:
        channels = [
            ForwardReader(stack.enter_context(contextlib.closing(open_channel(c)))) for c in range(len(speech))
        ]
        for part, (i, j) in parts:
            rows[i, j].append(_measure_part(part.start_s, channels[i].read(part), channels[j].read(part)))
    return {pair: _Frames(*np.concatenate(found).T) for pair, found in rows.items()}


def _split_into_parts(contested: Sequence[Span]) -> list[Span]:
    """Split contested spans into parts that fit into memory; neighbours share half a window."""
    parts = []
    for span in merge_spans((s.grow(HOP_S / 2) for s in contested), gap_s=1.0):
        count = max(1, int(np.ceil(span.duration_s / _MAX_PART_S)))
        for k in range(count):
            start_s = span.start_s + k * span.duration_s / count
            parts.append(Span(start_s, start_s + span.duration_s / count + WINDOW_S - HOP_S))
    return parts


def _measure_part(start_s: float, left: Samples, right: Samples) -> Floats:
    """Measure a part that starts at `start_s`: float64 (n, 4), the columns of `_Frames`."""
    rows: list[tuple[float, float, float, float]] = []
    size, hop = round(WINDOW_S * SAMPLE_RATE_HZ), round(HOP_S * SAMPLE_RATE_HZ)
    for first in range(0, max(1, len(left) - size + 1), hop):
        a, b = left[first : first + size], right[first : first + size]
        at_s = start_s + (first + size / 2) / SAMPLE_RATE_HZ
        rows.append((at_s, _measure_dbfs(a), _measure_dbfs(b), correlate(a, b)))
    return np.array(rows, np.float64)


def correlate(left: Samples, right: Samples) -> float:
    """Return the highest whitened cross-correlation, 0–1, at delays up to `MAX_DELAY_S` (GCC-PHAT)."""
    size = 2 * len(left)
    cross = np.fft.rfft(left, size) * np.conj(np.fft.rfft(right, size))
    frequency = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    band = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
    strength = np.abs(cross)
    white = np.where(band & (strength > 0), cross / np.maximum(strength, 1e-20), 0.0)
    lags = np.fft.irfft(white, size)
    farthest = round(MAX_DELAY_S * SAMPLE_RATE_HZ)
    peak = max(np.abs(lags[: farthest + 1]).max(), np.abs(lags[-farthest:]).max())
    return float(peak * size / (2 * band.sum()))


def _find_bleed(at_s: Floats, own_db: Floats, other_db: Floats, proof: npt.NDArray[np.bool_]) -> list[Span]:
    """Find the spans of a channel that are bleed of the other: no louder than the bleed in the frames of `proof`."""
    if proof.sum() < max(MIN_PROOF_S / HOP_S, MIN_PROOF_SHARE * len(proof)):
        return []
    # Where both speak the difference is smaller, so the largest differences are those of bleed alone.
    attenuation_db = float(np.percentile(other_db[proof] - own_db[proof], 90)) - SPREAD_DB
    is_bleed = own_db <= _add_reverberation(at_s, other_db) - attenuation_db + min(
        OWN_VOICE_DB, max(0.0, attenuation_db / 2)
    )
    return merge_spans(Span(t - HOP_S / 2, t + HOP_S / 2) for t in at_s[is_bleed].tolist())


def _add_reverberation(at_s: Floats, level_db: Floats) -> Floats:
    """Return levels with the reverberation of frames at most `REVERBERATION_S` away added."""
    out = level_db.copy()
    for hops in range(1, round(REVERBERATION_S / HOP_S) + 1):
        near = at_s[hops:] - at_s[:-hops] < REVERBERATION_S + HOP_S / 2
        out[hops:] = np.where(near, np.maximum(out[hops:], level_db[:-hops] - DECAY_DB * hops), out[hops:])
        out[:-hops] = np.where(near, np.maximum(out[:-hops], level_db[hops:] - DECAY_DB * hops), out[:-hops])
    return out


def _subtract_spans(speech: Sequence[Span], away: Sequence[Span]) -> list[Span]:
    left = subtract(speech, away)
    cut_spans = intersect(left, [s.grow(0.01) for s in away])
    near = merge_spans(s.grow(0.01) for s in cut_spans)
    short = {s for s in left if s.duration_s < MIN_SPAN_S and intersect([s], near)}
    return [s for s in left if s not in short]


def _measure_dbfs(samples: Samples) -> float:
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * float(np.log10(power + 1e-12))
