"""A recording's speakers entered into the book: who of them is known, who may be, who is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tasks.records import UNKNOWN
from tasks.voices.book import hearing_id, may_be_one, new_voice_id, shown, tidied, used
from tasks.voices.match import Answer, Rule, answers, grouped, similarities
from tasks.voices.records import FORGOTTEN, Book, Hearing, Known, Vector, Voice, pair

CERTAIN = 2.0
"""More similar than anything can be: a speaker whose voice is known from before."""


class Heard(NamedTuple):
    """A speaker as a run found them: seconds of turns, and the embedding, empty where none was measured."""

    label: str
    seconds: float
    embedding: Vector


@dataclass(frozen=True, slots=True)
class Visit:
    """A recording that a run is about to publish; `heard_on` is its date (ISO), `embedder` what measured it."""

    out: str
    recording_id: str
    run_id: str
    source_name: str
    heard_on: str
    embedder: str
    speakers: tuple[Heard, ...]


def hear(book: Book, visit: Visit, carried: Mapping[str, str], rule: Rule) -> tuple[Book, dict[str, Known]]:
    """The book with this visit instead of the recording's earlier one, and what is known of each speaker by label.

    `carried` tells which speaker of the earlier visit, by label, each is: they stay who they were. The others, and
    those who were nobody's but their own, are matched with the voices heard so far; who is none of them gets one.
    Voices that people said nothing of and that are heard nowhere any more are dropped; of others the last hearing
    stays.
    """
    earlier = {h.speaker: h for h in book.of_recording(visit.out, visit.recording_id) if h.voice_id != FORGOTTEN}
    before = {label: earlier[old] for label, old in carried.items() if old in earlier}
    here = {h.hearing_id for h in before.values()}
    rest = replace(book, hearings={key: h for key, h in book.hearings.items() if key not in here})
    measured = {h.label for h in visit.speakers if len(h.embedding)}
    settled = {key: h for key, h in before.items() if key not in measured or not _may_be_asked_again(rest, h)}
    matched = _matched(rest, visit, settled, before, rule)

    voices, entered, ids = dict(book.voices), {}, used(book)
    for heard in visit.speakers:
        found = before.get(heard.label)
        if heard.label == UNKNOWN or (found is None and not len(heard.embedding)):
            continue
        if heard.label not in settled:
            own = found.voice_id if found else new_voice_id(visit.recording_id, heard.label, ids | set(voices))
            found = _decided(visit, heard, matched.get(heard.label, (Answer(), [])), own, found)
        assert found is not None
        hearing = _again(found, visit, heard)
        voices.setdefault(hearing.voice_id, Voice(hearing.voice_id))
        entered[hearing.hearing_id] = hearing
    rivals = [(rows[a.maybe], rows[a.rival]) for a, rows in matched.values() if a.rival >= 0]
    alike = book.alike | {pair(*both) for both in rivals if may_be_one(book, *both)}
    lost = {h.hearing_id: h._replace(speaker="") for h in earlier.values() if h.hearing_id not in here}
    left = {key: h for key, h in rest.hearings.items() if key not in lost}
    apart = {v for both in book.apart for v in both}
    left |= {
        key: h for key, h in lost.items() if book.voices[h.voice_id].name or h.by == "hand" or h.voice_id in apart
    }
    return _marked(tidied(replace(book, voices=voices, hearings=left | entered, alike=alike)), list(entered))


def _marked(book: Book, entered: Sequence[str]) -> tuple[Book, dict[str, Known]]:
    """The book in which these hearings are told as they are known, and what is known of them by speaker."""
    said = {key: book.known(book.hearings[key]) for key in entered}
    marked = {key: book.hearings[key]._replace(shown=shown(known)) for key, known in said.items()}
    return (
        replace(book, hearings={**book.hearings, **marked}),
        {book.hearings[key].speaker: known for key, known in said.items()},
    )


def _may_be_asked_again(elsewhere: Book, hearing: Hearing) -> bool:
    """Of a voice that is heard nowhere else and has no name more may be known by now."""
    return (
        hearing.by == "new"
        and elsewhere.voices[hearing.voice_id].name is None
        and not any(h.voice_id == hearing.voice_id for h in elsewhere.hearings.values())
    )


def _matched(
    rest: Book, visit: Visit, settled: Mapping[str, Hearing], before: Mapping[str, Hearing], rule: Rule
) -> dict[str, tuple[Answer, list[str]]]:
    """The answers for the measured speakers, by label, and the voices that they are rows of."""
    asked = [h for h in visit.speakers if h.label != UNKNOWN and (len(h.embedding) or h.label in settled)]
    heard = [
        h
        for h in rest.hearings.values()
        if h.embedder == visit.embedder and len(h.embedding) and h.voice_id != FORGOTTEN
    ]
    rows = sorted({h.voice_id for h in heard} | {h.voice_id for h in settled.values()})
    if not asked or not rows:
        return {}
    row_of = {voice: row for row, voice in enumerate(rows)}
    size = max(len(e) for e in [*(h.embedding for h in heard), *(h.embedding for h in asked)])
    scores = similarities(
        np.array([_sized(h.embedding, size) for h in asked]),
        np.array([_sized(h.embedding, size) for h in heard]),
        np.array([row_of[h.voice_id] for h in heard], np.int64),
        len(rows),
    )
    denied = set()
    for k, speaker in enumerate(asked):
        if speaker.label in settled:
            scores[k] = -1.0
            scores[k, row_of[settled[speaker.label].voice_id]] = CERTAIN
        if speaker.label in before:
            own = before[speaker.label].voice_id
            denied |= {(k, row) for voice, row in row_of.items() if pair(own, voice) in rest.apart}
    open_offers = [
        (row_of[h.voice_id], row_of[h.maybe])
        for h in rest.hearings.values()
        if h.maybe in row_of and h.voice_id in row_of and pair(h.voice_id, h.maybe) not in rest.apart
    ]
    open_offers += [(row_of[one], row_of[other]) for one, other in rest.alike if one in row_of and other in row_of]
    named = np.array([rest.voices[voice].name is not None for voice in rows])
    found = answers(scores, rule, grouped(len(rows), open_offers), frozenset(denied), named)
    return {speaker.label: (answer, rows) for speaker, answer in zip(asked, found, strict=True)}


def _decided(
    visit: Visit, heard: Heard, matched: tuple[Answer, list[str]], own: str, before: Hearing | None
) -> Hearing:
    answer, rows = matched
    voice = rows[answer.voice] if answer.voice >= 0 else own
    found = hearing_of(visit, heard, own)._replace(
        voice_id=voice,
        by="match" if answer.voice >= 0 else "new",
        similarity=answer.similarity,
        maybe=rows[answer.maybe] if answer.maybe >= 0 else None,
        maybe_similarity=answer.maybe_similarity,
    )
    return found._replace(hearing_id=before.hearing_id) if before else found


def hearing_of(visit: Visit, heard: Heard, voice_id: str) -> Hearing:
    """A speaker of a visit as the first hearing of a voice."""
    return Hearing(
        hearing_id=hearing_id(visit.out, visit.recording_id, heard.label, voice_id),
        voice_id=voice_id,
        out=visit.out,
        recording_id=visit.recording_id,
        run_id=visit.run_id,
        source_name=visit.source_name,
        speaker=heard.label,
        seconds=heard.seconds,
        heard_on=visit.heard_on,
        by="new",
        similarity=None,
        maybe=None,
        maybe_similarity=None,
        embedder=visit.embedder,
        embedding=heard.embedding,
    )


def _again(hearing: Hearing, visit: Visit, heard: Heard) -> Hearing:
    """The hearing as this visit has it: who it is stays."""
    hearing = hearing._replace(
        run_id=visit.run_id,
        source_name=visit.source_name,
        heard_on=visit.heard_on,
        speaker=heard.label,
        seconds=heard.seconds,
    )
    return hearing._replace(embedder=visit.embedder, embedding=heard.embedding) if len(heard.embedding) else hearing


def _sized(embedding: Vector, size: int) -> Vector:
    """Tables fill embeddings up with zeros: neither length nor angle changes."""
    return embedding if len(embedding) == size else np.pad(embedding, (0, size - len(embedding)))


def offered(book: Book, voice_id: str, rule: Rule) -> Book:
    """The book in which hearings of nameless voices that may be this one's are offered to it."""
    own = [h for h in book.of_voice(voice_id) if len(h.embedding)]
    hearings = dict(book.hearings)
    for embedder in sorted({h.embedder for h in own}):
        known = [h.embedding for h in own if h.embedder == embedder]
        asked = [
            h
            for h in book.hearings.values()
            if h.embedder == embedder
            and len(h.embedding)
            and h.voice_id not in (FORGOTTEN, voice_id)
            and h.maybe is None
            if book.voices[h.voice_id].name is None and pair(h.voice_id, voice_id) not in book.apart
        ]
        if not asked:
            continue
        size = max(map(len, [*known, *(h.embedding for h in asked)]))
        table = np.array([_sized(e, size) for e in known])
        near = similarities(np.array([_sized(h.embedding, size) for h in asked]), table, np.zeros(len(known), int), 1)
        for h, similarity in zip(asked, near[:, 0], strict=True):
            if similarity >= rule.threshold - rule.margin:
                hearings[h.hearing_id] = h._replace(maybe=voice_id, maybe_similarity=float(similarity))
    return replace(book, hearings=hearings)
