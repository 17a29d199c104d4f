"""CTM: the words and their times (NIST).

    line = file channel start duration word [ confidence ]

Fields are separated by single blanks, none contains one; times in seconds; channels from 1; confidence 0–1, left out
where there is none. Sorted by channel, then start. CTM has no speakers. Words without a visible character are left
out; a mark that stands apart from its word (`c'est ?`) joins it.
"""

from __future__ import annotations

import re

from tasks.canonical import canonical
from tasks.exports.text import format_field, format_seconds, to_ms
from tasks.records import Transcript, Word
from tasks.text import to_one_line

_MARKS_APART = re.compile(r"(?<=[«„“‘‚(¿¡–—…-]) | (?=[«»“”‘’\"').,;:?!…–—-]+(?: |$))")
"""Blanks after opening marks and dashes, and before marks that stand alone."""


def write(transcript: Transcript) -> str:
    """Write transcript.ctm; empty for a transcript without words."""
    transcript = canonical(transcript)
    name = format_field(transcript.recording.recording_id)
    words = sorted(transcript.words, key=lambda w: w.channel)  # stable: by start within a channel
    return "".join(_format_line(name, word) for word in words if to_one_line(word.text))


def _format_line(name: str, word: Word) -> str:
    import numpy as np

    start, end = to_ms(word.start_s), to_ms(word.end_s)
    # As float32, the type in the tables, so that an export from them has the same bytes.
    known = word.confidence is not None and np.isfinite(word.confidence)
    confidence = f" {float(np.float32(word.confidence)):.4f}" if known else ""
    times = f"{format_seconds(start)} {format_seconds(end - start)}"
    return f"{name} {word.channel + 1} {times} {_format_word(word.text)}{confidence}\n"


def _format_word(text: str) -> str:
    """Format a word as one field: without the blanks beside marks, with `_` for others.

    >>> _format_word("« Oui ! »"), _format_word("heart –"), _format_word("New York")
    ('«Oui!»', 'heart–', 'New_York')
    """
    return format_field(_MARKS_APART.sub("", to_one_line(text)))
