"""What a comparison knows: what each candidate did, how right it is or how far it agrees, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.evaluation.normalizers import Unit
from tasks.intervals import Span
from tasks.records import Word


@dataclass(frozen=True, slots=True)
class EngineRun:
    """What one candidate made of a recording. Times in seconds, memory in MiB."""

    label: str
    engine: str
    model: str
    device: str
    words: tuple[Word, ...] = ()
    language: str | None = None
    work_s: float = 0.0
    """Of transcription, over all chunks, without loading and without waiting for the engine."""
    load_s: float | None = None
    """Of the longest time that it was loaded; None where no step of its loaded it."""
    peak_mb: float = 0.0
    """Most memory of the process that it is in."""
    steps: int = 0
    cached: int = 0
    """Of `steps`, those whose result is of an earlier run, and so are its costs."""
    errors: tuple[str, ...] = ()
    """Why chunks failed, a line each."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Error rates against the reference, fractions of its words or characters; None where both are too long."""

    unit: Unit
    written: float | None
    """Case and punctuation aside."""
    normalized: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place where candidates heard different words; `texts`: what each heard there, in their order."""

    span: Span
    texts: tuple[str, ...]
    size: int
    """Words that differ, of all pairs of candidates."""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidates on one recording."""

    recording_id: str
    source_name: str
    duration_s: float
    runs: tuple[EngineRun, ...]
    language: str | None
    """That decides how texts are normalised."""
    normalizer: str
    rates: tuple[Rates | None, ...]
    """Of each candidate; None without a reference, or without words of it."""
    agreement: tuple[tuple[float | None, ...], ...]
    """By candidate and candidate, 0–1: 1 − errors of the best alignment / words of the longer side."""
    places: tuple[Place, ...]

    @property
    def has_reference(self) -> bool:
        return any(self.rates)
