"""SubRip subtitles.

    file  = { cue blank-line }
    cue   = number newline time " --> " time newline line { newline line }
    time  = hours ":" mm ":" ss "," mmm        hours: two digits or more

The format knows neither speakers nor escapes. The speaker stands before the text. Players take `<…>` and `{\\…}` in
text for markup, and `-->` for a time line; in text that was spoken they become `‹…>`, `{/…}` and `--›`.
"""

from __future__ import annotations

from datetime import timedelta

from tasks.canonical import apply_speaker_names
from tasks.exports.cues import Cue, with_gaps
from tasks.exports.text import one_line
from tasks.records import Transcript


def write(transcript: Transcript) -> str:
    """transcript.srt; empty where nothing was said."""
    import srt

    subtitles = [
        srt.Subtitle(number, timedelta(milliseconds=cue.start_ms), timedelta(milliseconds=cue.end_ms), _text(cue))
        for number, cue in enumerate(with_gaps(apply_speaker_names(transcript)), 1)
    ]
    return str(srt.compose(subtitles, reindex=False))


def _text(cue: Cue) -> str:
    text = "\n".join(cue.lines)
    text = f"{one_line(cue.speaker)}: {text}" if cue.speaker else text
    return text.replace("-->", "--›").replace("<", "‹").replace("{\\", "{/")
