"""Format fields and times (whole milliseconds) for text formats."""

from __future__ import annotations

from tasks.intervals import Span, merge_spans
from tasks.records import Transcript
from tasks.text import to_one_line

GAP = "[…]"
"""Text of spans that could not be transcribed."""


def format_field(text: str) -> str:
    """Format `text` as one field of a line with blanks between fields; never empty.

    >>> format_field("a b"), format_field("")
    ('a_b', '_')
    """
    return "_".join(to_one_line(text).split()) or "_"


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
