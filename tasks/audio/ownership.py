"""Decide which of two channels keeps a voice that both recorded.

Both hold the same wave, so they correlate, and the fainter one is bleed. (Cross-correlation and levels relative to
each channel's noise: T. Pfau, D. Ellis, A. Stolcke, "Multispeaker speech activity detection for the ICSI meeting
recorder", ASRU 2001.) The attenuation between two microphones hardly changes in a recording: once correlated frames
have shown it, levels alone separate own speech from bleed. Where the same channel is louder throughout, or neither is
(one microphone on both tracks), there is one source, and one channel keeps all of it: the louder one, unless it is
clipped or muffled and the other is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.audio.clarity import find_clearer
from tasks.intervals import Span, intersect, merge_spans

HOP_S = 0.25
MIN_COHERENCE = 0.15
"""A peak of the whitened cross-correlation above this means one source: that of two readers is mostly 0.06, and above
0.1 in one window of a hundred."""
MIN_PROOF_S, MIN_PROOF_SHARE = 2.0, 0.1
"""Least correlated speech that proves bleed: in seconds, and as a share of the speech in both channels."""
SURE_PROOF_S, SURE_PROOF_SHARE = 0.5, 0.5
"""In a short recording, less speech proves it if most of it correlates."""
ONE_SOURCE_SHARE = 0.6
"""If more than this share of the speech in both channels correlates, and the same channel is louder throughout, there
is one source: what two people say at once hardly correlates."""
SAME_WAVE = 0.7
"""Correlation peaks mostly above this mean the same wave, not a voice that came through a room as well."""
WHOLE_SHARE = 0.9
"""If more than this share of the speech in both channels is bleed, all of it is."""
OWN_VOICE_DB = 6.0
"""A channel this much louder than the bleed expected in it has speech of its own; half the attenuation where that is
less."""
REVERBERATION_S, DECAY_DB = 0.5, 8.0
"""How long a voice reverberates in a room, and its decay in each `HOP_S`."""
SPREAD_DB = 3.0
"""How far the largest level differences between a voice and its bleed lie above the usual one."""
TIE_DB = 0.5
"""Channels whose levels differ by no more are equally loud."""
MIN_ATTENUATION_DB = 1.5
"""Two voices with a microphone each: each is at least this much louder on its own."""
MIN_NOISE_ATTENUATION_DB = 4.0
"""The same, where only levels relative to the channels' noise tell two voices."""
MAX_GAIN_MISMATCH_DB = 12.0
"""Limit of the gain difference that is estimated from noise: channels that are digitally silent between words have
no noise to compare."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Frames:
    """Frames around speech of two channels: times in seconds, levels in dB, correlation peaks 0–1, and what
    `tasks.audio.clarity` measures, each (n,)."""

    at_s: Floats
    left_db: Floats
    right_db: Floats
    peak: Floats
    left_crest_db: Floats
    left_bright_db: Floats
    right_crest_db: Floats
    right_bright_db: Floats


def find_bleed(
    frames: Frames, contested: Sequence[Span], left_floor_db: float, right_floor_db: float
) -> tuple[list[Span], list[Span]]:
    """Find the spans of `contested` speech that are bleed on the left and on the right channel; none are on both.

    `contested`: merged spans with speech in both channels; the floors are the channels' noise, dBFS.
    """
    inside = _are_inside(frames.at_s, contested)
    left_db, right_db, peak = frames.left_db[inside], frames.right_db[inside], frames.peak[inside]
    at_s, one_source = frames.at_s[inside], peak > MIN_COHERENCE
    snr_db = tuple(
        float(np.median(db)) - floor if len(db) else 0.0
        for db, floor in ((left_db, left_floor_db), (right_db, right_floor_db))
    )
    if not _is_proven(one_source):
        return [], []
    # Levels are compared relative to each channel's noise: recorders differ in gain.
    gain_db = min(max(right_floor_db - left_floor_db, -MAX_GAIN_MISMATCH_DB), MAX_GAIN_MISMATCH_DB)
    by_noise = _measure_attenuations(left_db + gain_db - right_db, one_source)
    by_level = _measure_attenuations(left_db - right_db, one_source)
    if _are_by_noise(by_noise, by_level, same_wave=float(np.median(peak)) > SAME_WAVE):
        left_db, attenuations = left_db + gain_db, by_noise
    else:
        attenuations = by_level
    if not min(attenuations) and one_source.mean() > ONE_SOURCE_SHARE:
        crest_db, bright_db = (
            np.stack(pair)[:, inside]
            for pair in (
                (frames.left_crest_db, frames.right_crest_db),
                (frames.left_bright_db, frames.right_bright_db),
            )
        )
        clearer = find_clearer(crest_db, bright_db, snr_db)
        left, right = _assign_to_one(left_db - right_db, one_source, clearer)
    else:
        left = _is_fainter(at_s, left_db, right_db, attenuations[0])
        right = _is_fainter(at_s, right_db, left_db, attenuations[1])
        left, right = left & ~(right & (left_db >= right_db)), right & ~(left & (left_db < right_db))
    return _find_spans(at_s, left, contested), _find_spans(at_s, right, contested)


def _are_by_noise(by_noise: tuple[float, float], by_level: tuple[float, float], *, same_wave: bool) -> bool:
    """Whether attenuations relative to noise are to be believed. Noise compares no channels that a codec made from
    one, nor channels that are muted at times: both look like two voices, or like one, and are not."""
    if min(by_level):  # two voices
        return min(by_noise) > 0
    return not min(by_noise) or (min(by_noise) >= MIN_NOISE_ATTENUATION_DB and not same_wave)


def _are_inside(at_s: Floats, contested: Sequence[Span]) -> Flags:
    """Whether frames touch a span of `contested`, which is sorted."""
    starts = np.array([s.start_s for s in contested]) - HOP_S / 2
    ends = np.array([s.end_s for s in contested]) + HOP_S / 2
    return np.asarray(np.searchsorted(starts, at_s, "left") > np.searchsorted(ends, at_s, "right"), np.bool_)


def _is_proven(one_source: Flags) -> bool:
    """Whether enough frames correlate for a source that both channels hold."""
    frames, share = int(one_source.sum()), float(one_source.mean()) if len(one_source) else 0.0
    return (frames >= MIN_PROOF_S / HOP_S and share >= MIN_PROOF_SHARE) or (
        frames >= SURE_PROOF_S / HOP_S and share >= SURE_PROOF_SHARE
    )


def _measure_attenuations(louder_db: Floats, one_source: Flags) -> tuple[float, float]:
    """Measure by how many dB the right channel's voice is fainter on the left, and the left one's on the right."""
    return _measure_attenuation(-louder_db, one_source), _measure_attenuation(louder_db, one_source)


def _measure_attenuation(fainter_db: Floats, one_source: Flags) -> float:
    """Measure by how many dB the other channel's voice is fainter on a channel; 0 without a proof of it."""
    proof = one_source & (fainter_db > 0)
    if proof.sum() < max(MIN_PROOF_S / HOP_S, MIN_PROOF_SHARE * len(proof)):
        return 0.0
    # Where both speak the difference is smaller, so the largest differences are those of bleed alone.
    usual_db = float(np.median(fainter_db[proof]))
    attenuation_db = max(usual_db, float(np.percentile(fainter_db[proof], 90)) - SPREAD_DB)
    return attenuation_db if attenuation_db >= MIN_ATTENUATION_DB else 0.0


def _is_fainter(at_s: Floats, own_db: Floats, other_db: Floats, attenuation_db: float) -> Flags:
    """Whether a channel's frames are no louder than the other channel's voice is there; none without attenuation."""
    if not attenuation_db:
        return np.zeros(len(own_db), np.bool_)
    return own_db <= _add_reverberation(at_s, other_db) - attenuation_db + min(OWN_VOICE_DB, attenuation_db / 2)


def _assign_to_one(louder_db: Floats, one_source: Flags, clearer: int | None) -> tuple[Flags, Flags]:
    """Assign one source to the `clearer` channel, if one is, else to the louder one, to the left one if they are
    equal; the other keeps the frames in which it is louder than with the source. `louder_db`: by how many dB the left
    channel is louder."""
    usual_db = float(np.median(louder_db[one_source]))
    to_right = usual_db < -TIE_DB if clearer is None else clearer == 1
    unexpected_db = louder_db - usual_db if to_right else usual_db - louder_db
    bleed = one_source | (unexpected_db <= OWN_VOICE_DB)
    bleed = np.ones_like(bleed) if bleed.mean() > WHOLE_SHARE else bleed
    none = np.zeros_like(bleed)
    return (bleed, none) if to_right else (none, bleed)


def _add_reverberation(at_s: Floats, level_db: Floats) -> Floats:
    """Return levels with the reverberation of frames at most `REVERBERATION_S` away added."""
    out = level_db.copy()
    for hops in range(1, round(REVERBERATION_S / HOP_S) + 1):
        near = at_s[hops:] - at_s[:-hops] < REVERBERATION_S + HOP_S / 2
        out[hops:] = np.where(near, np.maximum(out[hops:], level_db[:-hops] - DECAY_DB * hops), out[hops:])
        out[:-hops] = np.where(near, np.maximum(out[:-hops], level_db[hops:] - DECAY_DB * hops), out[:-hops])
    return out


def _find_spans(at_s: Floats, is_bleed: Flags, contested: Sequence[Span]) -> list[Span]:
    return intersect(merge_spans(_frame_span(t) for t in at_s[is_bleed].tolist()), contested)


def _frame_span(at_s: float) -> Span:
    return Span(at_s - HOP_S / 2, at_s + HOP_S / 2)
