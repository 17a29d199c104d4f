"""A span decoded by itself is that span of the whole, in every format; damage leaves silence, not a shift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.audio.decode import decode, stream
from tasks.audio.probe import probe
from tasks.errors import TransientError, UnreadableAudio
from tasks.intervals import Span
from tests.helpers.sound_files import make_noise, measure_lag_s, measure_similarity, write_sound, write_video

RATE = 16_000

FORMATS = {
    "a.wav": (16_000, 1, "pcm_s16le", 120.0),
    "b.flac": (16_000, 1, "flac", 120.0),
    "c.mp3": (16_000, 1, "libmp3lame", 120.0),
    "d.m4a": (16_000, 1, "aac", 120.0),
    "e.opus": (16_000, 1, "libopus", 120.0),
    "f.mkv": (16_000, 1, "libopus", 120.0),
    "g.m4a": (44_100, 2, "aac", 30.0),
    "h.wav": (44_100, 2, "pcm_s24le", 30.0),
    "i.mp3": (48_000, 1, "libmp3lame", 30.0),
}
"""File name: sample rate, channels, codec, seconds."""


@pytest.fixture(scope="module", params=FORMATS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """(a file, all of it as it streams)."""
    rate, channels, codec, length_s = FORMATS[request.param]
    wave = make_noise(length_s, rate)
    path = tmp_path_factory.mktemp("formats") / request.param
    write_sound(path, np.stack([wave] * channels, axis=1), rate, codec)
    return path, np.concatenate(list(stream(path)))


@pytest.mark.parametrize("part", [0.0, 0.0021, 0.0133, 0.31, 0.50001, 0.95])
def test_span_equals_span_of_whole(made: tuple[Path, np.ndarray], part: float) -> None:
    path, whole = made
    start_s = part * FORMATS[path.name][3]
    alone = decode(path, Span(start_s, start_s + 5))
    first = round(start_s * RATE)
    same = np.pad(whole[first : first + 5 * RATE], (0, max(0, first + 5 * RATE - len(whole))))
    assert len(alone) == 5 * RATE
    assert abs(measure_lag_s(alone, same)) <= 0.010
    assert measure_similarity(alone, same) > 0.99


def test_sound_is_at_its_time(made: tuple[Path, np.ndarray]) -> None:
    path, whole = made
    rate, _, _, length_s = FORMATS[path.name]
    heard = whole[15 * RATE : 25 * RATE]
    original = make_noise(length_s, rate)[15 * rate : 25 * rate]
    grid = np.arange(len(heard)) * rate / RATE
    assert abs(measure_lag_s(heard, np.interp(grid, np.arange(len(original)), original))) <= 0.010


def test_probed_duration_equals_streamed(made: tuple[Path, np.ndarray]) -> None:
    path, whole = made
    assert probe(path).duration_s == pytest.approx(len(whole) / RATE, abs=0.002)
    assert probe(path).duration_s == pytest.approx(FORMATS[path.name][3], abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_lossless_is_exact(tmp_path: Path, rate: int) -> None:
    path = write_sound(tmp_path / "x.wav", make_noise(20, rate), rate)
    whole = np.concatenate(list(stream(path, 3.7)))
    alone = decode(path, Span(11.1, 17.3))
    assert len(whole) == 20 * RATE
    np.testing.assert_allclose(alone, whole[round(11.1 * RATE) :][: len(alone)], atol=1e-4)


def test_block_length(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.flac", make_noise(10), codec="flac")
    assert [len(b) for b in stream(path, 4.0)] == [64_000, 64_000, 32_000]


def test_silence_before_start_and_past_end(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.wav", make_noise(3))
    heard = decode(path, Span(-1.0, 5.0))
    assert len(heard) == 6 * RATE
    assert not heard[:RATE].any()
    assert heard[RATE : 4 * RATE].any()
    assert not heard[4 * RATE :].any()
    assert not decode(path, Span(100.0, 101.0)).any()


def test_mono_is_mean_or_one_channel(tmp_path: Path) -> None:
    left, right = make_noise(2, seed=1), make_noise(2, seed=2)
    path = write_sound(tmp_path / "x.wav", np.stack([left, right], axis=1))
    span = Span(0, 2)
    np.testing.assert_allclose(decode(path, span), (left + right) / 2, atol=1e-4)
    np.testing.assert_allclose(decode(path, span, channel=1), right, atol=1e-4)
    np.testing.assert_allclose(next(stream(path, channel=0)), left, atol=1e-4)
    with pytest.raises(UnreadableAudio, match="no channel 2"):
        decode(path, span, channel=2)


@pytest.mark.parametrize(("name", "codec"), [("x.m4a", "aac"), ("x.mkv", "libopus"), ("x.flac", "flac")])
def test_damage_does_not_shift_later_sound(tmp_path: Path, name: str, codec: str) -> None:
    path = write_sound(tmp_path / name, make_noise(30), codec=codec)
    sound = np.concatenate(list(stream(path)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + len(data) // 30] = bytes(len(data) // 30)  # a second of zeros
    path.write_bytes(data)
    damaged = np.concatenate(list(stream(path)))
    late = slice(20 * RATE, 28 * RATE)
    assert abs(measure_lag_s(damaged[late], sound[late])) <= 0.010
    assert measure_similarity(decode(path, Span(20, 28)), sound[late]) > 0.95


def test_timestamp_gap_becomes_silence(tmp_path: Path) -> None:
    import av

    wave, path = make_noise(20), tmp_path / "x.mka"
    with av.open(str(path), "w") as file:
        track = file.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start, pts in [(0, 0), (10 * RATE, 300 * RATE)]:
            samples = (wave[start : start + 10 * RATE] * 32767).astype(np.int16)[None]
            for at in range(0, 10 * RATE, 1600):
                frame = av.AudioFrame.from_ndarray(samples[:, at : at + 1600].copy(), format="s16", layout="mono")
                frame.rate, frame.pts = RATE, pts + at
                file.mux(track.encode(frame))
        file.mux(track.encode(None))
    whole = np.concatenate(list(stream(path)))
    assert len(whole) == 310 * RATE
    assert not whole[11 * RATE : 299 * RATE].any()
    np.testing.assert_allclose(whole[300 * RATE :], wave[10 * RATE :], atol=1e-4)
    np.testing.assert_allclose(decode(path, Span(302, 304)), whole[302 * RATE : 304 * RATE], atol=1e-4)
    np.testing.assert_allclose(decode(path, Span(200, 304)), whole[200 * RATE : 304 * RATE], atol=1e-4)


def test_video_audio_uses_container_start(tmp_path: Path) -> None:
    wave = make_noise(20)
    path = write_video(tmp_path / "x.mp4", wave, sound_starts_s=2.0)
    whole = np.concatenate(list(stream(path)))
    assert not whole[: int(1.9 * RATE)].any()
    assert abs(measure_lag_s(whole[5 * RATE : 15 * RATE], wave[3 * RATE : 13 * RATE])) <= 0.010
    assert measure_similarity(decode(path, Span(10, 12)), whole[10 * RATE : 12 * RATE]) > 0.99


def test_nan_and_infinity_become_silence(tmp_path: Path) -> None:
    import soundfile

    wave = make_noise(1)
    wave[100], wave[200] = np.nan, np.inf
    soundfile.write(tmp_path / "x.wav", wave, RATE, "FLOAT")
    heard = decode(tmp_path / "x.wav", Span(0, 1))
    assert np.isfinite(heard).all()
    np.testing.assert_allclose(heard[300:], wave[300:], atol=1e-6)


def test_missing_file_is_transient(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="gone"):
        decode(tmp_path / "x.wav", Span(0, 1))
