"""Sound files of every kind, written with the FFmpeg inside PyAV, and measures of how two sounds differ."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def make_noise(seconds: float, rate: int = 16_000, seed: int = 7) -> np.ndarray:
    """Soft noise whose loudness changes four times a second: no two seconds of it are alike. float32 (n,)."""
    random = np.random.default_rng(seed)
    size = round(seconds * rate)
    rough = np.convolve(random.standard_normal(size).astype(np.float32), np.hanning(9) / 4, "same")
    loudness = np.repeat(np.abs(random.standard_normal(int(seconds * 4) + 2)), rate // 4)[:size]
    return np.clip(0.12 * rough * loudness, -0.99, 0.99).astype(np.float32)


def write_sound(path: Path, wave: np.ndarray, rate: int = 16_000, codec: str = "pcm_s16le") -> Path:
    """Write `wave` (n,) or (n, channels) in −1…1 as a sound file; the suffix of the name chooses the container."""
    with av.open(f"file:{path}", "w") as file:
        _encode(file, _track(file, wave, rate, codec), wave)
    return path


def write_video(path: Path, wave: np.ndarray, rate: int = 16_000, sound_starts_s: float = 0.0) -> Path:
    """Write a video of grey pictures, five a second, with `wave` (n,) as its sound."""
    with av.open(f"file:{path}", "w") as file:
        pictures = file.add_stream("mpeg4", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        track = _track(file, wave, rate, "aac")
        for index in range(round(5 * len(wave) / rate)):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index % 256, np.uint8), format="rgb24")
            picture.pts = index
            file.mux(pictures.encode(picture))
        file.mux(pictures.encode(None))
        _encode(file, track, wave, first=round(sound_starts_s * rate))
    return path


def cut_sample(path: Path, seconds: float, start_s: float = 0.0) -> Path:
    """Write `seconds` of the bundled sample from `start_s` on as FLAC."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, decode(sample(), Span(start_s, start_s + seconds)), 16_000)
    return path


def _track(file: av.container.OutputContainer, wave: np.ndarray, rate: int, codec: str) -> av.AudioStream:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[1 if wave.ndim == 1 else wave.shape[1]]
    options = {"libopus": {"compression_level": "0"}, "libmp3lame": {"compression_level": "9"}, "wmav2": {"b": "64k"}}
    return file.add_stream(codec, rate=rate, layout=layout, options=options.get(codec, {}))


def _encode(file: av.container.OutputContainer, track: av.AudioStream, wave: np.ndarray, first: int = 0) -> None:
    whole, rate = (wave * 32767).astype(np.int16), track.rate
    for start in range(0, len(whole), rate):
        part = np.ascontiguousarray(whole[start : start + rate]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout=track.layout.name)
        frame.rate, frame.pts = rate, first + start
        file.mux(track.encode(frame))
    file.mux(track.encode(None))


def measure_lag_s(late: np.ndarray, early: np.ndarray, rate: int = 16_000) -> float:
    """Seconds by which `late` lies behind `early`, by the peak of their cross-correlation."""
    size = 1 << int(np.ceil(np.log2(len(late) + len(early))))
    match = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    best = int(np.argmax(match))
    return (best - size if best > size // 2 else best) / rate


def measure_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """1.0 where two sounds are the same but for their level and a lag, 0 where they have nothing in common."""
    b = np.roll(b, round(measure_lag_s(a, b) * 16_000))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9))
