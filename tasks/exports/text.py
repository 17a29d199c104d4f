"""Format fields and times (whole milliseconds) for text formats."""

from __future__ import annotations

import unicodedata

from tasks.intervals import Span, merge_spans
from tasks.records import Transcript
from tasks.text import to_one_line

FSI, PDI = "\u2068", "\u2069"
"""First strong isolate, pop directional isolate: text between them has its own direction."""
GAP = "[…]"
"""Text of spans that could not be transcribed."""


def format_field(text: str) -> str:
    """Format `text` as one field of a line with blanks between fields; never empty.

    >>> format_field("a b"), format_field("")
    ('a_b', '_')
    """
    return "_".join(to_one_line(text).split()) or "_"


def label_line(label: str, line: str) -> str:
    """Put a speaker's label before the first line of a text. Where one of them is written from right to left, each is
    isolated (UAX #9: FSI … PDI), so that neither turns the other around.

    >>> label_line("Ana", "Good morning.")
    'Ana: Good morning.'
    >>> label_line("Ana", "صباح الخير.") == "\u2068Ana\u2069: \u2068صباح الخير.\u2069"
    True
    """
    if is_right_to_left(label) or is_right_to_left(line):
        label, line = f"{FSI}{label}{PDI}", f"{FSI}{line}{PDI}"
    return f"{label}: {line}"


def isolate(text: str) -> str:
    """Isolate a text that is written from right to left."""
    return f"{FSI}{text}{PDI}" if is_right_to_left(text) else text


def is_right_to_left(text: str) -> bool:
    """Check whether the first strong character is one of a script written from right to left (UAX #9, P2).

    >>> is_right_to_left("12 שלום"), is_right_to_left("C'est שלום"), is_right_to_left("12")
    (True, False, False)
    """
    return next((kind != "L" for c in text if (kind := unicodedata.bidirectional(c)) in ("L", "R", "AL")), False)


def to_ms(seconds: float) -> int:
    """Round to whole milliseconds.

    >>> to_ms(1.9996)
    2000
    """
    return round(seconds * 1000)


def format_seconds(milliseconds: int) -> str:
    """Format seconds with three decimals.

    >>> format_seconds(90061001)
    '90061.001'
    """
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def find_untranscribed(transcript: Transcript) -> list[Span]:
    """Find the spans of failed chunks, neighbours merged."""
    return merge_spans(c.core for c in transcript.chunks if c.status == "failed")
