"""Export a transcript to the formats of other tools: one module a format, each with a pure `write`.

EXPORTS registers the formats; `render` returns the contents of files by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.exports import (
    ass,
    csv_table,
    ctm,
    docx,
    lrc,
    markdown,
    report,
    rttm,
    seglst,
    srt,
    timeline,
    transcript_json,
    ttml,
    txt,
    vtt,
)
from tasks.exports.extras import is_available, require_package
from tasks.exports.report.links import relativize_paths
from tasks.exports.subtitles.build import SubtitleStyle
from tasks.exports.translated import list_translations, name_translated, read_translated
from tasks.records import Transcript


class Export(NamedTuple):
    """A format: the name of its file, the function that writes it, whether that takes a `SubtitleStyle`, too, and
    whether it is written in other languages: not what holds no text, or what was heard, for scoring."""

    file_name: str
    write: Callable[..., str | bytes]
    has_cues: bool = False
    translates: bool = True


EXPORTS: dict[str, Export] = {
    "srt": Export("transcript.srt", srt.write, has_cues=True),
    "vtt": Export("transcript.vtt", vtt.write, has_cues=True),
    "txt": Export("transcript.txt", txt.write),
    "json": Export("transcript.json", transcript_json.write),
    "rttm": Export("transcript.rttm", rttm.write, translates=False),
    "ctm": Export("transcript.ctm", ctm.write, translates=False),
    "seglst": Export("transcript.seglst.json", seglst.write, translates=False),
    "report": Export("report.html", report.write),
}
"""What a run writes where `exports.formats` is not set."""

MORE_EXPORTS: dict[str, Export] = {
    "ass": Export("transcript.ass", ass.write, has_cues=True),
    "ttml": Export("transcript.ttml", ttml.write, has_cues=True),
    "docx": Export("transcript.docx", docx.write),
    "md": Export("transcript.md", markdown.write),
    "csv": Export("transcript.csv", csv_table.write),
    "lrc": Export("transcript.lrc", lrc.write, has_cues=True),
}
"""Written on request."""

ALL_EXPORTS = EXPORTS | MORE_EXPORTS

PICTURES: dict[str, timeline.Form] = {"timeline.png": "png", "timeline.svg": "svg"}
"""Pictures, by file name, with their format; drawn on request only. See `timeline.write`."""


def formats_of(transcript: Transcript) -> tuple[str, ...]:
    """The formats that the transcript's run was told to write (`exports.formats`)."""
    given = (transcript.run.settings.get("exports") or {}).get("formats")
    return tuple(dict.fromkeys(given)) if given else tuple(EXPORTS)


def list_renewable(transcript: Transcript, folder: Path) -> list[str]:
    """The formats to write again when names have changed: those of the run, and others that somebody has exported to
    `folder` since and that can be written here."""
    own = formats_of(transcript)
    there = [name for name, export in ALL_EXPORTS.items() if (folder / export.file_name).exists()]
    return [*own, *(name for name in there if name not in own and is_available(name))]


def render_translations(
    transcript: Transcript, languages: Sequence[str] | None = None, *, folder: Path
) -> dict[str, str | bytes]:
    """Render the exports in other languages, by file name: the formats of the run, and those that somebody has
    exported to `folder` since. `languages` left out: all that there are."""
    files: dict[str, str | bytes] = {}
    for language in list_translations(transcript) if languages is None else languages:
        names = {n: name_translated(e.file_name, language) for n, e in ALL_EXPORTS.items() if e.translates}
        own = [n for n in formats_of(transcript) if n in names]
        own += [n for n in names if n not in own and (folder / names[n]).exists() and is_available(n)]
        files |= render(transcript, own, folder=folder, language=language)
    return files


def check_formats(formats: Sequence[str]) -> None:
    """Raise UsageError for formats that do not exist, or whose package is not installed."""
    unknown = sorted(set(formats) - set(ALL_EXPORTS))
    if unknown:
        raise UsageError(f"there is no export {', '.join(unknown)}; there are {', '.join(ALL_EXPORTS)}.")
    for form in formats:
        require_package(form)


def render(
    transcript: Transcript,
    formats: Sequence[str] | None = None,
    *,
    folder: Path | None = None,
    style: SubtitleStyle | None = None,
    language: str | None = None,
) -> dict[str, str | bytes]:
    """Render `transcript.srt`, …, `report.html`, by file name: the named formats, or those of the transcript's run.

    `folder` is the files' destination: the report refers to the recording's sound by paths relative to it, from
    `path` of its parts. `style`: of the subtitles, where it is not the run's. `language`: of a translation;
    files have it in their names. Raises UsageError as `check_formats` does, and where there is no such translation.
    """
    # Once for all formats: each would compute it.
    transcript = canonical(transcript if folder is None else relativize_paths(transcript, folder))
    formats = formats_of(transcript) if formats is None else formats
    check_formats(formats)
    transcript = read_translated(transcript, language)
    return {
        name_translated(export.file_name, language): export.write(transcript, style)
        if export.has_cues
        else export.write(transcript)
        for export in (ALL_EXPORTS[name] for name in formats)
    }
