"""The bundled sample again and again: recordings of any length in which somebody speaks in every chunk."""

from __future__ import annotations

from pathlib import Path


def repeat_sample(folder: Path, hours: float) -> Path:
    """Write a recording of so many hours to `folder`."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.records import SAMPLE_RATE_HZ
    from tasks.settings.home import sample

    path, left_s = folder / "sample repeated.flac", hours * 3600
    with soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 1) as file:
        while left_s > 0:
            samples = decode(sample(), Span(0.0, min(left_s, 2100.0)))
            file.write(samples)
            left_s -= len(samples) / SAMPLE_RATE_HZ
    return path
