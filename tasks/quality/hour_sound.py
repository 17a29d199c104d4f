"""The sound of each hour, and of each speaker in it: what only the run can measure. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.intervals import Span, subtract
from tasks.quality.dead import find_dead, find_longest
from tasks.quality.hour_spans import Key, find_overlap, make_hour
from tasks.quality.sound import TrackSound, measure_noise, measure_speech, mix_tracks
from tasks.records import Transcript

SOUND = ("noise_dbfs", "speech_dbfs", "clipped_share", "dead_from_s", "dead_until_s", "dead_dbfs")
"""Columns of the table that are measured here."""


def measure_sound(
    transcript: Transcript, keys: Sequence[Key], spoken: Mapping[str, list[Span]], tracks: Sequence[TrackSound]
) -> dict[Key, dict[str, Any]]:
    """Measure the columns of `SOUND` for each key; those of a speaker where nobody else speaks.

    `spoken`: each speaker's turns, sorted and disjoint. `tracks`: the sound of all channels mixed, or of each.
    """
    mixed = mix_tracks(tracks)
    both = find_overlap(spoken.values())
    alone = {label: subtract(own, both) for label, own in spoken.items()}
    channels = {turn.speaker: turn.channel for turn in transcript.turns}
    by_channel = {track.channel: track for track in tracks}
    dead = find_dead(mixed)
    found: dict[Key, dict[str, Any]] = {}
    for hour, label in keys:
        span = make_hour(transcript, hour)
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
