"""One order and one form of a transcript, which the tables and every export rely on.

The steps already deliver transcripts in this form; here it is made certain, because the tables promise it and
because an export written again from the tables must equal, byte for byte, the one written by the run.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from tasks.errors import UsageError
from tasks.records import ChunkReport, Recording, Segment, Transcript, Turn, Word
from tasks.text import replace_surrogates

Timed = TypeVar("Timed", Word, Segment, Turn)
Made = TypeVar("Made")


def cache_last(make: Callable[[Transcript], Made]) -> Callable[[Transcript], Made]:
    """`make`, which remembers what it last made for as long as that transcript lives: exports ask for the same."""
    last: list[tuple[weakref.ref[Transcript], Made]] = []

    @functools.wraps(make)
    def made(transcript: Transcript) -> Made:
        held = last[0] if last else None  # of its own: another thread may make another transcript's meanwhile
        if held is None or held[0]() is not transcript:
            held = (weakref.ref(transcript, forget), make(transcript))
            last[:] = [held]
        return held[1]

    def forget(dead: weakref.ref[Transcript]) -> None:
        if last and last[0][0] is dead:
            last.clear()

    return made


_last: weakref.ref[Transcript] | None = None
"""What was made tidy last: every export asks for it, and a day's takes a third of a second."""


def canonical(transcript: Transcript) -> Transcript:
    """The transcript with times inside the recording, rows sorted by start, end, speaker, segments numbered in
    that order, text that UTF-8 can hold, and `recorded_at` told in the recording's time zone. Idempotent.
    """
    global _last
    if _last is not None and _last() is transcript:
        return transcript
    recording = _canonical_recording(transcript.recording)
    end_s = recording.duration_s
    segments, new_index = [], {}
    for place, segment in enumerate(_sort_clipped(transcript.segments, end_s)):
        new_index[segment.index] = place
        text = replace_surrogates(segment.text)
        if place != segment.index or text is not segment.text:
            segment = replace(segment, index=place, text=text)
        segments.append(segment)
    translations = [
        replace(t, segment=new_index[t.segment], text=replace_surrogates(t.text))
        for t in transcript.translations
        if t.segment in new_index
    ]
    words = []
    for word in _sort_clipped(transcript.words, end_s):
        text, place = replace_surrogates(word.text), new_index.get(word.segment, -1)
        if place != word.segment or text is not word.text:
            word = replace(word, text=text, segment=place)
        words.append(word)
    tidied = replace(
        transcript,
        recording=recording,
        words=tuple(words),
        segments=tuple(segments),
        turns=tuple(_sort_clipped(transcript.turns, end_s)),
        speakers=tuple(sorted(transcript.speakers, key=lambda s: s.label)),
        chunks=tuple(sorted(map(_canonical_chunk, transcript.chunks), key=lambda c: c.index)),
        translations=tuple(sorted(translations, key=lambda t: (t.language, t.segment))),
        quality=tuple(sorted(transcript.quality, key=lambda q: (q.hour, q.speaker or ""))),
    )
    _last = weakref.ref(tidied)
    return tidied


def apply_speaker_names(transcript: Transcript) -> Transcript:
    """The tidy transcript in whose segments and turns people are called by their names, where known."""
    transcript = canonical(transcript)
    return _apply_speaker_names(transcript) if any(s.name for s in transcript.speakers) else transcript


@cache_last
def _apply_speaker_names(transcript: Transcript) -> Transcript:
    names = {s.label: replace_surrogates(s.name) for s in transcript.speakers if s.name}
    segments = (replace(s, speaker=names.get(s.speaker or "", s.speaker)) for s in transcript.segments)
    turns = (replace(t, speaker=names.get(t.speaker, t.speaker)) for t in transcript.turns)
    return canonical(replace(transcript, segments=tuple(segments), turns=tuple(turns)))


def find_recording_start(recording: Recording) -> datetime | None:
    """When the recording starts, in its own time zone; None where that isn't known."""
    if recording.recorded_at is None:
        return None
    zone = _find_zone(recording.timezone)
    try:
        timestamp = datetime.fromisoformat(recording.recorded_at)
    except ValueError:
        raise UsageError(
            f"{recording.source_name}: recorded_at {recording.recorded_at!r} is not a time; "
            "write it like 2024-05-01T07:30:00+02:00."
        ) from None
    return timestamp.replace(tzinfo=zone) if timestamp.tzinfo is None else timestamp.astimezone(zone)


def find_recorded_date(transcript: Transcript) -> date:
    """Find the local day on which the recording starts, or the day of processing if the start is unknown."""
    start = find_recording_start(transcript.recording)
    if start is None:
        start = parse_timestamp(transcript.run.processed_at).astimezone(_find_zone(transcript.recording.timezone))
    return start.date()


def parse_timestamp(iso: str) -> datetime:
    """Parse an ISO 8601 timestamp to UTC; without an offset it counts as UTC.

    >>> parse_timestamp("2024-05-01T07:30:00+02:00").isoformat()
    '2024-05-01T05:30:00+00:00'
    """
    timestamp = datetime.fromisoformat(iso)
    return timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp.astimezone(UTC)


def _find_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder of the zone database, such as Europe
        raise UsageError(f"timezone {name!r} is not an IANA time zone; try UTC or Europe/Berlin.") from None


def _sort_clipped(items: Iterable[Timed], end_s: float) -> list[Timed]:
    held = []
    for item in items:
        start = min(max(item.start_s, 0.0), end_s)
        end = min(max(item.end_s, start), end_s)
        if start != item.start_s or end != item.end_s:
            item = replace(item, start_s=start, end_s=end)
        held.append(item)
    held.sort(key=lambda i: (i.start_s, i.end_s, i.speaker or ""))
    return held


def _canonical_recording(recording: Recording) -> Recording:
    start = find_recording_start(recording)
    return replace(
        recording,
        source_name=replace_surrogates(recording.source_name),
        parts=tuple(replace(p, name=replace_surrogates(p.name)) for p in recording.parts),
        recorded_at=None if start is None else start.isoformat(),
    )


def _canonical_chunk(chunk: ChunkReport) -> ChunkReport:
    return chunk if chunk.error is None else replace(chunk, error=replace_surrogates(chunk.error))
