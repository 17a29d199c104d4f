"""Read the corrections file that a report saves, as changes of the registry of voices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.speakers.corrections import Change
from tasks.errors import UsageError
from tasks.voices import correct, lookup
from tasks.voices.invariants import display_name
from tasks.voices.records import FORGOTTEN, Hearing, VoiceRegistry

MAX_BYTES = 10_000_000
"""Bytes of a corrections file: a thousand times what a report saves."""


def read_changes(path: Path) -> list[Change]:
    """Read a report's corrections file (JSON, at most `MAX_BYTES`) as changes. Raises UsageError for any other
    file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        return parse_changes(json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path}: not a file of corrections as a report saves them ({error!r:.80}).") from None


def parse_changes(held: Any) -> list[Change]:
    """Parse what a report's corrections file holds. Raises ValueError, KeyError or TypeError for anything else."""
    if held["daylong"] != "corrections" or held["version"] != 1:
        raise ValueError("another form")
    recording, rows = str(held["recording_id"]), list(held["speakers"])
    return [_parse_change(recording, dict(row)) for row in rows]


def _parse_change(recording: str, row: dict[str, Any]) -> Change:
    """Parse one row of a corrections file. Raises ValueError or KeyError for a malformed one."""
    label, known = _require_text(row["speaker"]), _require_optional_text(row.get("voice_id"))
    if "name" in row:
        given = _require_optional_text(row["name"])
        name = None if given is None else lookup.normalize_name(given)
        return lambda registry: _apply_name(
            registry, _find_voice(registry, recording, label, known), recording, label, name
        )
    agrees = "is" in row
    other = _require_text(row["is" if agrees else "is_not"])

    def decide(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        voice = _find_voice(registry, recording, label, known)
        asked = [h for h in _find_hearings(registry, recording, label) if h.voice_id == voice and h.maybe == other]
        if not asked:
            return "nothing", registry  # decided since
        what = f"{label} of {recording} {'is' if agrees else 'is not'} {display_name(registry, other)}"
        return what, (correct.accept if agrees else correct.deny)(registry, asked[0].hearing_id)

    return decide


def _apply_name(
    registry: VoiceRegistry, voice_id: str, recording: str, label: str, name: str | None
) -> tuple[str, VoiceRegistry]:
    """Apply a name given to a speaker of one recording; return what was done and the new registry.

    An unnamed voice gets the name, or is merged into the voice of that name. A voice of another name is split: its
    hearings in this recording are another person (`daylong speakers rename` changes a voice's name itself).
    """
    holder = lookup.find_by_name(registry, name)
    if holder == voice_id:
        return f"rename {name}", correct.rename(registry, voice_id, name)
    if registry.voices[voice_id].name is None and holder is not None:
        return f"merge {voice_id} into {name}", correct.merge(registry, holder, [voice_id])
    here = [h.hearing_id for h in _find_hearings(registry, recording, label) if h.voice_id == voice_id]
    elsewhere = len(registry.of_voice(voice_id)) > len(here)
    if holder is not None or (registry.voices[voice_id].name and elsewhere):
        what = f"{label} of {recording} is {name or 'not ' + display_name(registry, voice_id)}"
        return what, correct.split(registry, here, to=holder, name=None if holder else name)
    return f"rename {display_name(registry, voice_id)} to {name or 'nothing'}", correct.rename(
        registry, voice_id, name
    )


def _find_voice(registry: VoiceRegistry, recording: str, label: str, known: str | None) -> str:
    """Find the voice of a label in a report's recording. Raises UsageError where there is none, or it has changed
    since the report was saved."""
    heard = {h.voice_id for h in _find_hearings(registry, recording, label)}
    if not heard:
        raise UsageError(f"{recording}: the store knows no voice of its {label}; daylong speakers rebuild learns it.")
    if known in heard or (known is None and len(heard) == 1):
        return known or heard.pop()
    raise UsageError(
        f"{recording}: its {label} is known as another voice since this report was saved; open its report of today."
    )


def _find_hearings(registry: VoiceRegistry, recording: str, label: str) -> list[Hearing]:
    return [
        h
        for h in registry.hearings.values()
        if h.recording_id == recording and h.speaker == label and h.voice_id != FORGOTTEN
    ]


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no text")
    return value


def _require_optional_text(value: object) -> str | None:
    return None if value is None else _require_text(value)
