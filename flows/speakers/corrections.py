"""What people say of voices: entered, told everywhere, undone; and a report's corrections file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.speakers.published import published_run
from flows.speakers.republish import Say, bring_up_to_date, forget_steps
from tasks.errors import TransientError, UsageError
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.voices import correct, lookup
from tasks.voices.changes import record_correction, undo
from tasks.voices.identify import offer_voice
from tasks.voices.invariants import collect_voice_ids, display_name, make_voice_id
from tasks.voices.match import MatchRule
from tasks.voices.records import FORGOTTEN, Correction, Hearing, Voice, VoiceRegistry
from tasks.voices.store import open_registry

LARGEST = 10_000_000
"""Bytes of a corrections file: a thousand times what a report saves."""


@dataclass(slots=True)
class Corrected:
    """`entries`: what was entered; `told`: recordings written again; `faults`: those that could not be."""

    entries: list[Correction] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


Change = Callable[[VoiceRegistry], tuple[str, VoiceRegistry]]
"""A registry -> what is done, for people, and the registry after it."""


def enter(store: Path, kind: str, *changes: Change, say: Say = lambda _: None) -> Corrected:
    """Enter corrections, all or none, then write again what they are told in."""
    done = Corrected()
    with finishing(store, say), open_registry(store, published_run) as handle:
        registry = handle.registry
        known = {c.number for c in registry.corrections}
        for change in changes:
            what, after = change(registry)
            registry = record_correction(
                registry, after, at=datetime.now(UTC).isoformat(timespec="seconds"), kind=kind, what=what
            )
        done.entries = [c for c in registry.corrections if c.number not in known]
        if registry is not handle.registry:
            handle.commit(registry)
    return _told(store, done, say)


def take_back(store: Path, number: int | None, say: Say = lambda _: None) -> Corrected:
    """Undo a correction, the last one by default, and write again what it was told in."""
    with finishing(store, say), open_registry(store, published_run) as handle:
        registry, entry = undo(handle.registry, number)
        handle.commit(registry)
    return _told(store, Corrected([entry]), say)


def forget(
    store: Path, voice: Callable[[VoiceRegistry], str], say: Say = lambda _: None, settings: Settings | None = None
) -> tuple[list[Hearing], str | None, Corrected]:
    """Forget a voice; its hearings and its name, as they were, and what was written again. `settings` say where the
    cache is."""
    with finishing(store, say), open_registry(store, published_run) as handle:
        voice_id = voice(handle.registry)
        heard, name = handle.registry.of_voice(voice_id), handle.registry.voices[voice_id].name
        handle.commit(correct.forget(handle.registry, voice_id))
    for recording_id in sorted({h.recording_id for h in heard if h.out}):
        with suppress(TransientError):  # in use: told below, and tried again
            forget_steps(recording_id, settings or load())  # also of results that are away now
    return heard, name, _told(store, Corrected(), say, settings)


def enroll(hearing: Hearing, name: str, rule: MatchRule) -> Change:
    """The change that learns a file's voice: of who has this name, or of somebody new. Nameless voices that may be
    theirs are offered."""

    def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        voice_id = lookup.find_by_name(registry, name) or make_voice_id(
            hearing.recording_id, "enrolled", collect_voice_ids(registry)
        )
        voices = {**registry.voices, voice_id: Voice(voice_id, name)}
        hearings = {**registry.hearings, hearing.hearing_id: hearing._replace(voice_id=voice_id)}
        return f"enroll {name} from a file", offer_voice(
            replace(registry, voices=voices, hearings=hearings), voice_id, rule
        )

    return change


def changes_of(path: Path) -> list[Change]:
    """A report's corrections file as changes. Raises UsageError for what is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("too large")
        held = json.loads(path.read_bytes())
        if held["daylong"] != "corrections" or held["version"] != 1:
            raise ValueError("another form")
        recording, rows = str(held["recording_id"]), list(held["speakers"])
        return [_change(recording, dict(row)) for row in rows]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path}: not a file of corrections as a report saves them ({error!r:.80}).") from None


def _change(recording: str, row: dict[str, Any]) -> Change:
    """Raises ValueError for a row of another form."""
    label, known = _text(row["speaker"]), _text_or_none(row.get("voice_id"))
    if "name" in row:
        given = _text_or_none(row["name"])
        name = None if given is None else lookup.normalize_name(given)
        return lambda registry: _name(registry, _voice(registry, recording, label, known), recording, label, name)
    verb, other = ("is", _text(row["is"])) if "is" in row else ("is_not", _text(row["is_not"]))

    def decide(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        voice = _voice(registry, recording, label, known)
        asked = [h for h in _heard(registry, recording, label) if h.voice_id == voice and h.maybe == other]
        if not asked:
            return "nothing", registry  # decided since
        what = f"{label} of {recording} {'is' if verb == 'is' else 'is not'} {display_name(registry, other)}"
        return what, (correct.accept if verb == "is" else correct.deny)(registry, asked[0].hearing_id)

    return decide


def _name(
    registry: VoiceRegistry, voice_id: str, recording: str, label: str, name: str | None
) -> tuple[str, VoiceRegistry]:
    """A name given in one recording. Who had none is called so everywhere, or is the known person of that name. Who
    had another is somebody else in this recording: a name is spelled otherwise by `daylong speakers rename`."""
    holder = lookup.find_by_name(registry, name)
    if holder == voice_id:
        return f"rename {name}", correct.rename(registry, voice_id, name)
    if registry.voices[voice_id].name is None and holder is not None:
        return f"merge {voice_id} into {name}", correct.merge(registry, holder, [voice_id])
    here = [h.hearing_id for h in _heard(registry, recording, label) if h.voice_id == voice_id]
    elsewhere = len(registry.of_voice(voice_id)) > len(here)
    if holder is not None or (registry.voices[voice_id].name and elsewhere):
        what = f"{label} of {recording} is {name or 'not ' + display_name(registry, voice_id)}"
        return what, correct.split(registry, here, to=holder, name=None if holder else name)
    return f"rename {display_name(registry, voice_id)} to {name or 'nothing'}", correct.rename(
        registry, voice_id, name
    )


def _voice(registry: VoiceRegistry, recording: str, label: str, known: str | None) -> str:
    """The voice that a report means by a label of its recording."""
    heard = {h.voice_id for h in _heard(registry, recording, label)}
    if not heard:
        raise UsageError(f"{recording}: the store knows no voice of its {label}; daylong speakers rebuild learns it.")
    if known in heard or (known is None and len(heard) == 1):
        return known or heard.pop()
    raise UsageError(
        f"{recording}: its {label} is known as another voice since this report was saved; open its report of today."
    )


def _heard(registry: VoiceRegistry, recording: str, label: str) -> list[Hearing]:
    return [
        h
        for h in registry.hearings.values()
        if h.recording_id == recording and h.speaker == label and h.voice_id != FORGOTTEN
    ]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


@contextmanager
def finishing(store: Path, say: Say) -> Iterator[None]:
    """What is refused may be what was half done when a process died: that is finished all the same."""
    try:
        yield
    except UsageError:
        bring_up_to_date(store, say)
        raise


def _told(store: Path, done: Corrected, say: Say, settings: Settings | None = None) -> Corrected:
    def tell(line: str) -> None:
        done.told.append(line)
        say(line)

    done.faults = bring_up_to_date(store, tell, settings=settings)
    return done
