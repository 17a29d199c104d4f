"""Find out whether a recording's sound has to be corrected: while it streams by for the speech map, in one pass.

Ordinary recordings need nothing. Some are so quiet, so far beyond full scale or so far off zero that no detector
hears speech in them; in some, channels cancel each other when they are mixed (one leg of a cable swapped). What is
decided holds for the whole recording.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tasks.audio.channel_survey import ChannelSurvey
from tasks.audio.decode import UNCORRECTED, stream
from tasks.audio.edits import QUIET_DBFS, TARGET_DBFS
from tasks.audio.resample import Samples
from tasks.audio.speech_map import ENERGY_STEP_S, SpeechMap, build_speech_map
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ, Audio, Correction

LOUD_SHARE, LOUD_S = 0.05, 30.0
"""A recording's level is what this share of its sound exceeds, or these seconds if they are less: a few loud moments
do not make a quiet recording loud, and a day with an hour of speech is not quiet."""
MOMENTS_SHARE, DEAF_DBFS = 0.15, -62.0
"""If all but this share of the sound, or those seconds, is below this level, where the detector hears nothing, the
recording is heard amplified as well."""
MORE_SPEECH, MORE_S = 1.2, 0.5
"""By so much more speech has to be found in an amplified recording that has loud moments: else these were all."""
SILENT_DBFS = -120.0
"""Below this level is digital silence: one bit of 16 that moves now and then."""
BEYOND_DBFS = 0.0
"""Only float samples beyond full scale have a higher level."""
MAX_PASSES = 3
"""The second pass has the channels mixed otherwise, or another level; the third has both."""
MAX_OFFSET_SHARE = 0.5
"""From this share of the level on, an offset is removed."""


def map_corrected(
    audio: Audio, detect: Callable[[Samples], list[Span]], duration_s: float, threads: int = 1
) -> tuple[SpeechMap, Correction]:
    """Map the speech of a recording with the correction that it needs; return both.

    Ordinary recordings are read once, others again with what the first pass has found. `detect` is called by so many
    `threads` at once. Raises as `stream` does.
    """
    correction = UNCORRECTED
    plain: tuple[SpeechMap, Correction] | None = None
    for _ in range(MAX_PASSES):
        survey = Survey()
        with contextlib.closing(_read(audio, correction, survey)) as blocks:
            mapped = build_speech_map(blocks, detect, duration_s, threads)
        needed = survey.decide(correction)
        if needed == correction:
            break
        if needed.gain_db > 0 and survey.has_loud_moments():
            plain = mapped, replace(needed, gain_db=0.0)
        correction = needed
    if plain and mapped.speech_s < MORE_SPEECH * plain[0].speech_s + MORE_S:
        return plain
    return mapped, correction


def find_correction(audio: Audio) -> Correction:
    """Find the correction that a recording needs without mapping its speech. Raises as `stream` does.

    As `map_corrected` does; but a quiet recording with loud moments, where the speech decides, stays as it is.
    """
    correction = UNCORRECTED
    for _ in range(MAX_PASSES - 1):
        survey = Survey()
        with contextlib.closing(_read(audio, correction, survey)) as blocks:
            for _block in blocks:
                pass
        needed = survey.decide(correction)
        if needed.gain_db > 0 and survey.has_loud_moments():
            needed = replace(needed, gain_db=0.0)
        if needed.weights == correction.weights:
            return needed
        correction = needed
    return correction


def _read(audio: Audio, correction: Correction, survey: Survey) -> Generator[Samples, None, None]:
    observe = survey.channels.add if audio.channel is None else None
    blocks = stream(audio.parts, channel=audio.channel, correction=correction, observe=observe)
    with contextlib.closing(blocks):
        for block in blocks:
            survey.add(block)
            yield block


class Survey:
    """Measures of a recording, collected block by block."""

    def __init__(self) -> None:
        self.channels = ChannelSurvey()
        self._offsets: list[npt.NDArray[np.float64]] = []
        self._powers: list[npt.NDArray[np.float64]] = []
        self._rest = np.zeros(0, np.float32)

    def add(self, block: Samples) -> None:
        """Add consecutive samples, float32 (n,) at 16 kHz."""
        step = round(ENERGY_STEP_S * SAMPLE_RATE_HZ)
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(samples) // step * step
        steps = samples[:whole].reshape(-1, step).astype(np.float64)
        self._rest = samples[whole:].copy()
        offsets = steps.mean(axis=1)
        self._offsets.append(offsets)
        self._powers.append(np.square(steps).mean(axis=1) - np.square(offsets))

    def decide(self, applied: Correction) -> Correction:
        """Return the correction that the recording needs; `applied`: the one that its samples had.

        Levels count only if the channels were mixed as they are to be: else they are measured with the next pass.
        """
        weights = applied.weights or self.channels.choose_weights()
        if weights != applied.weights:
            return Correction(weights)
        if applied.gain_db or applied.removes_offset:
            return applied
        gain_db, removes_offset = decide_level(np.concatenate(self._powers or [np.zeros(0)]), self._get_offsets())
        return Correction(weights, gain_db, removes_offset)

    def has_loud_moments(self) -> bool:
        """Whether any half second has the level of usual speech."""
        return any(bool((powers >= 10 ** (QUIET_DBFS / 10)).any()) for powers in self._powers)

    def _get_offsets(self) -> npt.NDArray[np.float64]:
        return np.concatenate(self._offsets or [np.zeros(0)])


def _get_level(loudest_db: npt.NDArray[np.float64], share: float) -> float:
    """Return the level that `share` of the descending levels exceed, at most `LOUD_S`."""
    return float(
        loudest_db[min(math.ceil(share * len(loudest_db)), round(LOUD_S / ENERGY_STEP_S), len(loudest_db) - 1)]
    )


def describe_correction(correction: Correction) -> list[str]:
    """Describe a correction in one line for each of its parts.

    >>> describe_correction(Correction(((0.5, -0.5),), 24.0))[0]
    'its channels cancel each other when they are mixed, so channel 2 is turned over (is its cable wired wrongly?)'
    >>> describe_correction(Correction(((0.0, 1.0),)))
    ['its channels cancel each other when they are mixed, so channel 2 alone is taken']
    >>> describe_correction(Correction(gain_db=24.0, removes_offset=True))
    ['very quiet: amplified by 24 dB', 'its samples lie beside zero: the offset is removed']
    """
    lines = []
    for weights in correction.weights:
        turned = [f"{c + 1}" for c, w in enumerate(weights) if w < 0]
        taken = [f"{c + 1}" for c, w in enumerate(weights) if w == 1]
        how = (
            f"channel {taken[0]} alone is taken"
            if taken
            else f"channel {turned[0]} is turned over (is its cable wired wrongly?)"
            if len(turned) == 1
            else f"channels {', '.join(turned)} are turned over (are their cables wired wrongly?)"
        )
        lines.append(f"its channels cancel each other when they are mixed, so {how}")
    if correction.gain_db:
        what = "very quiet: amplified" if correction.gain_db > 0 else "far beyond full scale: turned down"
        lines.append(f"{what} by {abs(correction.gain_db):.0f} dB")
    if correction.removes_offset:
        lines.append("its samples lie beside zero: the offset is removed")
    return lines


def decide_level(powers: npt.NDArray[np.float64], offsets: npt.NDArray[np.float64]) -> tuple[float, bool]:
    """Return (gain in dB, whether to remove an offset) for mean powers without offset, and offsets, of half seconds.

    Digital silence does not count. The gain takes the recording's level to that of usual speech.
    """
    levels_db = 10 * np.log10(np.maximum(powers, 1e-30))
    audible = levels_db > SILENT_DBFS
    if not audible.any():
        return 0.0, False
    loudest = np.sort(levels_db[audible])[::-1]
    level_db, others_db = (_get_level(loudest, share) for share in (LOUD_SHARE, MOMENTS_SHARE))
    if others_db < DEAF_DBFS:
        level_db = others_db
    offset = float(np.percentile(np.abs(offsets[audible]), 95))
    removes_offset = offset > MAX_OFFSET_SHARE * 10 ** (level_db / 20)
    gain_db = 0.0 if QUIET_DBFS <= level_db <= BEYOND_DBFS else round(TARGET_DBFS - level_db, 1)
    return gain_db, removes_offset
