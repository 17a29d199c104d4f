"""Where a file's sound ends: its header is believed only where sound is found at the end that it promises."""

from __future__ import annotations

from tasks.audio.pieces import LEAP_S, pieces
from tasks.audio.source import Source, open_source
from tasks.records import SAMPLE_RATE_HZ

_TAIL_S = 5.0
"""How much of a recording's end is decoded to see where it ends."""
_TRUSTED_S = 0.5
"""A header that promises at most so much more than there is counts as true: codecs pad."""


def duration_of(source: Source) -> float:
    """Seconds from the recording's start to its end. Leaves `source` anywhere."""
    by_header_s = header_duration_s(source)
    if by_header_s is not None:
        end_s = _end_near(source, by_header_s)
        if end_s is not None and by_header_s - _TRUSTED_S <= end_s <= LEAP_S:
            return end_s
    counted_s = last_packet_s(source)
    end_s = None if counted_s is None else _end_near(source, counted_s)
    if end_s is None or end_s > LEAP_S:  # no clock in it, or a broken one, or not to be sought: count samples
        with open_source(source.path, source.link) as afresh:
            ends = (at + len(samples) for at, samples in pieces(afresh.frames(), source.path, None))
            end_s = max(ends, default=0) / SAMPLE_RATE_HZ
    return end_s


def header_duration_s(source: Source) -> float | None:
    """Where the header says that the recording ends, seconds; None where it doesn't."""
    if source.stream.duration is not None and source.stream.time_base is not None:
        start = source.stream.start_time or 0
        return float((start + source.stream.duration) * source.stream.time_base) - source.origin_s
    if source.container.duration is not None:
        return source.container.duration / 1_000_000
    return None


def _end_near(source: Source, time_s: float) -> float | None:
    """The end of the last frame that decodes, sought a little before `time_s`; None if there is none."""
    end_s = None
    if not source.seek(max(0.0, time_s - _TAIL_S)):
        return None
    for frame, at_s in source.frames():
        if at_s is None:
            return None
        end_s = max(end_s or 0.0, at_s + frame.samples / frame.sample_rate)
    return end_s


def last_packet_s(source: Source) -> float | None:
    """The time of the last packet, by reading all of them without decoding any."""
    if not source.seek(0.0):
        return None
    last = max((p.pts for p in source.packets() if p.pts is not None and p.size), default=None)
    return None if last is None else float(last * source.stream.time_base) - source.origin_s
