"""Encode sound as Opus, for embedding in reports and for clips."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from tasks.audio.decode import UNCORRECTED, Samples, stream
from tasks.records import SAMPLE_RATE_HZ, Correction, Part

BIT_RATE = 24_000
"""Good quality for speech; 11 MB an hour."""


def encode_recording(source: Path | Sequence[Part], correction: Correction = UNCORRECTED) -> bytes:
    """Encode the whole recording as Ogg Opus, mono, the same bytes each time. Raises as `decode.stream` does."""
    return encode_opus(stream(source, correction=correction))


def encode_opus(blocks: Iterable[Samples]) -> bytes:
    """Encode samples (float32, mono, 16 kHz) as Ogg Opus."""
    import av

    file = io.BytesIO()
    # Bit exact: otherwise the stream's serial number is random.
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as out:
        sound = out.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono", options={"application": "voip"})
        sound.bit_rate = BIT_RATE
        next_pts = 0
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, next_pts
            next_pts += block.size
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return file.getvalue()
