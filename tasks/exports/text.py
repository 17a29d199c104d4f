"""What all text formats need: text made safe for a line, and times as whole milliseconds."""

from __future__ import annotations

import unicodedata

from tasks.canonical import replace_surrogates
from tasks.intervals import Span, merge_spans
from tasks.records import Transcript

GAP = "[…]"
"""Stands where speech may have been and nothing could be transcribed."""

# Embeddings, overrides and isolates turn around what follows them in the line; the marks that Arabic and Hebrew
# need (U+200E, U+200F) do not.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """`text` in one line: white space of any kind is one blank, control characters are gone.

    >>> one_line(" so\\x00\\n\\n1\\u2028then ")
    'so 1 then'
    """
    text = " ".join(replace_surrogates(text).split())
    if text.isprintable():  # false for controls, and for some that are kept below
        return text
    return " ".join("".join(c for c in text if not _is_control(c)).split())


def field(text: str) -> str:
    """`text` as one field of a line whose fields are parted by blanks; never empty.

    >>> field("a b"), field("")
    ('a_b', '_')
    """
    return "_".join(one_line(text).split()) or "_"


def ms(seconds: float) -> int:
    """Whole milliseconds.

    >>> ms(1.9996)
    2000
    """
    return round(seconds * 1000)


def seconds(milliseconds: int) -> str:
    """Seconds with three decimals.

    >>> seconds(90061001)
    '90061.001'
    """
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def missing(transcript: Transcript) -> list[Span]:
    """What failed chunks should have told of, neighbours taken together."""
    return merge_spans(c.core for c in transcript.chunks if c.status == "failed")


def _is_control(char: str) -> bool:
    return unicodedata.category(char) == "Cc" or char in BIDI_CONTROLS
