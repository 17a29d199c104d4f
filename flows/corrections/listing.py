"""What corrections say: lines of the log, conflicts, files to take elsewhere; and forgetting those about a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from flows.locations import resolve_corrections
from tasks.corrections.apply import Conflict, correct_transcript
from tasks.corrections.facts import Fact, write_row
from tasks.corrections.locate import find_label
from tasks.corrections.log import FactLog, drop
from tasks.corrections.store import has_log, open_store, read_log, read_machine
from tasks.dataset.read import read_transcript
from tasks.errors import DaylongError
from tasks.intervals import format_timestamp
from tasks.records import Turn
from tasks.sharing.copies import locate_place
from tasks.storage.files import is_accessible_folder
from tasks.voices.records import Hearing

log = logging.getLogger("daylong.corrections")


class PlacedConflict(NamedTuple):
    recording_id: str
    conflict: Conflict


def describe(fact: Fact) -> str:
    """A fact as a line for people."""
    start = format_timestamp(round(fact.span.start_s * 1000))
    if fact.action != "words":
        return f"{start}  {'a line begins here' if fact.action == 'split' else 'one line'}: “{fact.was}”"
    if fact.now == "":
        return f"{start}  “{fact.was}” is not speech"
    said = f"“{fact.was}”" if fact.now is None else f"“{fact.was}” is “{fact.now}”"
    return f"{start}  {said}" + (f", spoken by {fact.voice.label}" if fact.voice else "")


def name_recordings(held: FactLog) -> dict[str, str]:
    """The id of each recording with published facts, by digest."""
    return {s.sha256: s.recording_id for s in held.shown}


def find_conflicts() -> tuple[list[PlacedConflict], list[str]]:
    """The facts that won over a third thing, by recording and time; and lines on recordings that can't be read."""
    folder = resolve_corrections()
    held = read_log(folder)
    found: list[PlacedConflict] = []
    faults: list[str] = []
    for shown in held.shown:
        if not is_accessible_folder(locate_place(shown.out)):
            faults.append(f"{shown.recording_id}: {shown.out} is not there now")
            continue
        try:
            published = read_transcript(locate_place(shown.out), shown.recording_id)
        except DaylongError as error:
            faults.append(f"{shown.recording_id}: {error}")
            continue
        machine = read_machine(folder, shown.out, published)
        if machine is not None:
            _, conflicts = correct_transcript(machine, held.of(shown.sha256))
            found += [PlacedConflict(shown.recording_id, c) for c in conflicts]
    return sorted(found, key=lambda c: (c.recording_id, c.conflict.fact.span)), faults


def write_file(facts: Sequence[Fact]) -> str:
    """A file that `daylong corrections apply` reads here and elsewhere: facts are told by digests and times."""
    rows = [write_row(f) for f in facts if not f.undone]
    return json.dumps({"daylong": "corrections", "version": 1, "edits": rows}, ensure_ascii=False, indent=2) + "\n"


def forget_facts(heard: Sequence[Hearing], name: str | None) -> list[Fact]:
    """Remove the facts about what a person says, in the recordings where they are heard, and those that they entered
    themselves; tables that show them are due to be written again."""
    folder = resolve_corrections()
    if not has_log(folder):
        return []
    with open_store(folder) as store:
        theirs: set[int] = set()
        for hearing in heard:
            theirs |= _find_numbers(store.log, hearing, folder)
        who = (name or "").casefold()
        changed, gone = drop(store.log, lambda f: f.number in theirs or (bool(who) and f.by.casefold() == who))
        store.commit(changed)
    return gone


def _find_numbers(held: FactLog, hearing: Hearing, folder: Path) -> set[int]:
    """Numbers of the facts on what the speaker of a hearing says, or was said to say."""
    shown = held.find_shown(hearing.out, hearing.recording_id)
    if shown is None or not hearing.speaker:
        return set()
    turns = _read_turns(hearing, folder)
    about = [f for f in held.facts if f.sha256 == shown.sha256]
    return {f.number for f in about if hearing.speaker in (find_label(v, turns) for v in (f.voice, f.was_voice))}


def _read_turns(hearing: Hearing, folder: Path) -> Sequence[Turn]:
    try:
        published = read_transcript(locate_place(hearing.out), hearing.recording_id)
    except DaylongError as error:
        log.warning("%s: its turns can't be read (%s); its labels count as they are", hearing.recording_id, error)
        return ()
    return published.turns
