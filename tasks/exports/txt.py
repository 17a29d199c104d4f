"""Plain text for reading.

    file       = { paragraph blank-line }
    paragraph  = "[" hours ":" mm ":" ss "] " [ speaker ": " ] text

One paragraph a segment, each in one line, so that grep shows speaker and time; `[…]` for each span that could not be
transcribed. Text of scripts written from right to left and its speaker are isolated (FSI … PDI).
"""

from __future__ import annotations

from tasks.canonical import apply_speaker_names
from tasks.exports.text import GAP, find_untranscribed, label_line, to_ms
from tasks.intervals import format_timestamp
from tasks.records import Transcript
from tasks.text import to_one_line


def write(transcript: Transcript) -> str:
    """Write transcript.txt; empty for a transcript without words."""
    transcript = apply_speaker_names(transcript)
    said = [(to_ms(g.start_s), GAP) for g in find_untranscribed(transcript)]
    for segment in transcript.segments:
        text = to_one_line(segment.text)
        if text:
            text = label_line(to_one_line(segment.speaker), text) if segment.speaker else text
            said.append((to_ms(segment.start_s), text))
    return "\n".join(f"[{format_timestamp(start, '')}] {text}\n" for start, text in sorted(said, key=lambda s: s[0]))
