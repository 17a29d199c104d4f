"""Whose speech it is, where everybody has a microphone, and each microphone hears the others, too.

Where two channels have speech at once, two people speak or one is heard twice. What is heard twice is the same
wave, so the channels correlate there, and the fainter one only hears. (Cross-correlation after levels relative to
the channel's noise: T. Pfau, D. Ellis, A. Stolcke, "Multispeaker speech activity detection for the ICSI meeting
recorder", ASRU 2001.) How much fainter is much the same all the time: once that is known it tells somebody who
speaks up from somebody who is silent, without any correlation.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.audio.forward import Forward
from tasks.audio.pieces import Samples
from tasks.audio.speech_map import FLOOR_DB
from tasks.intervals import Span, intersect, merge_spans, subtract
from tasks.records import SAMPLE_RATE_HZ

HOP_S = 0.25
WINDOW_S = 0.5
COHERENT = 0.15
"""A peak of the whitened cross-correlation above this comes from one source: of two readers it is 0.06 mostly, and
above 0.1 in one window of a hundred."""
FARTHEST_S = 0.1
"""A sound reaches the other channel within this time."""
PROVEN_S, PROVEN_SHARE = 2.0, 0.1
"""Correlated speech that proves that one channel hears another: in seconds, and of what both claim."""
LOUDER_DB = 6.0
"""A channel this much louder than what it hears of another has a voice of its own; less, where it hears the other
at no less than half of that."""
LINGERS_S, FADES_DB = 0.5, 8.0
"""A voice stays in a room for so long, and fades by so much each `HOP_S`."""
SHORTEST_S = 0.3
"""What is left of a span beside what was taken away is no word if it is shorter."""
SPREAD_DB = 3.0
"""How much the largest differences between a voice and its bleed lie above the usual one."""
MISMATCH_DB = 12.0
"""Channels' gains differ by at most this much, as far as noise tells: of some that are digitally silent between words
there is none to be heard."""
_LONGEST_S = 60.0
_BAND_HZ = (200.0, 3500.0)

Hear = Callable[[int], Generator[Samples, None, None]]
"""A channel from the recording's start on, block by block: float32 at 16 kHz, all channels with the same gain."""
Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class _Frames:
    """Where two channels both have speech: `at_s` (n,), their levels in dB (n,) and the peak of correlation (n,)."""

    at_s: Levels
    left_db: Levels
    right_db: Levels
    peak: Levels


def own_speech(speech: Sequence[Sequence[Span]], floors_db: Sequence[float], hear: Hear) -> list[list[Span]]:
    """Each channel's own speech, of what its speech map says (`speech`, merge_spans spans by channel).

    `floors_db`: the level of each channel's noise, dBFS. Only what several channels claim is listened to; each
    channel is heard once at most, and only up to where the last of that ends.
    """
    taken: list[list[Span]] = [[] for _ in speech]
    for (i, j), frames in _measure_frames(speech, hear).items():
        # What is louder is louder than its channel's noise: recorders have gains of their own.
        louder_db = min(max(floors_db[j] - floors_db[i], -MISMATCH_DB), MISMATCH_DB)
        left_db = frames.left_db + louder_db
        one_source = frames.peak > COHERENT
        taken[i] += _find_bleed(frames.at_s, left_db, frames.right_db, one_source & (left_db < frames.right_db))
        taken[j] += _find_bleed(frames.at_s, frames.right_db, left_db, one_source & (frames.right_db < left_db))
    return [_subtract_spans(own, merge_spans(away)) for own, away in zip(speech, taken, strict=True)]


def noise_floor(energy_db: npt.NDArray[np.floating]) -> float:
    """The level of a channel's noise from its speech map's energy, dBFS: the lowest tenth of what isn't digital
    silence, which is no microphone's: it lies between files, and where one was muted."""
    heard = energy_db[energy_db > FLOOR_DB]
    return float(np.percentile(heard.astype(np.float64), 10)) if len(heard) else FLOOR_DB


def _measure_frames(speech: Sequence[Sequence[Span]], hear: Hear) -> dict[tuple[int, int], _Frames]:
    """What every two channels both claim, measured while all channels go by side by side."""
    pairs = list(itertools.combinations(range(len(speech)), 2))
    parts = sorted((part, (i, j)) for i, j in pairs for part in _parts(intersect(speech[i], speech[j])))
    rows = {pair: [np.empty((0, 4))] for pair in pairs}
    with contextlib.ExitStack() as stack:
        channels = [Forward(stack.enter_context(contextlib.closing(hear(c)))) for c in range(len(speech))]
        for part, (i, j) in parts:
            rows[i, j].append(_rows(part.start_s, channels[i].span(part), channels[j].span(part)))
    return {pair: _Frames(*np.concatenate(found).T) for pair, found in rows.items()}


def _parts(contested: Sequence[Span]) -> list[Span]:
    """What is contested, in parts that are held at once; neighbours share the half of a window."""
    parts = []
    for span in merge_spans((s.grow(HOP_S / 2) for s in contested), gap_s=1.0):
        count = max(1, int(np.ceil(span.duration_s / _LONGEST_S)))
        for k in range(count):
            start_s = span.start_s + k * span.duration_s / count
            parts.append(Span(start_s, start_s + span.duration_s / count + WINDOW_S - HOP_S))
    return parts


def _rows(start_s: float, left: Samples, right: Samples) -> Levels:
    """The columns of `_Frames` (4 a row) of a part that starts there."""
    rows: list[tuple[float, float, float, float]] = []
    size, hop = round(WINDOW_S * SAMPLE_RATE_HZ), round(HOP_S * SAMPLE_RATE_HZ)
    for first in range(0, max(1, len(left) - size + 1), hop):
        a, b = left[first : first + size], right[first : first + size]
        at_s = start_s + (first + size / 2) / SAMPLE_RATE_HZ
        rows.append((at_s, _level(a), _level(b), correlation(a, b)))
    return np.array(rows, np.float64)


def correlation(left: Samples, right: Samples) -> float:
    """The highest cross-correlation, 0–1, of two whitened waves that are up to `FARTHEST_S` apart (GCC-PHAT)."""
    size = 2 * len(left)
    cross = np.fft.rfft(left, size) * np.conj(np.fft.rfft(right, size))
    frequency = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    band = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
    strength = np.abs(cross)
    white = np.where(band & (strength > 0), cross / np.maximum(strength, 1e-20), 0.0)
    lags = np.fft.irfft(white, size)
    farthest = round(FARTHEST_S * SAMPLE_RATE_HZ)
    peak = max(np.abs(lags[: farthest + 1]).max(), np.abs(lags[-farthest:]).max())
    return float(peak * size / (2 * band.sum()))


def _find_bleed(at_s: Levels, own_db: Levels, other_db: Levels, proof: npt.NDArray[np.bool_]) -> list[Span]:
    """Where a channel only hears the other: at no more than what it hears of it at the places of `proof`."""
    if proof.sum() < max(PROVEN_S / HOP_S, PROVEN_SHARE * len(proof)):
        return []
    # Where both speak the difference is smaller, so what the channel only hears shows in the largest ones.
    fainter_db = float(np.percentile(other_db[proof] - own_db[proof], 90)) - SPREAD_DB
    only_heard = own_db <= _add_reverberation(at_s, other_db) - fainter_db + min(LOUDER_DB, max(0.0, fainter_db / 2))
    return merge_spans(Span(t - HOP_S / 2, t + HOP_S / 2) for t in at_s[only_heard].tolist())


def _add_reverberation(at_s: Levels, level_db: Levels) -> Levels:
    """The level with what lingers of frames at most `LINGERS_S` away: a room answers while the speaker pauses."""
    out = level_db.copy()
    for hops in range(1, round(LINGERS_S / HOP_S) + 1):
        near = at_s[hops:] - at_s[:-hops] < LINGERS_S + HOP_S / 2
        out[hops:] = np.where(near, np.maximum(out[hops:], level_db[:-hops] - FADES_DB * hops), out[hops:])
        out[:-hops] = np.where(near, np.maximum(out[:-hops], level_db[hops:] - FADES_DB * hops), out[:-hops])
    return out


def _subtract_spans(speech: Sequence[Span], away: Sequence[Span]) -> list[Span]:
    left = subtract(speech, away)
    touched = intersect(left, [s.grow(0.01) for s in away])
    near = merge_spans(s.grow(0.01) for s in touched)
    short = {s for s in left if s.duration_s < SHORTEST_S and intersect([s], near)}
    return [s for s in left if s not in short]


def _level(samples: Samples) -> float:
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * float(np.log10(power + 1e-12))
