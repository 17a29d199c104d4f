"""The recording's speakers as the report calls them: by name where one is known, else by label, and a voice that may
be a known one as a question, never as an answer."""

from __future__ import annotations

from typing import Any

from tasks.canonical import replace_surrogates
from tasks.exports.text import one_line
from tasks.records import UNKNOWN, Speaker, Transcript


def labels(transcript: Transcript) -> list[str]:
    """All speakers, UNKNOWN last."""
    seen = {s.label for s in transcript.speakers} | {t.speaker for t in transcript.turns}
    seen |= {s.speaker for s in transcript.segments if s.speaker} | {w.speaker for w in transcript.words if w.speaker}
    return sorted(seen, key=lambda label: (label == UNKNOWN, label))


def people(transcript: Transcript) -> list[dict[str, Any]]:
    """A person for each of `labels`, as plain JSON values."""
    held = {s.label: s for s in transcript.speakers}
    return [person(label, held.get(label)) for label in labels(transcript)]


def person(label: str, speaker: Speaker | None) -> dict[str, Any]:
    """`name`, `voice`, `alike` (how similar the voice is to what was known of it, a cosine in hundredths), `maybe`
    (the voice that it may be) and `maybe_name` are None where there is none; all of them of an UNKNOWN speaker."""
    unknown = label == UNKNOWN
    known = None if unknown else speaker
    return {
        "label": one_line(label),
        "unknown": unknown,
        "name": _said(known.name) if known else None,
        "voice": known and known.voice_id and replace_surrogates(known.voice_id),
        "alike": _hundredths(known.voice_similarity) if known else None,
        "maybe": known and known.maybe_voice_id and replace_surrogates(known.maybe_voice_id),
        "maybe_name": _said(known.maybe_name) if known else None,
    }


def perhaps(one: dict[str, Any]) -> str:
    """Who a person may be, as a question; empty where nobody asks.

    >>> perhaps({"maybe": "v3k", "maybe_name": "Anna"}), perhaps({"maybe": "v3k", "maybe_name": None})
    ('perhaps Anna?', 'perhaps the voice v3k?')
    """
    if one["maybe_name"]:
        return f"perhaps {one['maybe_name']}?"
    return f"perhaps the voice {one_line(one['maybe'])}?" if one["maybe"] else ""


def _said(name: str | None) -> str | None:
    return one_line(name or "") or None


def _hundredths(cosine: float | None) -> int | None:
    """Of the float32 that the tables hold, so that the page is the same whichever it is made of."""
    import numpy as np

    return None if cosine is None or not np.isfinite(cosine) else round(float(np.float32(cosine)) * 100)
