"""Identify a recording's speakers against the registry and enter their hearings: known, possibly known, or new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tasks.records import UNKNOWN
from tasks.voices.invariants import (
    collect_voice_ids,
    digest_identity,
    list_forgotten,
    make_hearing_id,
    make_voice_id,
    may_be_same_person,
    prune_registry,
)
from tasks.voices.match import MatchRule, VoiceMatch, group_voices, match_speakers, score_voices
from tasks.voices.records import FORGOTTEN, Hearing, KnownVoice, SpeakerIdentity, Vector, VoiceRegistry, order_pair

CERTAIN = 2.0
"""Score above any cosine, for a speaker whose voice is already decided."""


class MeasuredSpeaker(NamedTuple):
    """A speaker of a run: label, seconds of turns, and the embedding, shape (D,), empty where none was measured."""

    label: str
    seconds: float
    embedding: Vector


@dataclass(frozen=True, slots=True)
class RecordingVoices:
    """The speakers of a recording that a run is about to publish.

    `heard_on`: its date (ISO); `embedder`: name and digest of the weights that measured the embeddings.
    """

    out: str
    recording_id: str
    run_id: str
    source_name: str
    heard_on: str
    embedder: str
    speakers: tuple[MeasuredSpeaker, ...]


def enter_recording(
    registry: VoiceRegistry, visit: RecordingVoices, carried: Mapping[str, str], rule: MatchRule
) -> tuple[VoiceRegistry, dict[str, SpeakerIdentity]]:
    """Replace the recording's hearings by those of `visit`; return the registry, and the identity of each label.

    `carried` maps labels to labels of the recording's earlier run: these speakers keep their voices. The others, and
    those whose unnamed voice is heard nowhere else, are matched with the registry; without a match they get a new
    voice. Hearings of speakers that the recording no longer has are dropped, but kept for voices that have a name or
    were corrected by a person.

    While a voice is being erased from the recording, speakers who aren't carried are not entered, and have no
    identity: each may be the forgotten one, whom this run has measured before.
    """
    gone = {
        h.hearing_id: h
        for h in list_forgotten(registry)
        if (h.out, h.recording_id) == (visit.out, visit.recording_id)
    }
    earlier = {h.speaker: h for h in registry.of_recording(visit.out, visit.recording_id) if h.voice_id != FORGOTTEN}
    before = {label: earlier[old] for label, old in carried.items() if old in earlier}
    if gone:
        visit = replace(visit, speakers=tuple(s for s in visit.speakers if s.label in before))
    here = {h.hearing_id for h in before.values()}
    rest = replace(registry, hearings={key: h for key, h in registry.hearings.items() if key not in here})
    measured = {h.label for h in visit.speakers if len(h.embedding)}
    settled = {key: h for key, h in before.items() if key not in measured or not _may_be_rematched(rest, h)}
    matched = _match_speakers(rest, visit, settled, before, rule)

    voices, entered, ids = dict(registry.voices), {}, collect_voice_ids(registry)
    for heard in visit.speakers:
        found = before.get(heard.label)
        if heard.label == UNKNOWN or (found is None and not len(heard.embedding)):
            continue
        if heard.label not in settled:
            own = found.voice_id if found else make_voice_id(visit.recording_id, heard.label, ids | set(voices))
            found = _decide_voice(visit, heard, matched.get(heard.label, (VoiceMatch(), [])), own, found)
        assert found is not None
        hearing = _update_hearing(found, visit, heard)
        voices.setdefault(hearing.voice_id, KnownVoice(hearing.voice_id))
        entered[hearing.hearing_id] = hearing
    rivals = [(rows[a.maybe], rows[a.rival]) for a, rows in matched.values() if a.rival >= 0]
    alike = registry.alike | {order_pair(*both) for both in rivals if may_be_same_person(registry, *both)}
    lost = {h.hearing_id: h._replace(speaker="") for h in earlier.values() if h.hearing_id not in here}
    left = {key: h for key, h in rest.hearings.items() if key not in lost}
    apart = {v for both in registry.apart for v in both}
    left |= {
        key: h for key, h in lost.items() if registry.voices[h.voice_id].name or h.by == "hand" or h.voice_id in apart
    }
    nobody = digest_identity(SpeakerIdentity())
    erased = {key: h._replace(run_id=visit.run_id, speaker="", shown=nobody) for key, h in gone.items()}
    return _update_digests(
        prune_registry(replace(registry, voices=voices, hearings=left | erased | entered, alike=alike)), list(entered)
    )


def _update_digests(
    registry: VoiceRegistry, entered: Sequence[str]
) -> tuple[VoiceRegistry, dict[str, SpeakerIdentity]]:
    """Set the `shown` digests of these hearings; return the registry, and their identities by label."""
    said = {key: registry.identity_of(registry.hearings[key]) for key in entered}
    marked = {key: registry.hearings[key]._replace(shown=digest_identity(known)) for key, known in said.items()}
    return (
        replace(registry, hearings={**registry.hearings, **marked}),
        {registry.hearings[key].speaker: known for key, known in said.items()},
    )


def _may_be_rematched(elsewhere: VoiceRegistry, hearing: Hearing) -> bool:
    """Whether the hearing is the only one of an unnamed, unmatched voice, so that it may be matched again."""
    return (
        hearing.by == "new"
        and elsewhere.voices[hearing.voice_id].name is None
        and not any(h.voice_id == hearing.voice_id for h in elsewhere.hearings.values())
    )


def _match_speakers(
    rest: VoiceRegistry,
    visit: RecordingVoices,
    settled: Mapping[str, Hearing],
    before: Mapping[str, Hearing],
    rule: MatchRule,
) -> dict[str, tuple[VoiceMatch, list[str]]]:
    """Match the measured speakers; by label, the match and the ids of the voices that its indices refer to."""
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
    scores = score_voices(
        np.array([_pad_embedding(h.embedding, size) for h in asked]),
        np.array([_pad_embedding(h.embedding, size) for h in heard]),
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
            denied |= {(k, row) for voice, row in row_of.items() if order_pair(own, voice) in rest.apart}
    open_offers = [
        (row_of[h.voice_id], row_of[h.maybe])
        for h in rest.hearings.values()
        if h.maybe in row_of and h.voice_id in row_of and order_pair(h.voice_id, h.maybe) not in rest.apart
    ]
    open_offers += [(row_of[one], row_of[other]) for one, other in rest.alike if one in row_of and other in row_of]
    named = np.array([rest.voices[voice].name is not None for voice in rows])
    found = match_speakers(scores, rule, group_voices(len(rows), open_offers), frozenset(denied), named)
    return {speaker.label: (answer, rows) for speaker, answer in zip(asked, found, strict=True)}


def _decide_voice(
    visit: RecordingVoices,
    heard: MeasuredSpeaker,
    matched: tuple[VoiceMatch, list[str]],
    own: str,
    before: Hearing | None,
) -> Hearing:
    answer, rows = matched
    voice = rows[answer.voice] if answer.voice >= 0 else own
    found = make_hearing(visit, heard, own)._replace(
        voice_id=voice,
        by="match" if answer.voice >= 0 else "new",
        similarity=answer.similarity,
        maybe=rows[answer.maybe] if answer.maybe >= 0 else None,
        maybe_similarity=answer.maybe_similarity,
    )
    return found._replace(hearing_id=before.hearing_id) if before else found


def make_hearing(visit: RecordingVoices, heard: MeasuredSpeaker, voice_id: str) -> Hearing:
    """Make the hearing of a measured speaker as the first of a voice."""
    return Hearing(
        hearing_id=make_hearing_id(visit.out, visit.recording_id, heard.label, voice_id),
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


def _update_hearing(hearing: Hearing, visit: RecordingVoices, heard: MeasuredSpeaker) -> Hearing:
    """Update a hearing's run, label, seconds and embedding from this run; its voice stays."""
    hearing = hearing._replace(
        run_id=visit.run_id,
        source_name=visit.source_name,
        heard_on=visit.heard_on,
        speaker=heard.label,
        seconds=heard.seconds,
    )
    return hearing._replace(embedder=visit.embedder, embedding=heard.embedding) if len(heard.embedding) else hearing


def _pad_embedding(embedding: Vector, size: int) -> Vector:
    """Pad an embedding with zeros to `size`, as tables do; norm and angles stay the same."""
    return embedding if len(embedding) == size else np.pad(embedding, (0, size - len(embedding)))


def offer_voice(registry: VoiceRegistry, voice_id: str, rule: MatchRule) -> VoiceRegistry:
    """Offer the voice to hearings of unnamed voices whose score is within the rule's margin below the threshold, or
    above it."""
    own = [h for h in registry.of_voice(voice_id) if len(h.embedding)]
    hearings = dict(registry.hearings)
    for embedder in sorted({h.embedder for h in own}):
        known = [h.embedding for h in own if h.embedder == embedder]
        asked = [
            h
            for h in registry.hearings.values()
            if h.embedder == embedder
            and len(h.embedding)
            and h.voice_id not in (FORGOTTEN, voice_id)
            and h.maybe is None
            if registry.voices[h.voice_id].name is None and order_pair(h.voice_id, voice_id) not in registry.apart
        ]
        if not asked:
            continue
        size = max(map(len, [*known, *(h.embedding for h in asked)]))
        table = np.array([_pad_embedding(e, size) for e in known])
        near = score_voices(
            np.array([_pad_embedding(h.embedding, size) for h in asked]), table, np.zeros(len(known), int), 1
        )
        for h, similarity in zip(asked, near[:, 0], strict=True):
            if similarity >= rule.threshold - rule.margin:
                hearings[h.hearing_id] = h._replace(maybe=voice_id, maybe_similarity=float(similarity))
    return replace(registry, hearings=hearings)
