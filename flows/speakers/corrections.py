"""Enter and undo people's corrections of voices, republish what they affect, and read a report's corrections file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.corrections.listing import forget_facts
from flows.speakers.published import find_published_run
from flows.speakers.remains import list_waiting
from flows.speakers.republish import Say, republish_stale
from tasks.errors import UsageError
from tasks.settings.schema import Settings
from tasks.voices import correct, lookup
from tasks.voices.changes import record_correction, undo
from tasks.voices.identify import offer_voice
from tasks.voices.invariants import collect_voice_ids, display_name, make_voice_id
from tasks.voices.match import MatchRule
from tasks.voices.records import FORGOTTEN, Correction, Hearing, KnownVoice, VoiceRegistry
from tasks.voices.store import open_registry, read_current_registry

MAX_BYTES = 10_000_000
"""Bytes of a corrections file: a thousand times what a report saves."""


@dataclass(slots=True)
class CorrectionResult:
    """`entries`: the corrections entered; `rewritten`: lines on recordings written again; `faults`: lines on those
    that could not be; `waiting`: lines on what is left of a forgotten voice until nobody uses it."""

    entries: list[Correction] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


Change = Callable[[VoiceRegistry], tuple[str, VoiceRegistry]]
"""registry -> (a line for people on what is changed, the new registry)."""


def enter_corrections(store: Path, kind: str, *changes: Change, say: Say = lambda _: None) -> CorrectionResult:
    """Enter corrections, all or none, then republish the recordings they affect."""
    done = CorrectionResult()
    with finish_pending(store, say), open_registry(store, find_published_run) as handle:
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
    return _republish(store, done, say)


def undo_correction(store: Path, number: int | None, say: Say = lambda _: None) -> CorrectionResult:
    """Undo a correction, the last one by default, and republish the recordings it affects."""
    with finish_pending(store, say), open_registry(store, find_published_run) as handle:
        registry, entry = undo(handle.registry, number)
        handle.commit(registry)
    return _republish(store, CorrectionResult([entry]), say)


def forget(
    store: Path,
    voice: Callable[[VoiceRegistry], str],
    say: Say = lambda _: None,
    settings: Settings | None = None,
    asked: str | None = None,
) -> tuple[list[Hearing], str | None, CorrectionResult]:
    """Forget a voice, republish its recordings and remove their cached results; return its former hearings, its name
    and the result.

    What can't go now is among the result's `faults` or `waiting`; the next correction, run or pruning finishes it.
    `settings` locate the cache; `asked`: what the person typed, by which `finish_forgetting` finds it again.
    """
    with finish_pending(store, say), open_registry(store, find_published_run) as handle:
        voice_id = voice(handle.registry)
        heard, name = handle.registry.of_voice(voice_id), handle.registry.voices[voice_id].name
        forget_facts(heard, name)  # first: who dies after it still knows whom to forget
        handle.commit(correct.forget(handle.registry, voice_id, [asked] if asked else []))
    done = _republish(store, CorrectionResult(), say, settings)
    done.waiting = list_waiting(store, {h.hearing_id for h in heard})
    return heard, name, done


def finish_forgetting(
    store: Path, asked: str, out: str | None, say: Say = lambda _: None, settings: Settings | None = None
) -> CorrectionResult | None:
    """Go on with the erasure of the voice that was forgotten as `asked`; None where none such is unfinished."""
    heard = lookup.find_forgotten(read_current_registry(store), asked, out)
    if not heard:
        return None
    done = _republish(store, CorrectionResult(), say, settings)
    done.waiting = list_waiting(store, {h.hearing_id for h in heard})
    return done


def make_enrolment(hearing: Hearing, name: str, rule: MatchRule) -> Change:
    """Make the change that enrols a file's hearing under `name`, as a voice of that name or a new one, and offers it
    to similar unnamed voices.

    The change raises UsageError where the file is enrolled as another voice, which would be left without it.
    """

    def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        check_not_enrolled(registry, hearing, name)
        voice_id = lookup.find_by_name(registry, name) or make_voice_id(
            hearing.recording_id, "enrolled", collect_voice_ids(registry)
        )
        voices = {**registry.voices, voice_id: KnownVoice(voice_id, name)}
        hearings = {**registry.hearings, hearing.hearing_id: hearing._replace(voice_id=voice_id)}
        return f"enroll {name} from a file", offer_voice(
            replace(registry, voices=voices, hearings=hearings), voice_id, rule
        )

    return change


def check_not_enrolled(registry: VoiceRegistry, hearing: Hearing, name: str) -> None:
    """Raise UsageError, with the holder's name, if this hearing's file is enrolled as a voice of another name."""
    held = registry.hearings.get(hearing.hearing_id)
    if held is None or held.voice_id == lookup.find_by_name(registry, name):
        return
    holder = display_name(registry, held.voice_id)
    raise UsageError(
        f"{hearing.source_name}: this sound is enrolled already, as {holder}. If {holder} and {name} are one person: "
        f'daylong speakers rename {held.voice_id} "{name}"; if not, enrol {name} from a file in which they speak.'
    )


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
    verb, other = ("is", _require_text(row["is"])) if "is" in row else ("is_not", _require_text(row["is_not"]))

    def decide(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        voice = _find_voice(registry, recording, label, known)
        asked = [h for h in _find_hearings(registry, recording, label) if h.voice_id == voice and h.maybe == other]
        if not asked:
            return "nothing", registry  # decided since
        what = f"{label} of {recording} {'is' if verb == 'is' else 'is not'} {display_name(registry, other)}"
        return what, (correct.accept if verb == "is" else correct.deny)(registry, asked[0].hearing_id)

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


@contextmanager
def finish_pending(store: Path, say: Say) -> Iterator[None]:
    """Republish stale recordings even if the correction is refused: it may be one that a crash left half done."""
    try:
        yield
    except UsageError:
        republish_stale(store, say)
        raise


def _republish(store: Path, done: CorrectionResult, say: Say, settings: Settings | None = None) -> CorrectionResult:
    def report(line: str) -> None:
        done.rewritten.append(line)
        say(line)

    done.faults = republish_stale(store, report, settings=settings)
    return done
