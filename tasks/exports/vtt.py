"""WebVTT (https://www.w3.org/TR/webvtt1/).

    file  = "WEBVTT" newline { newline cue }
    cue   = time " --> " time newline [ "<v " speaker ">" ] line { newline line } newline
    time  = hours ":" mm ":" ss "." mmm        hours: two digits or more

In text `&`, `<` and `>` are escaped, so spoken text cannot form tags or `-->`.
"""

from __future__ import annotations

from tasks.canonical import apply_speaker_names
from tasks.exports.cue_timing import Cue
from tasks.exports.cues import build_cues_with_gaps
from tasks.intervals import format_timestamp
from tasks.records import Transcript
from tasks.text import to_one_line


def write(transcript: Transcript) -> str:
    """Write transcript.vtt; only the header for a transcript without words."""
    import webvtt

    captions = [
        webvtt.Caption(format_timestamp(cue.start_ms), format_timestamp(cue.end_ms), _format_text(cue))
        for cue in build_cues_with_gaps(apply_speaker_names(transcript))
    ]
    return str(webvtt.WebVTT(captions=captions).content).rstrip("\n") + "\n"


def _format_text(cue: Cue) -> str:
    text = "\n".join(map(_escape, cue.lines))
    return f"<v {_escape(to_one_line(cue.speaker))}>{text}" if cue.speaker else text


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
