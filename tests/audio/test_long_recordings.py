"""After hours, too, a span decoded by itself is that span of the whole, whatever the container can tell of places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.audio.decode import decode, stream
from tasks.audio.probe import probe
from tasks.intervals import Span
from tests.helpers.sound_files import make_noise, measure_lag_s, measure_similarity

pytestmark = pytest.mark.slow

RATE = 16_000
HOURS = 1.5
SPAN_S = 8.0
STARTS_S = (0.0, 600.137, 3600.5, 4500.0071, 5395.25)
"""Where a span is taken, the last one across the recording's end."""


@dataclass(frozen=True)
class Kind:
    """How a file is made: its name, codec, and the options of the codec and of the container."""

    name: str
    codec: str
    rate: int = RATE
    bit_rate: int | None = None
    codec_options: tuple[tuple[str, str], ...] = ()
    container_options: tuple[tuple[str, str], ...] = ()
    pictures: bool = False


FAST = (("compression_level", "9"),)
KINDS = (
    Kind("a.wav", "pcm_s16le"),
    Kind("b.flac", "flac"),
    Kind("constant.mp3", "libmp3lame", bit_rate=32_000, codec_options=FAST),
    Kind("constant-no-table.mp3", "libmp3lame", bit_rate=32_000, codec_options=FAST,
         container_options=(("write_xing", "0"),)),
    Kind("variable.mp3", "libmp3lame", codec_options=(*FAST, ("q", "6"), ("flags", "+qscale"))),
    Kind("variable-no-table.mp3", "libmp3lame", codec_options=(*FAST, ("q", "6"), ("flags", "+qscale")),
         container_options=(("write_xing", "0"),)),
    Kind("c.m4a", "aac", bit_rate=32_000),
    Kind("d.aac", "aac", bit_rate=32_000),
    Kind("e.opus", "libopus", bit_rate=24_000, codec_options=(("compression_level", "0"),)),
    Kind("f.mkv", "libopus", bit_rate=24_000, codec_options=(("compression_level", "0"),), pictures=True),
    Kind("g.mp4", "aac", bit_rate=32_000, pictures=True),
)  # fmt: skip


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("hours") / request.param.name
    make(path, request.param)
    yield path
    path.unlink()


def make(path: Path, kind: Kind) -> None:
    """`HOURS` of sound, no two minutes alike."""
    with av.open(f"file:{path}", "w", container_options=dict(kind.container_options)) as file:
        track = file.add_stream(kind.codec, rate=kind.rate, layout="mono", options=dict(kind.codec_options))
        if kind.bit_rate:
            track.bit_rate = kind.bit_rate
        pictures = None
        if kind.pictures:
            pictures = file.add_stream("mpeg4", rate=1)
            pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
        for minute in range(round(HOURS * 60)):
            wave = (make_noise(60, kind.rate, seed=minute) * 32767).astype(np.int16)
            for second in range(60):
                part = np.ascontiguousarray(wave[second * kind.rate : (second + 1) * kind.rate])
                frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
                frame.rate, frame.pts = kind.rate, (minute * 60 + second) * kind.rate
                file.mux(track.encode(frame))
                if pictures is not None:
                    picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), second * 4, np.uint8), format="rgb24")
                    picture.pts = minute * 60 + second
                    file.mux(pictures.encode(picture))
        file.mux(track.encode(None))
        if pictures is not None:
            file.mux(pictures.encode(None))


def test_late_spans_equal_those_of_whole(made: Path) -> None:
    wanted = {s: np.zeros(round(SPAN_S * RATE), np.float32) for s in STARTS_S}
    at = 0
    for block in stream(made):
        for start_s, kept in wanted.items():
            first = round(start_s * RATE)
            a, b = max(first, at), min(first + len(kept), at + len(block))
            if a < b:
                kept[a - first : b - first] = block[a - at : b - at]
        at += len(block)
    assert probe(made).duration_s == pytest.approx(at / RATE, abs=0.002)
    assert at / RATE == pytest.approx(HOURS * 3600, abs=0.1)
    for start_s, same in wanted.items():
        alone = decode(made, Span(start_s, start_s + SPAN_S))
        assert abs(measure_lag_s(alone, same)) <= 0.010, f"{start_s} s"
        assert measure_similarity(alone, same) > 0.99, f"{start_s} s"
