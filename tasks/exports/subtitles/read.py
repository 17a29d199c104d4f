"""Read anybody's SRT or WebVTT file into cues, without its markup."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

from tasks.errors import UsageError
from tasks.exports.cue_timing import Cue
from tasks.paths import suggest_path

MAX_SIZE = 100_000_000
_MS = timedelta(milliseconds=1)
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|</?\d[\d:.]*>|\{\\[^{}]*\}")
"""Tags of HTML and WebVTT, its times within cues, and ASS overrides."""


def read_cues(path: Path) -> list[Cue]:
    """Read the cues of a file in its order. Raises UsageError where that is impossible."""
    text = _read_text(path)
    try:
        cues = _parse_vtt(text) if text.lstrip("\ufeff \n").startswith("WEBVTT") else _parse_srt(text)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    if not cues:
        raise UsageError(f"{path}: no cues. Name an SRT or WebVTT file.")
    return cues


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_SIZE:
            raise UsageError(f"{path}: larger than 100 MB: no file of subtitles.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. {suggest_path(path)}".rstrip()) from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}. Name an SRT or WebVTT file.") from None
    if b"\0" in data[:1000] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path}: not a text file. Name an SRT or WebVTT file.")
    for encoding in (
        ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252", "latin-1")
    ):
        try:
            return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path}: its text cannot be decoded. Save it as UTF-8.")


def _parse_srt(text: str) -> list[Cue]:
    import srt

    try:
        found = list(srt.parse(text))
    except (srt.SRTParseError, srt.TimestampParseError) as error:
        part = " ".join(str(getattr(error, "unmatched_content", "") or error).split())[:60]
        raise ValueError(f"not SRT from here on: {part}") from None
    return [_make_cue(round(s.start / _MS), round(s.end / _MS), s.content) for s in found]


def _parse_vtt(text: str) -> list[Cue]:
    import webvtt

    try:
        found = webvtt.from_string(text.lstrip("\ufeff \n"))
    except webvtt.errors.WebVTTError as error:
        raise ValueError(f"not WebVTT: {error}") from None
    return [
        _make_cue(_to_ms(c.start), _to_ms(c.end), html.unescape("\n".join(_TAGS.sub("", line) for line in c.lines)))
        for c in found
    ]


def _make_cue(start_ms: int, end_ms: int, text: str) -> Cue:
    lines = tuple(" ".join(line.split()) for line in _TAGS.sub("", text).split("\n"))
    return Cue(start_ms, end_ms, None, tuple(line for line in lines if line))


def _to_ms(time: str) -> int:
    """Read a time of WebVTT.

    >>> _to_ms("01:02:03.456"), _to_ms("02:03.456")
    (3723456, 123456)
    """
    *hours, minutes, seconds = time.split(":")
    whole, _, rest = seconds.partition(".")
    return ((int(hours[0]) if hours else 0) * 60 + int(minutes)) * 60_000 + int(whole) * 1000 + int(rest)
