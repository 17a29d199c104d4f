"""What holds of every book: nothing refers to what isn't there; and what has to be told again."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection
from dataclasses import replace

from tasks.errors import UsageError
from tasks.voices.records import FORGOTTEN, Book, Correction, Hearing, Known, pair


def tidied(book: Book) -> Book:
    """Without voices that nobody named and nobody hears, and without what refers to voices that aren't there."""
    heard = {h.voice_id for h in book.hearings.values()}
    voices = {key: v for key, v in book.voices.items() if v.name or key in heard}
    hearings = {
        key: h
        if h.maybe is None or (h.maybe in voices and pair(h.voice_id, h.maybe) not in book.apart)
        else h._replace(maybe=None, maybe_similarity=None)
        for key, h in book.hearings.items()
    }
    apart = frozenset(p for p in book.apart if p[0] in voices and p[1] in voices)
    alike = frozenset(p for p in book.alike - apart if may_be_one(replace(book, voices=voices), *p))
    return replace(book, voices=voices, hearings=hearings, apart=apart, alike=alike)


def may_be_one(book: Book, one: str, other: str) -> bool:
    """Whether two voices are there, nameless, and nobody said that they are two people.

    A name is given to nobody whom another voice is nearly as like: of named ones the lead is asked for always.
    """
    voices = book.voices.get(one), book.voices.get(other)
    return all(v is not None and v.name is None for v in voices) and pair(one, other) not in book.apart


def shown(known: Known) -> str:
    """A digest of what tables and exports say of a speaker."""
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def is_stale(book: Book, hearing: Hearing) -> bool:
    """Whether its recording's tables say something else of it, or anything of who is forgotten."""
    if hearing.voice_id == FORGOTTEN:
        return True
    return bool(hearing.out and hearing.speaker) and hearing.shown != shown(book.known(hearing))


def stale(book: Book) -> list[tuple[str, str]]:
    """The recordings, each by `out` and id, whose tables and exports have to be written again."""
    return sorted({(h.out, h.recording_id) for h in book.hearings.values() if is_stale(book, h)})


def told(book: Book, out: str, recording_id: str) -> Book:
    """The book once this recording's tables say what it says; who is forgotten leaves it."""
    hearings = {}
    for key, hearing in book.hearings.items():
        if (hearing.out, hearing.recording_id) == (out, recording_id):
            if hearing.voice_id == FORGOTTEN:
                continue
            hearing = hearing._replace(shown=shown(book.known(hearing)))
        hearings[key] = hearing
    return tidied(replace(book, hearings=hearings))


def new_voice_id(recording_id: str, label: str, taken: Collection[str]) -> str:
    """The same for the same recording each time, so that a run tried again comes to the same."""
    number = 0
    while True:
        digest = hashlib.sha256(f"{recording_id}/{label}/{number}".encode()).digest()
        voice_id = "v" + base64.b32encode(digest).decode().lower()[:8]
        if voice_id not in taken:
            return voice_id
        number += 1


def used(book: Book) -> set[str]:
    """All ids of voices that the book knows, also of those that undoing a correction would bring back."""
    return {*book.voices, *(v for c in book.corrections for v in touched(c))}


def touched(entry: Correction) -> set[str]:
    """The voices that a correction is about."""
    change = json.loads(entry.change)
    about = {*change["voices"], *change["added"].values()} | {
        v for p in (*change["apart"], *change["together"]) for v in p
    }
    return about | {str(d[0]) for both in change["hearings"].values() for d in both}


def hearing_id(out: str, recording_id: str, label: str, voice_id: str) -> str:
    return hashlib.sha256("\0".join((out, recording_id, label, voice_id)).encode()).hexdigest()[:16]


def called(book: Book, voice_id: str) -> str:
    """A voice as people know it: by its name, else its id."""
    voice = book.voices.get(voice_id)
    return voice.name if voice and voice.name else voice_id


def check_free(book: Book, name: str | None, voice_id: str | None) -> None:
    """Raises UsageError for a name that another voice has."""
    for other in book.voices.values():
        if name and other.voice_id != voice_id and (other.name or "").casefold() == name.casefold():
            raise UsageError(
                f"{name!r} is the name of another voice, {other.voice_id}. If they are one person: daylong speakers "
                f"merge {other.voice_id} {voice_id or 'VOICE'}; if not, give a name that tells them apart."
            )
