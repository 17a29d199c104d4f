"""Quiet sound, sound beside zero and channels that cancel: the speech map finds what it finds in the plain sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.audio import level
from tasks.audio.channel_survey import choose_weights, measure_cross_powers
from tasks.audio.decode import UNCORRECTED, Samples, decode, load, reference_audio, stream
from tasks.audio.level import correct_samples, correct_stream, limit_peaks
from tasks.audio.probe import probe
from tasks.audio.speech_map import Silero
from tasks.audio.speech_map import load as load_silero
from tasks.audio.survey import decide_level, map_corrected
from tasks.intervals import Span, intersect, measure_union_s
from tasks.records import Correction
from tasks.settings.home import sample
from tests.helpers.sound_files import make_noise

RATE = 16_000
LENGTH_S = 12.0
QUANTISED, EXACT = 0.8, 0.97
"""Least common share of the spans. At −60 dB, 16 bits leave speech at −80 dBFS two or three steps: their noise closes
pauses and shifts ends."""

Transform = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def silero() -> Silero:
    return load_silero()


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return decode(sample(), Span(345, 345 + LENGTH_S)).astype(np.float64)


def hear(path: Path, sound: np.ndarray, silero: Silero, subtype: str = "FLOAT") -> tuple[list[Span], Correction]:
    """(speech, correction) of `sound`, (n,) or (n, channels), written to `path`."""
    soundfile.write(path, sound, RATE, subtype=subtype)
    recording = probe(path)
    mapped, correction = map_corrected(reference_audio(recording), silero.find_speech, recording.duration_s)
    return list(mapped.speech), correction


def check_same_speech(found: list[Span], plain: list[Span], least: float = EXACT) -> None:
    assert measure_union_s(plain) > 0.5 * LENGTH_S
    assert measure_union_s(intersect(found, plain)) / measure_union_s([*found, *plain]) > least


def add_clicks(quiet: np.ndarray) -> np.ndarray:
    clicked = quiet.copy()
    clicked[5 * RATE], clicked[5 * RATE + 400 : 5 * RATE + 480] = 1.0, -0.9
    return clicked


QUIET: dict[str, tuple[Transform, str, float]] = {
    "-40 dB": (lambda x: x * 0.01, "FLOAT", EXACT),
    "-60 dB": (lambda x: x * 0.001, "FLOAT", EXACT),
    "-60 dB in 24 bits": (lambda x: x * 0.001, "PCM_24", EXACT),
    "-40 dB in 16 bits": (lambda x: x * 0.01, "PCM_16", 0.95),
    "-60 dB in 16 bits": (lambda x: x * 0.001, "PCM_16", QUANTISED),
    "-20 dB in 8 bits": (lambda x: x * 0.1, "PCM_U8", QUANTISED),
    "-60 dB and clicks": (lambda x: add_clicks(x * 0.001), "FLOAT", EXACT),
    "-60 dB and digital silence": (lambda x: np.append(x * 0.001, np.zeros(60 * RATE)), "FLOAT", EXACT),
    "40 dB over full scale": (lambda x: x * 100, "FLOAT", EXACT),
    "integers written as floats": (lambda x: x * 32768, "FLOAT", EXACT),
    "offset of a half": (lambda x: x * 0.1 + 0.5, "PCM_16", EXACT),
    "offset of -0.9": (lambda x: np.clip(x * 0.1 - 0.9, -1, 1), "PCM_16", EXACT),
    "offset at -60 dB": (lambda x: x * 0.001 + 0.2, "FLOAT", EXACT),
    "drifting offset": (lambda x: x * 0.1 + np.linspace(-0.5, 0.5, len(x)), "PCM_16", EXACT),
}


@pytest.mark.parametrize("name", QUIET)
def test_speech_is_found_at_any_level_and_offset(
    name: str, voice: np.ndarray, silero: Silero, tmp_path: Path
) -> None:
    transform, subtype, least = QUIET[name]
    plain, nothing = hear(tmp_path / "plain.wav", voice, silero)
    found, correction = hear(tmp_path / "a.wav", transform(voice), silero, subtype)
    check_same_speech(found, plain, least)
    assert (nothing, correction != nothing) == (UNCORRECTED, True)


def test_a_loud_moment_is_neither_clipped_nor_hides_the_rest(
    voice: np.ndarray, silero: Silero, tmp_path: Path
) -> None:
    plain, _ = hear(tmp_path / "plain.wav", voice, silero)
    quiet = voice * 0.001
    quiet[3 * RATE : 3 * RATE + RATE // 2] = voice[3 * RATE : 3 * RATE + RATE // 2]
    found, correction = hear(tmp_path / "a.wav", quiet, silero)
    check_same_speech(found, plain)
    heard = decode(tmp_path / "a.wav", Span(3.05, 3.45), correction=correction)
    original = voice[round(3.05 * RATE) : round(3.45 * RATE)]
    assert np.abs(heard).max() <= 1.0
    assert np.corrcoef(heard, original)[0, 1] > 0.9


def test_a_tenth_of_the_sound_may_be_loud(voice: np.ndarray, silero: Silero, tmp_path: Path) -> None:
    plain, _ = hear(tmp_path / "plain.wav", voice, silero)
    quiet = voice * 0.001
    quiet[3 * RATE : round(4.2 * RATE)] = voice[3 * RATE : round(4.2 * RATE)]
    found, correction = hear(tmp_path / "a.wav", quiet, silero)
    check_same_speech(found, plain, 0.9)  # the pause in the loud part is louder than speech elsewhere
    assert correction.gain_db > 40


def test_rare_speech_in_silence_is_heard_as_it_is(voice: np.ndarray, silero: Silero, tmp_path: Path) -> None:
    """Its noise is as quiet as a quiet recording is, but amplified it holds no speech."""
    noise = np.random.default_rng(4).standard_normal(60 * RATE) * 3e-4
    noise[20 * RATE : 22 * RATE] += voice[2 * RATE : 4 * RATE]
    found, correction = hear(tmp_path / "a.wav", noise, silero)
    assert correction == UNCORRECTED
    assert measure_union_s(intersect(found, [Span(19.9, 22.1)])) == pytest.approx(measure_union_s(found))


HISS = np.random.default_rng(3).standard_normal((round(LENGTH_S * RATE), 2)) * 1e-4


def mix(*levels: float, delay: int = 0) -> Transform:
    """One voice on several channels; the last one later by `delay` samples."""

    def transform(x: np.ndarray) -> np.ndarray:
        return np.stack([*(x * v for v in levels[:-1]), np.roll(x, delay) * levels[-1]], axis=1)

    return transform


CANCELLING: dict[str, Transform] = {
    "inverted": mix(1, -1),
    "inverted, with hiss": lambda x: mix(1, -1)(x) + HISS[: len(x)],
    "inverted and fainter": mix(1, -0.8),
    "inverted and a sample later": mix(1, -1, delay=1),
    "inverted and quiet": mix(0.001, -0.001),
    "a pair of 5.1": mix(1, -1, 0, 0, 0, 0),
    "a pair of 5.1, and a soft centre": mix(1, -1, 0.05, 0, 0, 0),
    "every other of four": mix(1, -1, 1, -1),
    "two against one": mix(0.5, 0.5, -1),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_channels_that_cancel_are_heard(name: str, voice: np.ndarray, silero: Silero, tmp_path: Path) -> None:
    plain, _ = hear(tmp_path / "plain.wav", voice, silero)
    found, correction = hear(tmp_path / "a.wav", CANCELLING[name](voice), silero)
    check_same_speech(found, plain)
    assert len(correction.weights) == 1


@pytest.mark.parametrize(
    "channels", [mix(1, 1), mix(1, 0), mix(1, -0.3), mix(1, 1, delay=8), mix(1, 1, delay=80), mix(0, 0, 1, 0, 0, 0)]
)
def test_ordinary_channels_stay_as_they_are(
    voice: np.ndarray, silero: Silero, tmp_path: Path, channels: Transform
) -> None:
    plain, _ = hear(tmp_path / "plain.wav", voice, silero)
    found, correction = hear(tmp_path / "a.wav", channels(voice), silero)
    check_same_speech(found, plain)
    assert correction.weights == ()


def test_inverted_channels_sound_like_one_of_them(voice: np.ndarray, silero: Silero, tmp_path: Path) -> None:
    _, correction = hear(tmp_path / "a.wav", mix(1, -1)(voice), silero)
    heard = load(reference_audio(probe(tmp_path / "a.wav"), correction=correction), Span(2, 6))
    np.testing.assert_allclose(heard, voice[2 * RATE : 6 * RATE], atol=1e-6)


def test_a_voice_that_one_channel_alone_has_is_not_lost() -> None:
    one, other = make_noise(20.0, seed=1).astype(np.float64), make_noise(20.0, seed=2).astype(np.float64)
    one[10 * RATE :] = other[: 10 * RATE] = 0.0
    sound = np.stack([one + other, other - one])  # `one` cancels in the mean, `other` in the difference
    halves = sound.reshape(2, -1, RATE // 2).swapaxes(0, 1)
    assert choose_weights(np.array([measure_cross_powers(half, RATE) for half in halves])) in ((1.0, 0.0), (0.0, 1.0))


def test_a_cable_that_is_swapped_for_a_while_loses_nothing() -> None:
    frames = make_noise(50.0).astype(np.float64).reshape(-1, RATE // 2)
    swapped = [np.stack([frame, -frame if 40 <= i < 43 else frame]) for i, frame in enumerate(frames)]
    powers = np.array([measure_cross_powers(frame, RATE) for frame in swapped])
    assert choose_weights(powers) in ((1.0, 0.0), (0.0, 1.0))
    assert choose_weights(powers[:40]) == (0.5, 0.5)


@given(st.integers(0, 300), st.integers(1, 200), st.floats(1.0, 60.0), st.booleans())
def test_a_span_by_itself_equals_that_span_of_the_whole(
    first: int, length: int, gain_db: float, removes_offset: bool
) -> None:
    """In hundredths of a second, of 5 s with peaks that the limiter turns down."""
    correction = Correction((), gain_db, removes_offset)
    wave = make_noise(5.0) + np.float32(0.1)
    pieces = np.array_split(wave, 7)
    whole = np.concatenate(list(correct_stream(iter(pieces), correction)))
    start = level.align(first * 160 - level.MARGIN)
    end = min(len(wave), (first + length) * 160)
    alone = correct_samples(wave[start : end + level.MARGIN], correction)[first * 160 - start : end - start]
    np.testing.assert_allclose(alone, whole[first * 160 : end], atol=1e-3 * np.abs(whole).max())
    assert len(whole) == len(wave)


def test_the_whole_is_decoded_as_it_is_streamed(voice: np.ndarray, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", voice * 0.01 + 0.2, RATE)
    correction = Correction((), 40.0, True)
    parts = probe(tmp_path / "a.flac").parts
    whole = np.concatenate(list(stream(parts, 1.7, correction=correction)))
    for span in (Span(0, 2), Span(3.21, 7.77), Span(LENGTH_S - 1, LENGTH_S)):
        alone = decode(parts, span, correction=correction)
        np.testing.assert_allclose(alone, whole[round(span.start_s * RATE) : round(span.end_s * RATE)], atol=1e-4)
    assert not decode(parts, Span(LENGTH_S + 1, LENGTH_S + 2), correction=correction).any()


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=40))
@example([14.0, 1.9e-42])
def test_no_peak_passes_full_scale(loudness: list[float]) -> None:
    wave = np.repeat(np.array(loudness, np.float32), 400) * make_noise(len(loudness) * 400 / RATE)
    limited = limit_peaks(wave)
    assert np.abs(limited).max() <= 1.0
    heard = np.abs(wave) > 1e-30  # smaller ones may come out as 0
    assert (np.sign(limited) == np.sign(wave))[heard].all()


def half_seconds(level_dbfs: float, count: int) -> Iterator[float]:
    return iter([10 ** (level_dbfs / 10)] * count)


@pytest.mark.parametrize(
    ("levels", "gain_db"),
    [
        ({-20: 100}, 0.0),
        ({-39: 100}, 0.0),
        ({-50: 100}, 24.0),
        ({-86: 100}, 60.0),
        ({10: 100}, -36.0),
        ({-50: 100, -200: 10_000}, 24.0),  # digital silence
        ({-20: 4, -60: 96}, 34.0),  # a loud moment
        ({-20: 70, -65: 170_000}, 0.0),  # half a minute of speech in a quiet day
        ({-200: 10}, 0.0),
    ],
)
def test_level_of_a_recording(levels: dict[int, int], gain_db: float) -> None:
    powers = np.array([p for level_dbfs, count in levels.items() for p in half_seconds(level_dbfs, count)])
    assert decide_level(powers, np.zeros(len(powers))) == (pytest.approx(gain_db), False)


def test_an_ordinary_recording_is_read_once(voice: np.ndarray, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([voice, 0.5 * voice], axis=1), RATE)
    recording = probe(tmp_path / "a.wav")
    heard: list[Samples] = []
    audio = reference_audio(recording)
    _, correction = map_corrected(audio, lambda window: heard.append(window) or [], recording.duration_s)  # type: ignore[func-returns-value]
    assert (len(heard), correction) == (1, UNCORRECTED)
    np.testing.assert_array_equal(heard[0], decode(tmp_path / "a.wav", Span(0, LENGTH_S)))
    assert audio.key.endswith("/mix/decode-2")
    assert reference_audio(recording, correction=Correction(gain_db=24.0)).key != audio.key
