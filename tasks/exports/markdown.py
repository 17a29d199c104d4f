"""Markdown (CommonMark) for reading: a heading, then a paragraph a segment with its time, and the speaker if another.

What Markdown or HTML could take for markup is escaped, so that spoken text stays text. None of it begins a line. Text
that is written from right to left is isolated (FSI … PDI) from what stands before it.
"""

from __future__ import annotations

import re

from tasks.exports.paragraphs import list_paragraphs
from tasks.exports.text import isolate
from tasks.intervals import format_duration, format_timestamp
from tasks.records import Transcript
from tasks.text import to_one_line

_MARKUP = re.compile(r"([\\`*\[\]<>~|$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)|#(?=#*$))")


def write(transcript: Transcript) -> str:
    """Write transcript.md; the heading alone for a transcript without words."""
    recording = transcript.recording
    facts = [format_duration(recording.duration_s)]
    if recording.recorded_at:
        facts.insert(0, to_one_line(recording.recorded_at))
    out = [f"# {escape(to_one_line(recording.source_name))}", ", ".join(map(escape, facts))]
    last: str | None = None
    for one in list_paragraphs(transcript):
        who = f"**{escape(one.speaker)}** " if one.speaker and one.speaker != last else ""
        last = one.speaker
        out.append(f"{who}`{format_timestamp(one.start_ms, '')}` {isolate(escape(one.text))}")
    return "\n\n".join(out) + "\n"


def escape(text: str) -> str:
    r"""Escape what Markdown could take for markup.

    >>> print(escape("It's *so* <b>, [x](y), SPEAKER_00 &amp; AT&T."))
    It's \*so\* \<b\>, \[x\](y), SPEAKER_00 \&amp; AT&T.
    """
    return _MARKUP.sub(r"\\\1", text)
