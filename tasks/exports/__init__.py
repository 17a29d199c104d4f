"""A transcript in the formats of other people's tools: one module a format, each with a pure `write`.

The registry is EXPORTS; `render` writes what is asked for, by file name, ready to be published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tasks.errors import UsageError
from tasks.exports import ctm, rttm, seglst, srt, transcript_json, txt, vtt
from tasks.records import Transcript
from tasks.transcripts import tidy


class Export(NamedTuple):
    """A format: the suffix of its file, and what writes it."""

    suffix: str
    write: Callable[[Transcript], str]

    @property
    def file_name(self) -> str:
        return f"transcript{self.suffix}"


EXPORTS: dict[str, Export] = {
    "srt": Export(".srt", srt.write),
    "vtt": Export(".vtt", vtt.write),
    "txt": Export(".txt", txt.write),
    "json": Export(".json", transcript_json.write),
    "rttm": Export(".rttm", rttm.write),
    "ctm": Export(".ctm", ctm.write),
    "seglst": Export(".seglst.json", seglst.write),
}


def render(transcript: Transcript, formats: Sequence[str] | None = None) -> dict[str, str]:
    """The contents of `transcript.srt`, … by file name: of the named formats, or of all.

    Raises UsageError for a format that there isn't.
    """
    transcript = tidy(transcript)
    unknown = sorted(set(formats or ()) - set(EXPORTS))
    if unknown:
        raise UsageError(f"there is no export {', '.join(unknown)}; there are {', '.join(EXPORTS)}.")
    chosen = EXPORTS if formats is None else {name: EXPORTS[name] for name in formats}
    return {export.file_name: export.write(transcript) for export in chosen.values()}
