"""Sound as a small Opus file, for a report to carry along."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from tasks.audio.decode import stream
from tasks.audio.pieces import Samples
from tasks.records import SAMPLE_RATE_HZ

BIT_RATE = 24_000
"""Speech is good to listen to at it; 11 MB an hour."""


def opus(source: Path) -> bytes:
    """The whole recording as Ogg Opus, one channel, the same bytes each time. Raises as `decode.stream` does."""
    return opus_of(stream(source))


def opus_of(blocks: Iterable[Samples]) -> bytes:
    """Samples (float32, mono, 16 kHz) as Ogg Opus."""
    import av

    file = io.BytesIO()
    # Bit exact: else the stream's number is a random one.
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as out:
        sound = out.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono", options={"application": "voip"})
        sound.bit_rate = BIT_RATE
        told = 0
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, told
            told += block.size
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return file.getvalue()
