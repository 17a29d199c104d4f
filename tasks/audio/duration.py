"""Measure the duration of a file's sound: a header's is used only if frames decode at the end that it states."""

from __future__ import annotations

from tasks.audio.resample import MAX_LEAP_S, convert_frames
from tasks.audio.source import Source, open_source
from tasks.records import SAMPLE_RATE_HZ

_TAIL_S = 5.0
"""How much of a recording's end is decoded to find its last frame."""
_TRUSTED_S = 0.5
"""A header whose duration exceeds the real one by no more than this is accepted: codecs pad."""


def measure_duration_s(source: Source) -> float:
    """Measure seconds from the sound's start to its end. Moves the position of `source`."""
    by_header_s = read_header_duration_s(source)
    if by_header_s is not None:
        end_s = _find_end_s(source, by_header_s)
        if end_s is not None and by_header_s - _TRUSTED_S <= end_s <= MAX_LEAP_S:
            return end_s
    counted_s = find_last_packet_s(source)
    end_s = None if counted_s is None else _find_end_s(source, counted_s)
    if end_s is None or end_s > MAX_LEAP_S:  # no timestamps, broken ones, or not seekable: count samples
        with open_source(source.path, source.link, source.track) as afresh:
            ends = (at + len(samples) for at, samples in convert_frames(afresh.read_frames(), source.path, None))
            end_s = max(ends, default=0) / SAMPLE_RATE_HZ
    return end_s


def read_header_duration_s(source: Source) -> float | None:
    """Read the end of the sound in the header, seconds; None where there is none."""
    if source.stream.duration is not None and source.stream.time_base is not None:
        start = source.stream.start_time or 0
        return float((start + source.stream.duration) * source.stream.time_base) - source.origin_s
    if source.container.duration is not None:
        return source.container.duration / 1_000_000
    return None


def _find_end_s(source: Source, time_s: float) -> float | None:
    """Find the end of the last frame that decodes, from a little before `time_s` on; None if there is none."""
    end_s = None
    if not source.seek(max(0.0, time_s - _TAIL_S)):
        return None
    for frame, at_s in source.read_frames():
        if at_s is None:
            return None
        end_s = max(end_s or 0.0, at_s + frame.samples / frame.sample_rate)
    return end_s


def find_last_packet_s(source: Source) -> float | None:
    """Find the time of the last packet, by reading all of them without decoding any."""
    if not source.seek(0.0):
        return None
    last = max((p.pts for p in source.read_packets() if p.pts is not None and p.size), default=None)
    return None if last is None else float(last * source.stream.time_base) - source.origin_s
