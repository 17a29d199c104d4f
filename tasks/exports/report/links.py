"""Refer from a report to its recording's sound by relative paths, so that both can be moved together and the page
does not disclose absolute paths."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path, PurePath
from urllib.parse import quote, unquote

from tasks.records import Transcript

EMBEDDED_PREFIX = "data:audio/ogg;base64,"
"""Beginning of a part's path that embeds the sound itself, as a data URL."""

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def relativize_paths(transcript: Transcript, folder: Path) -> Transcript:
    """Make the parts' paths relative to `folder`, the report's destination.

    A path becomes empty where only the root is common, since it would disclose the absolute path, and where it leads
    into a hidden folder, whose files are temporary (the folder-watch's claims).
    """
    recording = transcript.recording
    parts = tuple(dataclasses.replace(p, path=_relative(p.path, folder)) for p in recording.parts)
    return dataclasses.replace(transcript, recording=dataclasses.replace(recording, parts=parts))


def format_source_url(path: str) -> str | None:
    """Format the URL of a relative path; return embedded sound as it is, None for other paths.

    >>> format_source_url("../../a b#1.wav"), format_source_url("/home/ana/a.wav"), format_source_url("")
    ('../../a%20b%231.wav', None, None)
    """
    if path.startswith(EMBEDDED_PREFIX):
        return path
    if not path or os.path.isabs(path):
        return None
    try:
        url = quote(os.fsencode(path))
    except UnicodeEncodeError:
        return None
    return url if url.startswith(".") else f"./{url}"


def read_sound_paths(report: str, folder: Path) -> list[str]:
    """Read the parts' paths from a report in `folder`, made absolute; embedded sound as it is; "" without sound.
    Returns [] for a text that is no report."""
    found = _DATA.search(report)
    try:
        parts = json.loads(found[1])["parts"] if found else []
        sources = [part["src"] or "" for part in parts]
    except (ValueError, KeyError, TypeError):
        return []
    return [s if s.startswith(EMBEDDED_PREFIX) or not s else os.path.normpath(folder / unquote(s)) for s in sources]


def _relative(path: str, folder: Path) -> str:
    if path.startswith(EMBEDDED_PREFIX):
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
