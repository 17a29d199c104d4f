"""Plain text for reading.

    file       = { paragraph blank-line }
    paragraph  = "[" hours ":" mm ":" ss "] " [ speaker ": " ] text

One paragraph a segment, each in one line, so that grep finds who said it and when; and one that says `[…]` where
nothing could be transcribed.
"""

from __future__ import annotations

from tasks.canonical import apply_speaker_names
from tasks.exports.text import GAP, missing, ms, one_line
from tasks.intervals import format_timestamp
from tasks.records import Transcript


def write(transcript: Transcript) -> str:
    """transcript.txt; empty where nothing was said."""
    transcript = apply_speaker_names(transcript)
    said = [(ms(g.start_s), GAP) for g in missing(transcript)]
    for segment in transcript.segments:
        text = one_line(segment.text)
        if text:
            who = f"{one_line(segment.speaker)}: " if segment.speaker else ""
            said.append((ms(segment.start_s), f"{who}{text}"))
    return "\n".join(f"[{format_timestamp(start, '')}] {text}\n" for start, text in sorted(said, key=lambda s: s[0]))
