"""A fact on the sound: what a person says is spoken in a span of a recording, and by whom. Rows of files of them."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tasks.intervals import Span
from tasks.text import to_one_line

Action = Literal["words", "split", "join"]

MAX_CHARS = 20_000
"""Characters of a text: more than is said in half an hour."""
MAX_SPANS = 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks, told by the sound: in these spans it is this person. `label` is that of the transcript in which the
    fact was entered; other runs give other labels."""

    label: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A correction of a span, in seconds of the recording with this digest.

    `words`: in the span `was` was there, spoken by `was_voice`, and `now` is (None: the same words; empty: this is
    not speech), spoken by `voice` (None: as before). `split`: a segment begins between the words on both sides of the
    span. `join`: none does.
    """

    sha256: str
    span: Span
    action: Action = "words"
    was: str = ""
    now: str | None = None
    was_voice: Voice | None = None
    voice: Voice | None = None
    by: str = ""
    at: str = ""
    """ISO 8601, UTC."""
    times: tuple[Span, ...] = ()
    """Of the words of `now`, where an aligner found them."""
    number: int = 0
    """In the log, from 1."""
    undone: bool = False

    @property
    def key(self) -> str:
        """Digest of what it says: the same fact from two files is one."""
        return hashlib.sha256(json.dumps({**write_row(self), "times": 0}, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Restore:
    """Takes back the facts about a span: the machine's words are there again."""

    sha256: str
    span: Span


def write_row(fact: Fact) -> dict[str, Any]:
    """A fact as plain JSON values, as files hold it; without its place in the log."""
    row: dict[str, Any] = {
        "sha256": fact.sha256,
        "action": fact.action,
        "start_s": fact.span.start_s,
        "end_s": fact.span.end_s,
        "was": fact.was,
        "now": fact.now,
        "was_speaker": _write_voice(fact.was_voice),
        "speaker": _write_voice(fact.voice),
        "by": fact.by,
        "at": fact.at,
    }
    if fact.times:
        row["times"] = [[s.start_s, s.end_s] for s in fact.times]
    return row


def read_row(row: Mapping[str, Any], sha256: str = "") -> Fact | Restore:
    """Read a row of a file; `sha256`: of the recording, where the row has none.

    Raises ValueError, KeyError or TypeError for a malformed one. Control characters and line breaks are taken out.
    """
    digest = _require_text(row.get("sha256") or sha256)
    if not _SHA256.fullmatch(digest):
        raise ValueError("no SHA-256 of a recording")
    span = _read_span((row["start_s"], row["end_s"]))
    action = row.get("action", "words")
    if action == "restore":
        return Restore(digest, span)
    if action not in get_args(Action):
        raise ValueError(f"{action!r:.40} is no action")
    now = row.get("now")
    fact = Fact(
        sha256=digest,
        span=span,
        action=action,
        was=_read_text(row.get("was") or ""),
        now=None if now is None else _read_text(now),
        was_voice=_read_voice(row.get("was_speaker")),
        voice=_read_voice(row.get("speaker")),
        by=_read_text(row.get("by") or ""),
        at=_read_text(row.get("at") or ""),
        times=tuple(_read_span(pair) for pair in row.get("times") or ()),
    )
    if action == "words" and fact.now is None and fact.voice is None:
        raise ValueError("it says nothing")
    return fact


def _write_voice(voice: Voice | None) -> dict[str, Any] | None:
    return None if voice is None else {"label": voice.label, "spans": [[s.start_s, s.end_s] for s in voice.spans]}


def _read_voice(held: Any) -> Voice | None:
    if held is None:
        return None
    spans: Sequence[Any] = held.get("spans") or ()
    return Voice(_read_text(held["label"]), tuple(_read_span(pair) for pair in spans[:MAX_SPANS]))


def _read_span(pair: Sequence[Any]) -> Span:
    start, end = (float(value) for value in pair)
    if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end):
        raise ValueError(f"{start}–{end} s is no span")
    return Span(start, end)


def _read_text(value: object) -> str:
    text = to_one_line(_require_text(value))
    if len(text) > MAX_CHARS:
        raise ValueError(f"a text of {len(text)} characters")
    return text


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no text")
    return value
