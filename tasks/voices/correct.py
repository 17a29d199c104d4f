"""What people said of voices: each correction a pure change of the book, kept with what undoes it.

`made` enters a correction: the difference between two books is what it changed, whatever its kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tasks.errors import UsageError
from tasks.voices.book import new_voice_id, tidied, touched, used
from tasks.voices.records import FORGOTTEN, Book, Correction, Hearing, Pair, Voice, pair

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


def rename(book: Book, voice_id: str, name: str | None) -> Book:
    """The voice with this name, or with none. Raises UsageError for a name that another voice has."""
    _check_free(book, name, voice_id)
    return _with_voices(book, Voice(voice_id, name))


def merge(book: Book, into: str, others: Sequence[str]) -> Book:
    """All of these voices are one person: `into`, which keeps its name, or takes the first there is."""
    others = [v for v in dict.fromkeys(others) if v != into]
    names = [n for v in (into, *others) if (n := book.voices[v].name)]
    hearings = {
        key: h._replace(voice_id=into, by="hand" if h.by != "enrolled" else h.by, similarity=None)
        if h.voice_id in others
        else h
        for key, h in book.hearings.items()
    }
    hearings = {key: h._replace(maybe=into) if h.maybe in others else h for key, h in hearings.items()}
    hearings = {key: _without_offer(h) if h.maybe == h.voice_id else h for key, h in hearings.items()}
    apart, alike = (
        frozenset(q for p in pairs if (q := pair(*(into if v in others else v for v in p)))[0] != q[1])
        for pairs in (book.apart, book.alike)
    )
    voices = {key: v for key, v in book.voices.items() if key not in others}
    voices[into] = Voice(into, names[0] if names else None)
    return replace(book, voices=voices, hearings=hearings, apart=apart, alike=alike)


def split(book: Book, hearing_ids: Sequence[str], to: str | None = None, name: str | None = None) -> Book:
    """These hearings, all of one voice, are another person: the voice `to`, or a new one; the two stay apart.

    Raises UsageError where nothing of the voice would be left for a new one.
    """
    first = book.hearings[hearing_ids[0]]
    left = [h for h in book.of_voice(first.voice_id) if h.hearing_id not in hearing_ids]
    if to is None:
        if not left:
            raise UsageError(
                f"{called(book, first.voice_id)} was heard nowhere else: that is the whole voice; "
                "`daylong speakers rename` gives it another name."
            )
        _check_free(book, name, None)
        to = new_voice_id(first.recording_id, first.speaker, used(book))
        book = _with_voices(book, Voice(to, name))
    moved = {
        key: _without_offer(book.hearings[key])._replace(voice_id=to, by="hand", similarity=None)
        for key in hearing_ids
    }
    return replace(
        book,
        hearings={**book.hearings, **moved},
        apart=book.apart | {pair(first.voice_id, to)} if to != first.voice_id else book.apart,
    )


def accept(book: Book, hearing_id: str) -> Book:
    """The offer is right: a voice without a name is the one offered; of a named one, this hearing is."""
    hearing = book.hearings[hearing_id]
    assert hearing.maybe is not None
    if book.voices[hearing.voice_id].name is None:
        return merge(book, hearing.maybe, [hearing.voice_id])
    return split(book, [hearing_id], to=hearing.maybe)


def deny(book: Book, hearing_id: str) -> Book:
    """The offer is wrong: they are two people."""
    hearing = book.hearings[hearing_id]
    assert hearing.maybe is not None
    no = pair(hearing.voice_id, hearing.maybe)
    hearings = {
        key: _without_offer(h) if h.maybe is not None and pair(h.voice_id, h.maybe) == no else h
        for key, h in book.hearings.items()
    }
    return replace(book, hearings=hearings, apart=book.apart | {no})


def part(book: Book, one: str, other: str) -> Book:
    """These voices are two people."""
    return replace(book, apart=book.apart | {pair(one, other)})


def forget(book: Book, voice_id: str) -> Book:
    """Nothing of the voice is left: no name, no embedding, no correction that tells of it. Where it was heard, its
    hearings wait, empty, until the tables say nothing either."""
    nothing = np.zeros(0, np.float32)
    hearings = {}
    for key, h in book.hearings.items():
        if h.voice_id == voice_id:
            if not h.out:
                continue
            h = _without_offer(h)._replace(
                voice_id=FORGOTTEN, by="hand", similarity=None, embedding=nothing, shown=""
            )
        hearings[key] = h
    voices = {key: v for key, v in book.voices.items() if key != voice_id}
    after = replace(book, voices=voices, hearings=hearings)
    return tidied(replace(after, corrections=_without(after, voice_id)))


def _without(book: Book, voice_id: str) -> tuple[Correction, ...]:
    """The corrections that tell neither of a voice that was forgotten, nor of those that became it, nor its names."""
    left, gone, names = list(book.corrections), {voice_id}, set[str]()
    kept = {v.name for v in book.voices.values()}
    while told := [c for c in left if any(text in c.change or text in c.what for text in gone | names)]:
        left = [c for c in left if c not in told]
        changes = [json.loads(c.change)["voices"] for c in told]
        gone |= {v for c in told for v in touched(c) if v not in book.voices}
        once = {n["name"] for change in changes for v in gone for n in change.get(v, ()) if n}
        names |= {n for n in once - kept if n}
    return tuple(left)


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


def called(book: Book, voice_id: str) -> str:
    """A voice as people know it: by its name, else its id."""
    voice = book.voices.get(voice_id)
    return voice.name if voice and voice.name else voice_id


def _reversed(book: Book, change: dict[str, Any]) -> Book:
    hearings, voices = dict(book.hearings), dict(book.voices)
    for key, (old, _) in change["voices"].items():
        # One that the correction made stays, nameless, where somebody is heard as it since.
        voices[key] = Voice(key, old["name"] if old else None)
    for key in change["voices"]:
        _check_free(replace(book, voices=voices), voices[key].name, key)
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


def _with_voices(book: Book, *voices: Voice) -> Book:
    return replace(book, voices={**book.voices, **{v.voice_id: v for v in voices}})


def _without_offer(hearing: Hearing) -> Hearing:
    return hearing._replace(maybe=None, maybe_similarity=None)


def _check_free(book: Book, name: str | None, voice_id: str | None) -> None:
    for other in book.voices.values():
        if name and other.voice_id != voice_id and (other.name or "").casefold() == name.casefold():
            raise UsageError(
                f"{name!r} is the name of another voice, {other.voice_id}. If they are one person: daylong speakers "
                f"merge {other.voice_id} {voice_id or 'VOICE'}; if not, give a name that tells them apart."
            )
