"""Describe the recording's speakers for the report: by name where one is known, else by label; a possible known voice
as a question."""

from __future__ import annotations

from typing import Any

from tasks.records import UNKNOWN, Speaker, Transcript
from tasks.text import replace_surrogates, to_one_line


def list_labels(transcript: Transcript) -> list[str]:
    """List the labels of all speakers, UNKNOWN last."""
    seen = {s.label for s in transcript.speakers} | {t.speaker for t in transcript.turns}
    seen |= {s.speaker for s in transcript.segments if s.speaker} | {w.speaker for w in transcript.words if w.speaker}
    return sorted(seen, key=lambda label: (label == UNKNOWN, label))


def describe_speakers(transcript: Transcript) -> list[dict[str, Any]]:
    """Describe each of `list_labels`, as plain JSON values."""
    held = {s.label: s for s in transcript.speakers}
    return [describe_speaker(label, held.get(label)) for label in list_labels(transcript)]


def describe_speaker(label: str, speaker: Speaker | None) -> dict[str, Any]:
    """Describe a speaker. `alike`: cosine similarity to the known voice, in hundredths; `maybe`: a possible voice.

    `name`, `voice`, `alike`, `maybe` and `maybe_name` are None where unknown, and for UNKNOWN.
    """
    unknown = label == UNKNOWN
    known = None if unknown else speaker
    return {
        "label": to_one_line(label),
        "unknown": unknown,
        "name": _clean_name(known.name) if known else None,
        "voice": known and known.voice_id and replace_surrogates(known.voice_id),
        "alike": _to_hundredths(known.voice_similarity) if known else None,
        "maybe": known and known.maybe_voice_id and replace_surrogates(known.maybe_voice_id),
        "maybe_name": _clean_name(known.maybe_name) if known else None,
    }


def format_guess(one: dict[str, Any]) -> str:
    """Format a possible name or voice as a question; empty without one.

    >>> format_guess({"maybe": "v3k", "maybe_name": "Anna"}), format_guess({"maybe": "v3k", "maybe_name": None})
    ('perhaps Anna?', 'perhaps the voice v3k?')
    """
    if one["maybe_name"]:
        return f"perhaps {one['maybe_name']}?"
    return f"perhaps the voice {to_one_line(one['maybe'])}?" if one["maybe"] else ""


def _clean_name(name: str | None) -> str | None:
    return to_one_line(name or "") or None


def _to_hundredths(cosine: float | None) -> int | None:
    """Convert from float32, as in the tables, so that a page made from them is the same."""
    import numpy as np

    return None if cosine is None or not np.isfinite(cosine) else round(float(np.float32(cosine)) * 100)
