"""SubRip subtitles.

    file  = { cue blank-line }
    cue   = number newline time " --> " time newline line { newline line }
    time  = hours ":" mm ":" ss "," mmm        hours: two digits or more

The format knows neither speakers nor escapes. The speaker stands before the text, or dashes before two who speak, as
the subtitle profile says; text that is written from right to left, and its label, are isolated (FSI … PDI). Players
take `<…>` and `{\\…}` in text for markup, and `-->` for a time line; in spoken text they become `‹…>`, `{/…}` and
`--›`.
"""

from __future__ import annotations

from datetime import timedelta

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import PLAIN, SubtitleProfile
from tasks.exports.text import label_line
from tasks.records import Transcript
from tasks.text import to_one_line


def write(transcript: Transcript, style: SubtitleStyle | None = None) -> str:
    """Write transcript.srt; empty for a transcript without words. `style` left out: that of the transcript's run."""
    import srt

    style = style or style_of(transcript)
    subtitles = [
        srt.Subtitle(
            number,
            timedelta(milliseconds=cue.start_ms),
            timedelta(milliseconds=cue.end_ms),
            _format_text(cue, style.profile),
        )
        for number, cue in enumerate(build_subtitles(transcript, style), 1)
    ]
    return str(srt.compose(subtitles, reindex=False))


def _format_text(cue: Cue, profile: SubtitleProfile) -> str:
    text = "\n".join(_label_first(cue) if profile == PLAIN else list_shown_lines(cue, profile, isolate=True))
    return text.replace("-->", "--›").replace("<", "‹").replace("{\\", "{/")


def _label_first(cue: Cue) -> list[str]:
    first, *others = cue.lines
    return [label_line(to_one_line(cue.speaker), first) if cue.speaker else first, *others]
