"""Every container that we read and can write: whole, cut short, and with bytes flipped."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus.kinds import RATE_HZ, Kind, add, talk, talk_at
from tests.helpers.sound_files import write_sound, write_video

CODECS = {
    "wav": "pcm_s16le",
    "w64": "pcm_s16le",
    "aiff": "pcm_s16be",
    "au": "pcm_s16be",
    "caf": "pcm_s16be",
    "flac": "flac",
    "mp3": "libmp3lame",
    "mp2": "mp2",
    "aac": "aac",
    "m4a": "aac",
    "3gp": "aac",
    "opus": "libopus",
    "oga": "flac",
    "mka": "libopus",
    "webm": "libopus",
    "wma": "wmav2",
    "tta": "tta",
    "wv": "wavpack",
    "avi": "libmp3lame",
    "ac3": "ac3",
}
FASTER = {"ac3": 48_000, "wma": 44_100}
"""Rates of the codecs that don't know 16 kHz."""
FILMS = ("mp4", "mov", "mkv")
CONTAINERS = (*CODECS, "ogg", *FILMS)

INDEX_LAST = {"m4a", "3gp", "mp4", "mov"}
"""Unreadable without their end: the index of their sound is there."""
UNREADABLE = "not a sound or video file|nothing in it can be decoded|holds no audio"


@functools.cache
def whole(suffix: str) -> bytes:
    """Six seconds of talk as a file of that kind."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"talk.{suffix}"
        if suffix == "ogg":
            soundfile.write(path, talk(), RATE_HZ, format="OGG", subtype="VORBIS")
        elif suffix in FILMS:
            write_video(path, talk())
        else:
            rate_hz = FASTER.get(suffix, RATE_HZ)
            write_sound(path, talk_at(rate_hz), rate_hz, CODECS[suffix])
        return path.read_bytes()


def cut(folder: Path, suffix: str, percent: int) -> Path:
    """The first so many hundredths of the file, as a copy that was interrupted."""
    path, data = folder / f"cut-{percent}.{suffix}", whole(suffix)
    path.write_bytes(data[: max(1, len(data) * percent // 100)])
    return path


def flipped(folder: Path, suffix: str) -> Path:
    """A bit turned over in twenty bytes, past the first 2 kB: what a dying card does."""
    path, data = folder / f"flipped.{suffix}", bytearray(whole(suffix))
    random = np.random.default_rng(5)
    for at in random.integers(min(2048, len(data) // 2), len(data), 20):
        data[at] ^= 1 << int(random.integers(0, 8))
    path.write_bytes(data)
    return path


HEADERS_SUFFICE = {"wav", "w64", "aiff", "au", "caf", "ac3"}
"""A hundredth of them still has a header and some sound."""

for _suffix in CONTAINERS:
    _made = functools.partial(cut, suffix=_suffix)
    _gone = None if _suffix in HEADERS_SUFFICE else UNREADABLE
    _half = UNREADABLE if _suffix in INDEX_LAST | {"wv"} else None  # WavPack counts in blocks of seconds
    _end = UNREADABLE if _suffix in INDEX_LAST else None
    add(Kind(f"{_suffix} cut at 1 %", functools.partial(_made, percent=1), _gone, seconds=(0.04, 0.1), speech=False))
    add(Kind(f"{_suffix} cut at 50 %", functools.partial(_made, percent=50), _half, seconds=(2.4, 3.3)))
    add(Kind(f"{_suffix} cut at 99 %", functools.partial(_made, percent=99), _end, seconds=(3.9, 6.1)))
    add(Kind(f"{_suffix}, whole", functools.partial(_made, percent=100), seconds=(5.9, 6.1)))
    add(
        Kind(
            f"{_suffix} with flipped bits",
            functools.partial(flipped, suffix=_suffix),
            UNREADABLE,
            either=True,
            speech=False,
            steady=False,
        )
    )
