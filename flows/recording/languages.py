"""Determine the languages of a recording: one for all of it, one a channel, or each chunk's or stretch's own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flows.recording.chunk_result import ChunkResult
from flows.recording.preparation import Run
from flows.recording.tracks import Track
from tasks.contracts import LanguageFacts, PlaceFacts, language_facts, transcription_facts
from tasks.engines import registry
from tasks.intervals import Span, clip, format_clock, measure_union_s
from tasks.languages import format_language
from tasks.settings.schema import PER_CHUNK, PER_SEGMENT
from tasks.step import Manifest
from tasks.transcription.language import vote
from tasks.transcription.limits import find_languages
from tasks.transcription.task import LanguageJob, find_language

log = logging.getLogger("daylong.language")

MIN_CONFIDENCE = 0.5
"""A channel whose own language is less certain has the recording's."""
MIN_OWN_S, LEAST_CONFIDENCE, FAR_LIKELIER = 5.0, 0.1, 5.0
"""Unless it has so much speech, and its own language is as certain as that and so many times likelier than the
recording's: in that one, its words would be lost."""
MAX_PLACES = 3
"""Places that a warning lists."""


@dataclass(frozen=True, slots=True)
class Languages:
    """`language`: the recording's, None where each chunk has its own; `confidence`: 0–1, None where it was given."""

    language: str | None
    confidence: float | None
    by_channel: Mapping[int | None, str | None]
    """What each track is transcribed in, by its channel: a code, None (found in each chunk) or PER_SEGMENT."""
    disagreeing: tuple[PlaceFacts, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    """Of the step `language`, one a track with speech, where it was detected."""


def determine_languages(tracks: Sequence[Track], run: Run) -> Languages:
    """Determine the language of each track: as set, as the weights' only one, or detected by engines that can."""
    settings, weights = run.settings.transcription, run.weights["transcription"]
    spec = registry.find("transcription", settings.engine)
    folder = None if spec.capabilities.remote else weights.path
    known = find_languages(spec, str(weights.path), folder) or ()
    channels = [track.audio.channel for track in tracks]
    only = known[0] if len(known) == 1 else settings.fixed_language
    if only is not None:
        return Languages(only, None, dict.fromkeys(channels, only))
    if settings.language in (PER_CHUNK, PER_SEGMENT):
        own = PER_SEGMENT if settings.language == PER_SEGMENT else None
        return Languages(None, None, dict.fromkeys(channels, own))
    if not spec.capabilities.detects_language:
        return Languages(None, None, dict.fromkeys(channels))
    manifests = {
        track.audio.channel: find_language(LanguageJob(track.audio, track.speech, settings, weights), run.place)
        for track in tracks
        if track.speech
    }
    facts = {channel: language_facts(manifest) for channel, manifest in manifests.items()}
    found = combine_channels(facts, {track.audio.channel: measure_union_s(track.speech) for track in tracks})
    return replace(found, manifests=tuple(manifests.values()))


def combine_channels(facts: Mapping[int | None, LanguageFacts], speech_s: Mapping[int | None, float]) -> Languages:
    """Combine what was detected on each channel; `speech_s`: seconds of speech of every channel.

    The recording's language is that of most speech. A channel whose own is uncertain has the recording's, unless that
    one is far less likely there.
    """
    found = {c: (f["language"], f["confidence"] or 0.0) for c, f in facts.items() if f["language"]}
    votes = [([(code, sure)], speech_s[c]) for c, (code, sure) in found.items() if code]
    language, confidence = vote(votes) or (None, None)
    own = {
        c: code if sure >= MIN_CONFIDENCE or _is_another(facts[c], language, speech_s[c]) else language
        for c, (code, sure) in found.items()
    }
    disagreeing = tuple(p for c, f in facts.items() for p in f["disagreeing"] if p["language"] != own.get(c))
    return Languages(language, confidence, {c: own.get(c, language) for c in speech_s}, disagreeing)


def _is_another(found: LanguageFacts, language: str | None, speech_s: float) -> bool:
    """Whether a channel's uncertain language is far likelier there than the recording's."""
    sure, likely = found["confidence"] or 0.0, dict(found.get("likely") or ())
    if speech_s < MIN_OWN_S or sure < LEAST_CONFIDENCE or not likely:
        return False
    return sure >= FAR_LIKELIER * likely.get(language or "", 0.0)


def find_main_language(done: Sequence[ChunkResult]) -> tuple[str | None, float | None]:
    """Find the language of most of the speech, and the share of the speech that is expected to be in it, where each
    chunk or stretch has its own."""
    votes = []
    for result in done:
        if "transcription" not in result.manifests:
            continue
        facts = transcription_facts(result.manifests["transcription"])
        speech = clip(result.chunk.speech, result.chunk.core)
        for place in facts.get("languages") or ():
            spoken_s = measure_union_s(clip(speech, Span(place["start_s"], place["end_s"])))
            votes.append(([(place["language"], place["confidence"])], spoken_s))
        if not facts.get("languages") and facts["language"]:
            sure = facts.get("language_confidence")
            votes.append(([(facts["language"], 1.0 if sure is None else sure)], measure_union_s(speech)))
    return vote(votes) or (None, None)


def list_disagreeing(done: Iterable[ChunkResult]) -> tuple[PlaceFacts, ...]:
    """List the places whose language differs from their chunk's, where each chunk has its own."""
    facts = (transcription_facts(r.manifests["transcription"]) for r in done if "transcription" in r.manifests)
    return tuple(place for f in facts for place in f.get("disagreeing") or ())


def warn_of_disagreement(name: str, languages: Languages) -> None:
    """Warn that places are in other languages than the recording is transcribed in; nothing where none is.

    `name`: the recording's, fit to be shown.
    """
    if not languages.disagreeing:
        return
    log.warning("%s", describe_disagreement(name, languages))


def describe_disagreement(name: str, languages: Languages) -> str:
    """Describe in one line which places are in other languages, and the setting that helps."""
    places = sorted(languages.disagreeing, key=lambda place: place["start_s"])
    shown = [f"{format_language(p['language'])} at {format_clock(p['start_s'])}" for p in places[:MAX_PLACES]]
    if len(places) > MAX_PLACES:
        shown.append(f"{len(places) - MAX_PLACES} more")
    taken = sorted({code for code in (*languages.by_channel.values(), languages.language) if code})
    codes = sorted({*taken, *(place["language"] for place in places)})
    return (
        f"{name}: places of the recording disagree about the language: {', '.join(shown)}; it is transcribed as "
        f"{' and '.join(map(format_language, taken))}. If people switch languages, set transcription.language = "
        f"{PER_SEGMENT} and transcription.languages = {','.join(codes)}"
    )
