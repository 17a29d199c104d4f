"""Remove bleed (crosstalk) from the speech of channels that are one speaker's microphone each.

Where two channels have speech at once, either two people speak, or one voice is recorded by both. In the second case
both channels hold the same wave: they correlate. `tasks.audio.ownership` decides which of them keeps it; this module
measures the frames, and makes sure that no speech is lost: all that was speech stays on some channel.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence

import numpy as np
import numpy.typing as npt

from tasks.audio.clarity import measure_clarity
from tasks.audio.forward_reader import ForwardReader
from tasks.audio.ownership import HOP_S, Floats, Frames, find_bleed
from tasks.audio.resample import Samples
from tasks.audio.speech_map import FLOOR_DB
from tasks.intervals import Span, intersect, merge_spans, subtract
from tasks.records import SAMPLE_RATE_HZ

WINDOW_S = 0.5
MAX_DELAY_S = 0.1
"""Longest delay of a sound between two channels."""
MIN_SPAN_S = 0.3
"""Rests of a span beside removed bleed that are shorter hold no word of their own: the channel that keeps the speech
beside them has them as well."""
_MAX_PART_S = 60.0
_BAND_HZ = (200.0, 3500.0)
_TOUCH_S = 0.01

OpenChannel = Callable[[int], Generator[Samples, None, None]]
"""Opens a channel by its index: blocks from the recording's start on, float32 at 16 kHz, all with the same gain."""


def remove_bleed(
    speech: Sequence[Sequence[Span]], floors_db: Sequence[float], open_channel: OpenChannel
) -> list[list[Span]]:
    """Return each channel's own speech: its merged spans in `speech` without those that are bleed.

    `floors_db`: each channel's noise floor, dBFS. Only spans with speech in several channels are measured; each
    channel is read once at most, up to the end of the last of these spans. All channels' own speech together is all
    speech that there was.
    """
    bleed: list[list[Span]] = [[] for _ in speech]
    for (i, j), frames in _measure_frames(speech, open_channel).items():
        contested = intersect(speech[i], speech[j])
        for channel, spans in zip((i, j), find_bleed(frames, contested, floors_db[i], floors_db[j]), strict=True):
            bleed[channel] += spans
    own = [_subtract_spans(spans, merge_spans(away)) for spans, away in zip(speech, bleed, strict=True)]
    return give_back(speech, own)


def give_back(speech: Sequence[Sequence[Span]], own: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """Return `own` with all of `speech` that no channel has any more, each such span on one channel.

    It goes to the channel whose own speech it touches, since there it is the same voice, else to the one with most of
    it.
    """
    out = [list(spans) for spans in own]
    for lost in subtract(merge_spans(itertools.chain(*speech)), merge_spans(itertools.chain(*own))):
        beside = [i for i, spans in enumerate(own) if intersect(spans, [lost.grow(_TOUCH_S)])]
        shares = [sum(s.duration_s for s in intersect(spans, [lost])) for spans in speech]
        out[max(beside or range(len(speech)), key=shares.__getitem__)].append(lost)
    return [merge_spans(spans) for spans in out]


def estimate_noise_floor(energy_db: npt.NDArray[np.floating]) -> float:
    """Estimate a channel's noise floor, dBFS, from its speech map's energy: the 10th percentile without digital
    silence (which lies between files and where a microphone was muted)."""
    audible = energy_db[energy_db > FLOOR_DB]
    return float(np.percentile(audible.astype(np.float64), 10)) if len(audible) else FLOOR_DB


def _measure_frames(speech: Sequence[Sequence[Span]], open_channel: OpenChannel) -> dict[tuple[int, int], Frames]:
    """Measure every pair of channels where both have speech, reading all channels once, in parallel."""
    pairs = list(itertools.combinations(range(len(speech)), 2))
    parts = sorted((part, (i, j)) for i, j in pairs for part in _split_into_parts(intersect(speech[i], speech[j])))
    rows = {pair: [np.empty((0, 8))] for pair in pairs}
    with contextlib.ExitStack() as stack:
        channels = [
            ForwardReader(stack.enter_context(contextlib.closing(open_channel(c)))) for c in range(len(speech))
        ]
        for part, (i, j) in parts:
            rows[i, j].append(_measure_part(part.start_s, channels[i].read(part), channels[j].read(part)))
    return {pair: Frames(*np.concatenate(found).T) for pair, found in rows.items()}


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
    """Measure a part that starts at `start_s`: float64 (n, 8), the columns of `Frames`."""
    rows: list[tuple[float, ...]] = []
    size, hop = round(WINDOW_S * SAMPLE_RATE_HZ), round(HOP_S * SAMPLE_RATE_HZ)
    for first in range(0, max(1, len(left) - size + 1), hop):
        a, b = left[first : first + size], right[first : first + size]
        at_s = start_s + (first + size / 2) / SAMPLE_RATE_HZ
        levels = _measure_dbfs(a), _measure_dbfs(b)
        rows.append((at_s, *levels, correlate(a, b), *measure_clarity(a), *measure_clarity(b)))
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


def _subtract_spans(speech: Sequence[Span], away: Sequence[Span]) -> list[Span]:
    left = subtract(speech, away)
    cut_spans = intersect(left, [s.grow(_TOUCH_S) for s in away])
    near = merge_spans(s.grow(_TOUCH_S) for s in cut_spans)
    short = {s for s in left if s.duration_s < MIN_SPAN_S and intersect([s], near)}
    return [s for s in left if s not in short]


def _measure_dbfs(samples: Samples) -> float:
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * float(np.log10(power + 1e-12))
