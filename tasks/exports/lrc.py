"""LRC, the lyrics of music players, a line a cue.

    file = { "[" tag ":" value "]" newline } newline { "[" mm ":" ss "." xx "] " line newline }

Minutes have two digits or more, xx are hundredths. An empty line ends a cue that is followed by silence.
"""

from __future__ import annotations

from itertools import zip_longest

from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.text import to_ms
from tasks.records import Transcript
from tasks.text import to_one_line

SILENCE_MS = 3_000
"""From this silence on, the last line does not stay."""


def write(transcript: Transcript, style: SubtitleStyle | None = None) -> str:
    """Write transcript.lrc; the tags alone for a transcript without words."""
    style = style or style_of(transcript)
    cues = build_subtitles(transcript, style)
    length = _format_time(to_ms(transcript.recording.duration_s)).split(".")[0]
    out = [f"[ti:{_clean(transcript.recording.source_name)}]", f"[length:{length}]", "[by:Daylong]", ""]
    for cue, following in zip_longest(cues, cues[1:]):
        text = " ".join(list_shown_lines(cue, style.profile, isolate=True))
        out.append(f"[{_format_time(cue.start_ms)}]{_clean(text)}")
        if following is None or following.start_ms - cue.end_ms >= SILENCE_MS:
            out.append(f"[{_format_time(cue.end_ms)}]")
    return "\n".join(out) + "\n"


def _format_time(milliseconds: int) -> str:
    """Format minutes, seconds and hundredths.

    >>> _format_time(3_723_456)
    '62:03.45'
    """
    minutes, rest = divmod(milliseconds // 10, 6000)
    return f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"


def _clean(text: str) -> str:
    """Text in which no bracket or angle begins a time."""
    return to_one_line(text).replace("[", "(").replace("]", ")").replace("<", "‹").replace(">", "›")
