"""The return value of the flow for one recording, as plain JSON."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SpeakerLine(TypedDict):
    """One speaker of the recording; `speaker` is the label, `turn_s` seconds of turns."""

    speaker: str
    name: str | None
    """Name of the person, if known."""
    maybe: str | None
    """Name, or else voice id, of a known person that this may be."""
    turn_s: float
    num_words: int
    num_segments: int


class Outcome(TypedDict):
    """Result of a run. Fields ending in `_s` are seconds; `engine_calls` is 0 if everything came from the cache."""

    recording_id: str
    run_id: str
    """Id of the flow run, as in all tables."""
    source_name: str
    status: str
    """complete, or partial if chunks failed or lack speech at a seam."""
    out: str
    """The folder of the tables."""
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
    """One line for each chunk that failed or is incomplete."""
    language: str | None
    language_confidence: float | None
    """Probability of the language, 0–1; None if it was set, or there are several."""
    languages: list[str]
    """Those that words were recognised in, by their number of words."""
    alarms: NotRequired[list[str]]
    """Where the recording's quality is too low, a line each; absent in outcomes of before there were any."""
    engine_calls: int
    steps: int
    steps_cached: int
    speakers: list[SpeakerLine]
