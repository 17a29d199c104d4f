"""Enter and undo people's corrections of voices, and republish the recordings they affect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

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
from tasks.voices.records import Correction, Hearing, KnownVoice, VoiceRegistry
from tasks.voices.store import open_registry, read_current_registry


@dataclass(slots=True)
class CorrectionResult:
    """What became of corrections; `rewritten`, `faults` and `waiting` are lines for people."""

    entries: list[Correction] = field(default_factory=list)
    """The corrections entered."""
    rewritten: list[str] = field(default_factory=list)
    """The recordings written again."""
    faults: list[str] = field(default_factory=list)
    """The recordings that could not be."""
    waiting: list[str] = field(default_factory=list)
    """What is left of a forgotten voice until nobody uses it."""


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
