"""Sound that a report carries: small, and the same sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.audio.decode import decode
from tasks.audio.opus import encode_recording
from tasks.intervals import Span
from tasks.settings.home import sample


def test_opus_is_small_similar_and_reproducible(tmp_path: Path) -> None:
    import soundfile

    talk = decode(sample(), Span(300.0, 420.5))
    source, path = tmp_path / "talk.wav", tmp_path / "talk.opus"
    soundfile.write(source, talk, 16_000)
    packed = encode_recording(source)
    path.write_bytes(packed)
    assert len(packed) < 120.5 * 24_000 / 8 * 1.3
    back = decode(path, Span(0.0, 120.5))
    assert abs(len(back) - len(talk)) < 160
    loud = [np.sqrt(np.square(x[: 120 * 16_000]).reshape(-1, 800).mean(1)) for x in (talk, back)]
    assert np.corrcoef(*loud)[0, 1] > 0.97
    assert encode_recording(source) == packed
