"""Utterances: words of one speaker, the form in which references and transcripts are scored."""

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
