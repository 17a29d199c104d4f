"""SubRip subtitles.

    file  = { cue blank-line }
    cue   = number newline time " --> " time newline line { newline line }
    time  = hours ":" mm ":" ss "," mmm        hours: two digits or more

The format knows neither speakers nor escapes. The speaker stands before the text; both are isolated (FSI … PDI) where
one is written from right to left. Players take `<…>` and `{\\…}` in
text for markup, and `-->` for a time line; in spoken text they become `‹…>`, `{/…}` and `--›`.
"""

from __future__ import annotations

from datetime import timedelta

from tasks.canonical import apply_speaker_names
from tasks.exports.cue_timing import Cue
from tasks.exports.cues import build_cues_with_gaps
from tasks.exports.text import label_line
from tasks.records import Transcript
from tasks.text import to_one_line


def write(transcript: Transcript) -> str:
    """Write transcript.srt; empty for a transcript without words."""
    import srt

    subtitles = [
        srt.Subtitle(
            number, timedelta(milliseconds=cue.start_ms), timedelta(milliseconds=cue.end_ms), _format_text(cue)
        )
        for number, cue in enumerate(build_cues_with_gaps(apply_speaker_names(transcript)), 1)
    ]
    return str(srt.compose(subtitles, reindex=False))


def _format_text(cue: Cue) -> str:
    first, *others = cue.lines
    if cue.speaker:
        first = label_line(to_one_line(cue.speaker), first)
    text = "\n".join([first, *others])
    return text.replace("-->", "--›").replace("<", "‹").replace("{\\", "{/")
