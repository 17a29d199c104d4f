"""Advanced SubStation Alpha (.ass), a style and a colour for each speaker. Written by pysubs2 (extra `subtitles`).

Two who speak in one cue are two events at the same time, each in its style. Players stack them from the bottom up, in
the order of the file, so the one who speaks last stands first. In text, `{` and `\\`
would begin markup; they become `(` and `/`.
"""

from __future__ import annotations

import io
from collections.abc import Container
from itertools import groupby
from typing import TYPE_CHECKING

from tasks.exports.cue_timing import Cue
from tasks.exports.extras import require_package
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import choose_colours, list_shown_lines
from tasks.exports.subtitles.profile import SubtitleProfile
from tasks.records import Transcript
from tasks.text import to_one_line

if TYPE_CHECKING:
    from pysubs2 import SSAFile

WIDTH, HEIGHT = 1920, 1080
_PLAIN = str.maketrans("{}\\", "()/")


def write(transcript: Transcript, style: SubtitleStyle | None = None) -> str:
    """Write transcript.ass; no events for a transcript without words."""
    require_package("ass")
    import pysubs2

    style = style or style_of(transcript)
    cues = build_subtitles(transcript, style)
    base = pysubs2.SSAStyle(
        fontsize=60,
        outline=3,
        shadow=0,
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginv=54,
        marginl=96,
        marginr=96,
    )
    document = pysubs2.SSAFile()
    document.info |= {"PlayResX": str(WIDTH), "PlayResY": str(HEIGHT), "ScaledBorderAndShadow": "yes"}
    document.info["Title"] = _clean(transcript.recording.source_name)
    document.styles = {"Default": base}
    names: dict[str, str] = {}
    for speaker, colour in choose_colours(cues).items():
        red, green, blue = bytes.fromhex(colour)
        names[speaker] = _name_style(speaker, document.styles)
        document.styles[names[speaker]] = base.copy()
        document.styles[names[speaker]].primarycolor = pysubs2.Color(red, green, blue)
    for cue in cues:
        for owner, lines in reversed(list_parts(cue, style.profile)):
            document.events.append(
                pysubs2.SSAEvent(
                    start=cue.start_ms,
                    end=cue.end_ms,
                    text="\\N".join(line.translate(_PLAIN) for line in lines),
                    style=names.get(owner or "", "Default"),
                    name=_clean(owner or ""),
                )
            )
    return _to_text(document)


def _to_text(document: SSAFile) -> str:
    """The file's text. pysubs2 ends at 9:59:59; players read hours of any length."""
    from pysubs2.formats.substation import SubstationFormat

    class LongFormat(SubstationFormat):  # type: ignore[misc, unused-ignore]
        @staticmethod
        def ms_to_timestamp(requested_ms: int) -> str:
            hundredths = (requested_ms + 5) // 10
            minutes, rest = divmod(hundredths, 6000)
            return f"{minutes // 60}:{minutes % 60:02d}:{rest // 100:02d}.{rest % 100:02d}"

    out = io.StringIO()
    LongFormat.to_file(document, out, "ass")
    return out.getvalue()


def list_parts(cue: Cue, profile: SubtitleProfile) -> list[tuple[str | None, list[str]]]:
    """A cue's lines by speaker, in their order."""
    owners = cue.speakers or (cue.speaker,) * len(cue.lines)
    shown = zip(owners, list_shown_lines(cue, profile, isolate=True), strict=True)
    return [(owner, [line for _, line in lines]) for owner, lines in groupby(shown, key=lambda pair: pair[0])]


def _clean(text: str) -> str:
    """Text of a field: commas separate fields."""
    return to_one_line(text).translate(_PLAIN).replace(",", ";")


def _name_style(speaker: str, taken: Container[str]) -> str:
    name = _clean(speaker).strip("* ") or "Speaker"
    while name in taken:
        name += "'"
    return name
