"""A transcript in the formats of other people's tools: one module a format, each with a pure `write`.

The registry is EXPORTS; `render` writes what is asked for, by file name, ready to be published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.exports import ctm, report, rttm, seglst, srt, timeline, transcript_json, txt, vtt
from tasks.exports.report.links import linked
from tasks.records import Transcript


class Export(NamedTuple):
    """A format: the name of its file, and what writes it."""

    file_name: str
    write: Callable[[Transcript], str]


EXPORTS: dict[str, Export] = {
    "srt": Export("transcript.srt", srt.write),
    "vtt": Export("transcript.vtt", vtt.write),
    "txt": Export("transcript.txt", txt.write),
    "json": Export("transcript.json", transcript_json.write),
    "rttm": Export("transcript.rttm", rttm.write),
    "ctm": Export("transcript.ctm", ctm.write),
    "seglst": Export("transcript.seglst.json", seglst.write),
    "report": Export("report.html", report.write),
}

PICTURES: dict[str, timeline.Form] = {"timeline.png": "png", "timeline.svg": "svg"}
"""Drawn when asked for by name, which is the file's, too; see `timeline.write`."""


def render(
    transcript: Transcript, formats: Sequence[str] | None = None, *, folder: Path | None = None
) -> dict[str, str]:
    """The contents of `transcript.srt`, …, `report.html` by file name: of the named formats, or of all.

    `folder` is where they will lie: from there the report finds the recording's sound, if `path` of its parts says
    where that is. Raises UsageError for a format that there isn't.
    """
    # For all of them at once: each of them asks for it.
    transcript = canonical(transcript if folder is None else linked(transcript, folder))
    unknown = sorted(set(formats or ()) - set(EXPORTS))
    if unknown:
        raise UsageError(f"there is no export {', '.join(unknown)}; there are {', '.join(EXPORTS)}.")
    chosen = EXPORTS if formats is None else {name: EXPORTS[name] for name in formats}
    return {export.file_name: export.write(transcript) for export in chosen.values()}
