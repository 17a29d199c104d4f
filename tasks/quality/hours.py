"""The rows of the table `quality`: each hour of a recording, and each speaker in it. Pure.

What words and turns tell is computed anew whenever the transcript is corrected. What the sound tells was measured by
the run, on the turns as its own steps found them, and stays.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.canonical import canonical
from tasks.intervals import Span, intersect, merge_spans, subtract
from tasks.quality.dead import find_dead, find_longest
from tasks.quality.ghosts import find_ghosts
from tasks.quality.sound import TrackSound, measure_noise, measure_speech, mix_tracks
from tasks.records import UNKNOWN, HourQuality, Transcript
from tasks.review.calibrate import PRIOR
from tasks.review.spans import SILENT_S, find_edited, survey

HOUR_S = 3600.0
LEAST_CONFIDENCE = 0.5
"""Of a speaker who is not in doubt."""

Key = tuple[int, str | None]
"""An hour, and a speaker in it or None for all."""
SOUND = ("noise_dbfs", "speech_dbfs", "clipped_share", "dead_from_s", "dead_until_s", "dead_dbfs")
"""Columns that only the run can measure."""


def assess(transcript: Transcript, tracks: Sequence[TrackSound]) -> Transcript:
    """The transcript, canonical, with its quality. `tracks`: the sound of all channels mixed, or of each channel."""
    transcript = canonical(transcript)
    spoken = _list_spoken(transcript)
    keys = _list_keys(transcript, spoken)
    speech = mix_tracks(tracks).speech if tracks else ()
    heard = _measure_sound(transcript, keys, spoken, tracks) if tracks else {}
    return _add_rows(transcript, spoken, keys, _sum_by_hour(speech), heard)


def assess_again(transcript: Transcript) -> Transcript:
    """The transcript, canonical, with its quality by its words and turns as they are now; without rows where it has
    none."""
    transcript = canonical(transcript)
    if not transcript.quality:
        return transcript
    spoken = _list_spoken(transcript)
    speech = {q.hour: q.speech_s for q in transcript.quality if q.speaker is None}
    heard = {(q.hour, q.speaker): {name: getattr(q, name) for name in SOUND} for q in transcript.quality}
    return _add_rows(transcript, spoken, _list_keys(transcript, spoken), speech, heard)


def find_overlap(spoken: Iterable[Sequence[Span]]) -> list[Span]:
    """Where at least two speak. Each speaker's spans are sorted and disjoint."""
    edges = sorted((at, step) for own in spoken for s in own for at, step in ((s.start_s, 1), (s.end_s, -1)))
    found, speaking, since = [], 0, 0.0
    for at, step in edges:
        if step > 0 and speaking == 1:
            since = at
        elif step < 0 and speaking == 2:
            found.append(Span(since, at))
        speaking += step
    return merge_spans(found)


def split_by_hour(spans: Iterable[Span]) -> dict[int, list[Span]]:
    """Cut spans at full hours, by hour."""
    found: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        for hour in range(int(span.start_s // HOUR_S), math.ceil(span.end_s / HOUR_S)):
            if part := span & Span(hour * HOUR_S, (hour + 1) * HOUR_S):
                found[hour].append(part)
    return found


def _sum_by_hour(spans: Iterable[Span]) -> dict[int, float]:
    return {hour: sum(s.duration_s for s in own) for hour, own in split_by_hour(spans).items()}


def _list_spoken(transcript: Transcript) -> dict[str, list[Span]]:
    """Each speaker's turns, sorted and disjoint."""
    turns: dict[str, list[Span]] = defaultdict(list)
    for turn in transcript.turns:
        turns[turn.speaker].append(turn.span)
    return {label: merge_spans(own) for label, own in sorted(turns.items())}


def _list_keys(transcript: Transcript, spoken: Mapping[str, Sequence[Span]]) -> list[Key]:
    hours = max(1, math.ceil(transcript.recording.duration_s / HOUR_S))
    own: set[tuple[int, str]] = {(hour, label) for label in spoken for hour in split_by_hour(spoken[label])}
    own |= {(_find_hour(w.middle_s), w.speaker) for w in transcript.words if w.speaker}
    return [(hour, None) for hour in range(hours)] + sorted(key for key in own if key[0] < hours)


def _find_hour(at_s: float) -> int:
    return int(at_s // HOUR_S)


def _make_hour(transcript: Transcript, hour: int) -> Span:
    return Span(hour * HOUR_S, min((hour + 1) * HOUR_S, max(transcript.recording.duration_s, hour * HOUR_S)))


def _measure_sound(
    transcript: Transcript, keys: Sequence[Key], spoken: Mapping[str, list[Span]], tracks: Sequence[TrackSound]
) -> dict[Key, dict[str, Any]]:
    """The figures of SOUND by hour and speaker. A speaker's are those of where nobody else speaks."""
    mixed = mix_tracks(tracks)
    both = find_overlap(spoken.values())
    alone = {label: subtract(own, both) for label, own in spoken.items()}
    channels = {turn.speaker: turn.channel for turn in transcript.turns}
    by_channel = {track.channel: track for track in tracks}
    dead = find_dead(mixed)
    found: dict[Key, dict[str, Any]] = {}
    for hour, label in keys:
        span = _make_hour(transcript, hour)
        track = mixed if label is None else by_channel.get(channels.get(label), mixed)
        level, clipped = measure_speech(track, span, mixed.speech if label is None else alone.get(label, []))
        found[hour, label] = {
            "noise_dbfs": measure_noise(track, span, [d for d, _ in dead]),
            "speech_dbfs": level,
            "clipped_share": clipped,
        }
        longest = find_longest(dead, span) if label is None else None
        if longest is not None:
            silent, level = longest
            found[hour, None] |= {"dead_from_s": silent.start_s, "dead_until_s": silent.end_s, "dead_dbfs": level}
    return found


def _add_rows(
    transcript: Transcript,
    spoken: Mapping[str, list[Span]],
    keys: Sequence[Key],
    speech: Mapping[int, float],
    heard: Mapping[Key, Mapping[str, Any]],
) -> Transcript:
    """`speech`: seconds of speech by hour, for a recording without turns. `heard`: the figures of SOUND."""
    both = find_overlap(spoken.values())
    worded = merge_spans(w.span.grow(SILENT_S / 2) for w in transcript.words)
    everyone: dict[str | None, list[Span]] = {None: merge_spans(s for own in spoken.values() for s in own)}
    everyone.update(spoken)
    spoken_s = {label: _sum_by_hour(own) for label, own in everyone.items()}
    overlap_s = {label: _sum_by_hour(intersect(own, both)) for label, own in everyone.items()}
    bare_s = {
        label: _sum_by_hour(s for s in subtract(own, worded) if s.duration_s > SILENT_S)
        for label, own in everyone.items()
    }
    words, doubtful = _count_words(transcript)
    errors, said = _expect_errors(transcript)
    ghosts = find_ghosts(transcript.speakers)
    rows = []
    for key in keys:
        hour, label = key
        own_s = spoken_s.get(label, {}).get(hour, 0.0) if spoken else speech.get(hour, 0.0)
        present = {one for other, one in keys if other == hour and one is not None}
        span = _make_hour(transcript, hour)
        figures = {
            "speech_s": own_s,
            "expected_wer": min(1.0, errors[key] / said[key]) if said.get(key) else None,
            "doubtful_share": doubtful[key] / words[key] if words[key] and spoken else None,
            "overlap_share": overlap_s.get(label, {}).get(hour, 0.0) / own_s if own_s and spoken else None,
            "untranscribed_s": bare_s.get(label, {}).get(hour, 0.0) if spoken else None,
            **heard.get(key, {}),
        }
        rows.append(
            HourQuality(
                hour,
                span.start_s,
                span.end_s,
                label,
                num_words=words[key],
                num_ghosts=len(ghosts & (present if label is None else {label})) if spoken else None,
                **{name: _round(value) for name, value in figures.items()},
            )
        )
    return canonical(replace(transcript, quality=tuple(rows)))


def _round(value: float | None) -> Any:
    return None if value is None else round(value, 4)


def _count_words(transcript: Transcript) -> tuple[Counter[Key], Counter[Key]]:
    """Words by hour and speaker, and those whose speaker is in doubt."""
    words: Counter[Key] = Counter()
    doubtful: Counter[Key] = Counter()
    for word in transcript.words:
        # As the tables have it: rows that are made from them are the same.
        sure = None if word.speaker_confidence is None else ctypes.c_float(word.speaker_confidence).value
        doubted = word.speaker == UNKNOWN or (sure is not None and sure < LEAST_CONFIDENCE)
        for key in ((_find_hour(word.middle_s), None), (_find_hour(word.middle_s), word.speaker or UNKNOWN)):
            words[key] += 1
            doubtful[key] += doubted
    return words, doubtful


def _expect_errors(transcript: Transcript) -> tuple[Mapping[Key, float], Mapping[Key, float]]:
    """Errors to expect, and words said, by the hour and speaker of their lines."""
    errors: defaultdict[Key, float] = defaultdict(float)
    said: defaultdict[Key, float] = defaultdict(float)
    speakers = {s.index: s.speaker for s in transcript.segments}
    for line in survey(transcript, PRIOR, find_edited(transcript)).lines:
        hour = _find_hour(line.span.middle_s)
        for key in ((hour, None), (hour, speakers[line.segment] or UNKNOWN)):
            errors[key] += line.errors
            said[key] += line.num_words
    return errors, said
