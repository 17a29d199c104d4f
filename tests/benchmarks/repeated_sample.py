"""The bundled sample again and again: recordings of any length in which somebody speaks in every chunk."""

from __future__ import annotations

from pathlib import Path


def repeat_sample(folder: Path, hours: float, start_s: float = 0.0) -> Path:
    """Write a recording of so many hours to `folder`. `start_s`: of the sample, where it begins."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.records import SAMPLE_RATE_HZ
    from tasks.settings.home import sample

    name = f"sample repeated from {start_s:g} s.flac" if start_s else "sample repeated.flac"
    path, left_s = folder / name, hours * 3600
    with soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 1) as file:
        while left_s > 0:
            samples = decode(sample(), Span(start_s, min(start_s + left_s, 2100.0)))
            file.write(samples)
            left_s, start_s = left_s - len(samples) / SAMPLE_RATE_HZ, 0.0
    return path
