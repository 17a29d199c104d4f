"""Everybody has a microphone that hears the others: each keeps what its owner says, and nothing else."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from tasks.audio.bleed import correlate, estimate_noise_floor, remove_bleed
from tasks.audio.decode import Samples, decode
from tasks.audio.speech_map import FLOOR_DB, Silero, load, measure_energy_db
from tasks.intervals import Span, intersect, measure_union_s, merge_spans, subtract
from tasks.records import SAMPLE_RATE_HZ
from tasks.settings.home import sample

TALK_S = 40.0


@pytest.fixture(scope="module")
def silero() -> Silero:
    return load()


@pytest.fixture(scope="module")
def voices() -> tuple[Samples, Samples]:
    """Two people by themselves, each silent for half of the time and both speaking for a few seconds."""
    left, right = decode(sample(), Span(60, 60 + TALK_S)).copy(), decode(sample(), Span(400, 400 + TALK_S)).copy()
    left[: 12 * SAMPLE_RATE_HZ] = left[24 * SAMPLE_RATE_HZ : 36 * SAMPLE_RATE_HZ] = 0
    right[15 * SAMPLE_RATE_HZ : 24 * SAMPLE_RATE_HZ] = right[36 * SAMPLE_RATE_HZ :] = 0
    return left, right


def room(seed: int, t60_s: float = 0.25) -> np.ndarray:
    """How a voice arrives at somebody else's microphone: late, with a room's echo, as loud in all."""
    rng, n = np.random.default_rng(seed), SAMPLE_RATE_HZ // 10
    echo = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / SAMPLE_RATE_HZ / t60_s) * 0.15
    echo[:40] = 0
    echo[40] = 2.0
    return echo / np.sqrt(np.square(echo).sum())


def recorded(voices: tuple[Samples, Samples], bleed_db: float | None, gain_db: float = 0.0) -> list[Samples]:
    """What the two microphones record; the second one's level is off by `gain_db`."""
    rng = np.random.default_rng(3)
    out = []
    for own, other, seed, gain in ((*voices, 1, 0.0), (*voices[::-1], 2, gain_db)):
        heard = np.convolve(other, room(seed))[: len(other)] * (0 if bleed_db is None else 10 ** (bleed_db / 20))
        x = own + heard + rng.standard_normal(len(own)) * 3e-4
        out.append((x * 10 ** (gain / 20)).astype(np.float32))
    return out


def owned(channels: list[Samples], silero: Silero) -> tuple[list[list[Span]], list[list[Span]]]:
    """(speech by the map, own speech) of each channel."""
    maps = [silero.find_speech(x) for x in channels]

    def hear(channel: int) -> Generator[Samples, None, None]:
        yield from np.split(channels[channel], range(7 * SAMPLE_RATE_HZ, len(channels[channel]), 7 * SAMPLE_RATE_HZ))

    return maps, remove_bleed(maps, [estimate_noise_floor(measure_energy_db(x)) for x in channels], hear)


@pytest.mark.parametrize("bleed_db", [-24.0, -16.0, -8.0])
@pytest.mark.parametrize("gain_db", [0.0, -12.0])
def test_bleed_is_removed_from_other_channels(
    voices: tuple[Samples, Samples], silero: Silero, bleed_db: float, gain_db: float
) -> None:
    said = [silero.find_speech(v) for v in voices]
    maps, own = owned(recorded(voices, bleed_db, gain_db), silero)
    if bleed_db == -8.0:  # the microphones hear the others
        assert min(measure_union_s(subtract(mapped, mine)) for mine, mapped in zip(said, maps, strict=True)) > 4.0
    for mine, kept in zip(said, own, strict=True):
        assert measure_union_s(subtract(kept, merge_spans(s.grow(0.3) for s in mine))) < 1.0
        assert measure_union_s(subtract(mine, kept)) < 0.1 * measure_union_s(mine)


def test_bleed_is_removed_with_digital_silence_between_files(voices: tuple[Samples, Samples], silero: Silero) -> None:
    def parted(sound: Samples) -> Samples:
        return np.insert(sound, 20 * SAMPLE_RATE_HZ, np.zeros(6 * SAMPLE_RATE_HZ, np.float32))

    said = [silero.find_speech(parted(v)) for v in voices]
    _, own = owned([parted(x) for x in recorded(voices, -8.0, -12.0)], silero)
    for mine, kept in zip(said, own, strict=True):
        assert measure_union_s(subtract(kept, merge_spans(s.grow(0.3) for s in mine))) < 1.0
        assert measure_union_s(subtract(mine, kept)) < 0.1 * measure_union_s(mine)


@pytest.mark.parametrize("silent", [0, 1, 10, 1000])
def test_noise_floor_ignores_digital_silence(silent: int) -> None:
    heard = np.linspace(-60.0, -20.0, 101).astype(np.float16)
    assert estimate_noise_floor(np.append(heard, np.full(silent, FLOOR_DB, np.float16))) == -56.0
    assert estimate_noise_floor(np.full(silent, FLOOR_DB, np.float16)) == FLOOR_DB


def test_overlapping_speech_without_bleed_is_kept(voices: tuple[Samples, Samples], silero: Silero) -> None:
    maps, own = owned(recorded(voices, None), silero)
    assert measure_union_s(intersect(*maps)) > 2.0
    assert own == maps


def test_most_of_continuous_double_talk_is_kept(silero: Silero) -> None:
    voices = decode(sample(), Span(345, 385)), decode(sample(), Span(1705, 1745))
    _, own = owned(recorded(voices, -20.0), silero)
    for mine, kept in zip(map(silero.find_speech, voices), own, strict=True):
        assert measure_union_s(subtract(mine, kept)) < 0.15 * measure_union_s(mine)


def test_correlation_of_one_wave_and_of_two_voices(voices: tuple[Samples, Samples]) -> None:
    left, right = (
        v[25 * SAMPLE_RATE_HZ : 25 * SAMPLE_RATE_HZ + 8000] for v in (voices[1], voices[0][10 * SAMPLE_RATE_HZ :])
    )
    late = np.roll(left, 80) * np.float32(0.01)
    assert correlate(left, late) > 0.8
    assert correlate(left, right) < 0.15
    assert correlate(left, np.zeros_like(left)) == 0.0
