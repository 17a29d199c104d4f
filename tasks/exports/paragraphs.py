"""What was said as paragraphs: one a segment, in the order of time. For formats that are read, not shown."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.canonical import apply_speaker_names
from tasks.exports.text import GAP, find_untranscribed, to_ms
from tasks.records import Transcript
from tasks.text import to_one_line


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A segment's text in one line; `speaker` by name, where there is one. Times are whole milliseconds."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str


def list_paragraphs(transcript: Transcript) -> list[Paragraph]:
    """List the segments with text, and `[…]` for each span that could not be transcribed, by start."""
    transcript = apply_speaker_names(transcript)
    found = [
        Paragraph(to_ms(s.start_s), to_ms(s.end_s), to_one_line(s.speaker) if s.speaker else None, text)
        for s in transcript.segments
        if (text := to_one_line(s.text))
    ]
    found += [Paragraph(to_ms(g.start_s), to_ms(g.end_s), None, GAP) for g in find_untranscribed(transcript)]
    return sorted(found, key=lambda p: p.start_ms)
