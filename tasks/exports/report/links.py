"""The way from a report to its recording's sound: a path relative to the report, so that both can be moved together
and the page does not tell where on the disk they lie."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path, PurePath
from urllib.parse import quote, unquote

from tasks.records import Transcript

CARRIED = "data:audio/ogg;base64,"
"""How a part's path begins that is the sound itself."""

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def linked(transcript: Transcript, folder: Path) -> Transcript:
    """The transcript with the parts' paths relative to `folder`, in which its report will lie.

    Empty where there is no such way: from another place under the root it would tell the whole absolute path, and in
    a hidden folder files are only passing through (the folder-watch's claims).
    """
    recording = transcript.recording
    parts = tuple(dataclasses.replace(p, path=_relative(p.path, folder)) for p in recording.parts)
    return dataclasses.replace(transcript, recording=dataclasses.replace(recording, parts=parts))


def source(path: str) -> str | None:
    """The URL of a relative path, or of sound that is carried; None of any other.

    >>> source("../../a b#1.wav"), source("/home/ana/a.wav"), source("")
    ('../../a%20b%231.wav', None, None)
    """
    if path.startswith(CARRIED):
        return path
    if not path or os.path.isabs(path):
        return None
    try:
        url = quote(os.fsencode(path))
    except UnicodeEncodeError:
        return None
    return url if url.startswith(".") else f"./{url}"


def sounds(report: str, folder: Path) -> list[str]:
    """The parts' paths, absolute, as a report that lies in `folder` has them; sound that it carries as it is; ""
    where it has none. [] of a text that is no report."""
    found = _DATA.search(report)
    try:
        parts = json.loads(found[1])["parts"] if found else []
        sources = [part["src"] or "" for part in parts]
    except (ValueError, KeyError, TypeError):
        return []
    return [s if s.startswith(CARRIED) or not s else os.path.normpath(folder / unquote(s)) for s in sources]


def _relative(path: str, folder: Path) -> str:
    if path.startswith(CARRIED):
        return path
    if not os.path.isabs(path):
        return ""
    there, here = os.path.abspath(path), os.path.abspath(folder)
    try:
        if os.path.commonpath([there, here]) == os.path.abspath(os.sep):
            return ""
        relative = os.path.relpath(there, here)
    except ValueError:  # a NUL, or another drive
        return ""
    hidden = any(name.startswith(".") and name != ".." for name in PurePath(relative).parts)
    return "" if hidden else relative
