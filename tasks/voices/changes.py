"""What a correction changed, whatever its kind: the difference between two books, by which it is undone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tasks.errors import UsageError
from tasks.voices.book import check_free, tidied, touched
from tasks.voices.records import Book, Correction, Hearing, Pair, Voice, pair

DECIDED = ("voice_id", "by", "similarity", "maybe", "maybe_similarity")
"""What a correction changes of a hearing."""


def made(before: Book, after: Book, *, at: str, kind: str, what: str) -> Book:
    """`after` with the correction that led to it entered; `before` itself where it changed nothing."""
    after = tidied(after)
    change = difference(before, after)
    if not any(change.values()):
        return before
    number = 1 + max((c.number for c in before.corrections), default=0)
    entry = Correction(number, at, kind, what, json.dumps(change, ensure_ascii=False))
    return replace(after, corrections=(*before.corrections, entry))


def undo(book: Book, number: int | None = None) -> tuple[Book, Correction]:
    """The book without what a correction changed, the last by default, and that correction.

    What runs have heard since stays where it is. Raises UsageError where there is nothing to undo, or where a later
    correction is about the same voices.
    """
    open_ = [c for c in book.corrections if not c.undone]
    wanted = [c for c in open_ if number is None or c.number == number]
    if not wanted:
        raise UsageError(
            "there is no correction to undo." if number is None else f"there is no correction {number} to undo."
        )
    entry = wanted[-1]
    about = touched(entry)
    later = [c for c in open_ if c.number > entry.number and about & touched(c)]
    if later:
        raise UsageError(
            f"correction {entry.number}: undo {later[-1].number} first, it is about the same voice: {later[-1].what}."
        )
    book = _reversed(book, json.loads(entry.change))
    marked = tuple(c._replace(undone=True) if c is entry else c for c in book.corrections)
    return tidied(replace(book, corrections=marked)), entry


def difference(before: Book, after: Book) -> dict[str, Any]:
    """What differs, as JSON: names of voices and decisions on hearings, each before and after; pairs kept apart."""
    ids = sorted({*before.voices, *after.voices})
    names = {key: [_name(before, key), _name(after, key)] for key in ids}
    return {
        "voices": {key: both for key, both in names.items() if both[0] != both[1]},
        "hearings": {
            key: [_decision(old), _decision(after.hearings[key])]
            for key, old in before.hearings.items()
            if key in after.hearings and _decision(old) != _decision(after.hearings[key])
        },
        "added": {key: h.voice_id for key, h in after.hearings.items() if key not in before.hearings},
        "apart": sorted(map(list, after.apart - before.apart)),
        "together": sorted(map(list, before.apart - after.apart)),
    }


def _reversed(book: Book, change: dict[str, Any]) -> Book:
    hearings, voices = dict(book.hearings), dict(book.voices)
    for key, (old, _) in change["voices"].items():
        # One that the correction made stays, nameless, where somebody is heard as it since.
        voices[key] = Voice(key, old["name"] if old else None)
    for key in change["voices"]:
        check_free(replace(book, voices=voices), voices[key].name, key)
    for key, (old, new) in change["hearings"].items():
        if key in hearings and hearings[key].voice_id == new[0]:
            hearings[key] = hearings[key]._replace(**dict(zip(DECIDED, old, strict=True)))
            voices.setdefault(old[0], Voice(old[0]))
    for key, voice_id in change["added"].items():
        if key in hearings and hearings[key].voice_id == voice_id:
            del hearings[key]
    apart: set[Pair] = (set(book.apart) - {pair(*p) for p in change["apart"]}) | {
        pair(*p) for p in change["together"]
    }
    return replace(book, voices=voices, hearings=hearings, apart=frozenset(apart))


def _name(book: Book, voice_id: str) -> dict[str, str | None] | None:
    voice = book.voices.get(voice_id)
    return {"name": voice.name} if voice else None


def _decision(hearing: Hearing) -> list[Any]:
    return [getattr(hearing, name) for name in DECIDED]


def names_in(entry: Correction, voice_id: str) -> set[str]:
    """The names that a voice had before or after a correction."""
    return {n["name"] for n in json.loads(entry.change)["voices"].get(voice_id, ()) if n and n["name"]}
