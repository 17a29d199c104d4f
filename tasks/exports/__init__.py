"""Export a transcript to the formats of other tools: one module a format, each with a pure `write`.

EXPORTS registers the formats; `render` returns the contents of files by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.exports import ctm, report, rttm, seglst, srt, timeline, transcript_json, txt, vtt
from tasks.exports.report.links import relativize_paths
from tasks.records import Transcript


class Export(NamedTuple):
    """A format: the name of its file, and the function that writes it."""

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
"""Pictures, by file name, with their format; drawn on request only. See `timeline.write`."""


def render(
    transcript: Transcript, formats: Sequence[str] | None = None, *, folder: Path | None = None
) -> dict[str, str]:
    """Render `transcript.srt`, …, `report.html`, by file name: the named formats, or all.

    `folder` is the files' destination: the report refers to the recording's sound by paths relative to it, from
    `path` of its parts. Raises UsageError for an unknown format.
    """
    # Once for all formats: each would compute it.
    transcript = canonical(transcript if folder is None else relativize_paths(transcript, folder))
    unknown = sorted(set(formats or ()) - set(EXPORTS))
    if unknown:
        raise UsageError(f"there is no export {', '.join(unknown)}; there are {', '.join(EXPORTS)}.")
    chosen = EXPORTS if formats is None else {name: EXPORTS[name] for name in formats}
    return {export.file_name: export.write(transcript) for export in chosen.values()}
