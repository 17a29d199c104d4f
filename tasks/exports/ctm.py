"""CTM: the words and their times (NIST).

    line = file channel start duration word [ confidence ]

Fields parted by single blanks, none with a blank inside; times in seconds; channels from 1; confidence 0–1, left out
where there is none. Sorted by channel, then start. CTM has no speakers. Words without a visible character are left
out.
"""

from __future__ import annotations

from tasks.canonical import canonical
from tasks.exports.text import field, ms, one_line, seconds
from tasks.records import Transcript, Word


def write(transcript: Transcript) -> str:
    """transcript.ctm; empty where nothing was said."""
    transcript = canonical(transcript)
    name = field(transcript.recording.recording_id)
    words = sorted(transcript.words, key=lambda w: w.channel)  # stable: by start within a channel
    return "".join(_line(name, word) for word in words if one_line(word.text))


def _line(name: str, word: Word) -> str:
    import numpy as np

    start, end = ms(word.start_s), ms(word.end_s)
    # As float32, which is what the tables hold: written again from them the file is the same.
    known = word.confidence is not None and np.isfinite(word.confidence)
    confidence = f" {float(np.float32(word.confidence)):.4f}" if known else ""
    return f"{name} {word.channel + 1} {seconds(start)} {seconds(end - start)} {field(word.text)}{confidence}\n"
