"""Sounds put together: streams that change midway, chains, and what is no sound in between."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus.containers import whole
from tests.corpus.kinds import RATE_HZ, TALK_S, Kind, add, kind, talk, talk_at
from tests.helpers.sound_files import write_sound, write_video

BOTH = (2 * TALK_S - 0.3, 2 * TALK_S + 0.3)


def stereo(suffix: str, codec: str, rate_hz: int = 44_100) -> bytes:
    """The talk in stereo at another rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stereo.{suffix}"
        wave = np.stack([talk_at(rate_hz)] * 2, axis=1)
        if codec == "vorbis":
            soundfile.write(path, wave, rate_hz, format="OGG", subtype="VORBIS")
        else:
            write_sound(path, wave, rate_hz, codec)
        return path.read_bytes()


def joined(name: str, file: str, *codecs: str, seconds: tuple[float, float] = BOTH, steady: bool = True) -> None:
    """A kind that is the talk twice, one file behind the other; with a codec given, the second is another."""

    def make(folder: Path) -> Path:
        path = folder / file
        suffix = path.suffix[1:]
        second = stereo(suffix, codecs[0], 48_000) if codecs else whole(suffix)
        path.write_bytes(whole(suffix) + second)
        return path

    add(Kind(name, make, seconds=seconds, steady=steady))


joined("two MP3s of different rates and channels, joined", "joined.mp3", "libmp3lame")
joined("two ADTS streams of different rates and channels, joined", "joined.aac", "aac")
joined("the same MP3 twice", "twice.mp3")
joined("a chained Opus", "chained.opus", "libopus")
joined("an Opus chained to itself", "twice.opus")
joined("a chained Vorbis of different rates", "chained.ogg", "vorbis")
joined("two FLACs, joined", "twice.flac")
joined("two FLACs of different rates and channels, joined", "joined.flac", "flac")
joined("two AC-3 streams of different channels, joined", "joined.ac3", "ac3")
joined("two WAVs, joined", "joined.wav", seconds=(TALK_S - 0.1, TALK_S + 0.1))


@kind("two MPEG transport streams, joined: the clock starts again", seconds=BOTH, listed=False)
def twice_ts(folder: Path) -> Path:
    path = write_video(folder / "twice.ts", talk())
    path.write_bytes(path.read_bytes() * 2)
    return path


@kind("an MP3 with a hole of 100 kB of nothing", seconds=(TALK_S - 0.5, TALK_S + 10))
def hole(folder: Path) -> Path:
    path, data = folder / "hole.mp3", whole("mp3")
    half = len(data) // 2
    path.write_bytes(data[:half] + bytes(100_000) + data[half:])
    return path


@kind("an MP3 with a web page in the middle", seconds=(TALK_S - 0.5, TALK_S + 10))
def page_inside(folder: Path) -> Path:
    path, data = folder / "page-inside.mp3", whole("mp3")
    half = len(data) // 2
    path.write_bytes(data[:half] + b"<html><body>504 Gateway Timeout</body></html>\n" * 500 + data[half:])
    return path


def leaping(name: str, file: str, leap_s: float, seconds: tuple[float, float]) -> None:
    """A kind that is the talk twice, between them a leap of the clock."""

    def make(folder: Path) -> Path:
        import av

        path = folder / file
        with av.open(str(path), "w") as out:
            track = out.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
            whole_ = (talk() * 32_767).astype(np.int16).reshape(1, -1)
            for first in (0, round(leap_s * RATE_HZ)):
                for start in range(0, whole_.shape[1], 1600):
                    part = np.ascontiguousarray(whole_[:, start : start + 1600])
                    frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                    frame.rate, frame.pts = RATE_HZ, first + start
                    out.mux(track.encode(frame))
            out.mux(track.encode(None))
        return path

    add(Kind(name, make, seconds=seconds))


leaping("an MKA with two hours of nothing in it", "hours.mka", 7200.0, (7205.9, 7206.1))
leaping("an MKA whose clock leaps ten years", "years.mka", 10 * 365 * 86_400.0, BOTH)


@kind("a video without sound", refused="holds no audio")
def silent_film(folder: Path) -> Path:
    import av

    path = folder / "silent.mp4"
    with av.open(str(path), "w") as file:
        pictures = file.add_stream("mpeg4", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        file.mux(pictures.encode(None))
    return path


@kind("a video whose sound starts late", seconds=(TALK_S + 1.5, TALK_S + 2.5))
def late_sound(folder: Path) -> Path:
    return write_video(folder / "late.mkv", talk(), RATE_HZ, sound_starts_s=2.0)
