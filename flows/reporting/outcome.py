"""What a run of one recording came to: the value that the flow returns, as plain JSON."""

from __future__ import annotations

from typing import TypedDict


class SpeakerLine(TypedDict):
    speaker: str
    name: str | None
    """Of the person, where known."""
    maybe: str | None
    """The name, or else the voice, of a known person that this may be."""
    turn_s: float
    num_words: int
    num_segments: int


class Outcome(TypedDict):
    """Seconds are seconds; `engine_calls` is 0 where everything came from the cache."""

    recording_id: str
    run_id: str
    """The flow run's, as all tables have it."""
    source_name: str
    status: str
    """complete, or partial where chunks failed."""
    out: str
    exports: str
    """The folder with the recording's transcript files."""
    duration_s: float
    speech_s: float
    wall_s: float
    num_words: int
    num_speakers: int
    num_chunks: int
    chunks_failed: int
    errors: list[str]
    """One line for each failed chunk."""
    language: str | None
    engine_calls: int
    steps: int
    steps_cached: int
    speakers: list[SpeakerLine]
