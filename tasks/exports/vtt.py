"""WebVTT (https://www.w3.org/TR/webvtt1/).

    file  = "WEBVTT" newline { newline cue }
    cue   = time " --> " time [ " " position ] newline voice { newline voice } newline
    voice = [ "<v " speaker ">" ] line { newline line } [ "</v>" ]
    time  = hours ":" mm ":" ss "." mmm        hours: two digits or more

Cues that are shown at the same time stand side by side. In text `&`, `<` and `>` are escaped, so spoken text cannot
form tags or `-->`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import PLAIN, SubtitleProfile
from tasks.intervals import format_timestamp
from tasks.records import Transcript
from tasks.text import to_one_line

LEFT, RIGHT = "position:5% align:left size:45%", "position:95% align:right size:45%"
"""Where two cues are shown that overlap."""


def write(transcript: Transcript, style: SubtitleStyle | None = None) -> str:
    """Write transcript.vtt; only the header for a transcript without words. `style` left out: that of its run."""
    import webvtt

    style = style or style_of(transcript)
    cues = build_subtitles(transcript, style)
    places = {} if style.profile == PLAIN else place_side_by_side(cues)
    captions = [
        webvtt.Caption(
            format_timestamp(cue.start_ms),
            format_timestamp(cue.end_ms),
            _format_text(cue, style.profile),
            settings=places.get(i),
        )
        for i, cue in enumerate(cues)
    ]
    return str(webvtt.WebVTT(captions=captions).content).rstrip("\n") + "\n"


def place_side_by_side(cues: Sequence[Cue]) -> dict[int, str]:
    """Place cues that overlap the one before them on the other side; by index, none for the others."""
    places: dict[int, str] = {}
    for i, (cue, following) in enumerate(pairwise(cues)):
        if following.start_ms < cue.end_ms:
            places.setdefault(i, LEFT)
            places[i + 1] = RIGHT if places[i] == LEFT else LEFT
    return places


def _format_text(cue: Cue, profile: SubtitleProfile) -> str:
    # Voice tags say who speaks; the dashes stay for players that don't show them.
    unlabelled = replace(profile, speakers="none") if profile.speakers == "label" else profile
    shown = list(zip(cue.speakers or (cue.speaker,) * len(cue.lines), list_shown_lines(cue, unlabelled), strict=True))
    parts = [
        (owner, "\n".join(_escape(line) for _, line in lines))
        for owner, lines in groupby(shown, key=lambda pair: pair[0])
    ]
    # A voice that is alone needs no end tag.
    end = "</v>" if len(parts) > 1 else ""
    return "\n".join(f"<v {_escape(to_one_line(owner))}>{text}{end}" if owner else text for owner, text in parts)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
