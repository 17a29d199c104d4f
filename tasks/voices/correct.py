"""What people say of voices: each correction a pure change of the book."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.errors import UsageError
from tasks.voices.book import called, check_free, new_voice_id, tidied, touched, used
from tasks.voices.changes import DECIDED, names_in
from tasks.voices.records import FORGOTTEN, Book, Correction, Hearing, Voice, pair


def rename(book: Book, voice_id: str, name: str | None) -> Book:
    """The voice with this name, or with none; who has a name isn't offered another. Raises UsageError for a name that
    another voice has."""
    check_free(book, name, voice_id)
    named = {v.voice_id for v in book.voices.values() if v.name}
    hearings = {
        key: _without_offer(h) if name and h.voice_id == voice_id and h.maybe in named else h
        for key, h in book.hearings.items()
    }
    return _with_voices(replace(book, hearings=hearings), Voice(voice_id, name))


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
        check_free(book, name, None)
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
    while told := [c for c in left if _mentions(c, gone, names)]:
        left = [c for c in left if c not in told]
        gone |= {v for c in told for v in touched(c) if v not in book.voices}
        once = {name for c in told for v in gone for name in names_in(c, v)}
        names |= once - kept
    return tuple(left)


def _mentions(entry: Correction, voices: set[str], names: set[str]) -> bool:
    """Whether a correction tells of one of these voices, offered ones too, or of one of these names as a word."""
    change = json.loads(entry.change)
    offered = {d[DECIDED.index("maybe")] for both in change["hearings"].values() for d in both}
    return (
        bool((touched(entry) | offered) & voices)
        or any(name in names_in(entry, v) for v in change["voices"] for name in names)
        or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", entry.what) for name in names | voices)
    )


def _with_voices(book: Book, *voices: Voice) -> Book:
    return replace(book, voices={**book.voices, **{v.voice_id: v for v in voices}})


def _without_offer(hearing: Hearing) -> Hearing:
    return hearing._replace(maybe=None, maybe_similarity=None)
