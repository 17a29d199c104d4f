"""What reference files hold: utterances, regions that are not scored, and remarks on what was left out of them."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.intervals import Span


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words of one speaker; times in seconds. `speaker` is "" where the source names none."""

    start_s: float
    end_s: float
    speaker: str
    text: str

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A stretch that a reference excludes from scoring; times in seconds."""

    start_s: float
    end_s: float

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Remark:
    """A line for people on what a reader left out of a file."""

    text: str
