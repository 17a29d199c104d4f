"""Plain text for reading.

    file       = { paragraph blank-line }
    paragraph  = "[" hours ":" mm ":" ss "] " [ speaker ": " ] text

One paragraph a segment, each in one line, so that grep finds who said it and when.
"""

from __future__ import annotations

from tasks.exports.text import clock, ms, one_line
from tasks.records import Transcript
from tasks.transcripts import tidy


def write(transcript: Transcript) -> str:
    """transcript.txt; empty where nothing was said."""
    paragraphs = []
    for segment in tidy(transcript).segments:
        text = one_line(segment.text)
        if text:
            who = f"{one_line(segment.speaker)}: " if segment.speaker else ""
            paragraphs.append(f"[{clock(ms(segment.start_s), '')}] {who}{text}\n")
    return "\n".join(paragraphs)
