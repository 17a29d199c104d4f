"""The rows of the table `quality`: each hour of a recording, and each speaker in it. Pure.

What words and turns tell is computed anew whenever the transcript is corrected. What the sound tells was measured by
the run, on the turns as its own steps found them, and stays.
"""

from __future__ import annotations

import ctypes
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.canonical import canonical
from tasks.intervals import Span, intersect, merge_spans, subtract
from tasks.quality.ghosts import find_ghosts
from tasks.quality.hour_sound import SOUND, measure_sound
from tasks.quality.hour_spans import Key, find_hour, find_overlap, list_keys, list_spoken, make_hour, sum_by_hour
from tasks.quality.sound import TrackSound, mix_tracks
from tasks.records import UNKNOWN, HourQuality, Transcript
from tasks.review.calibrate import PRIOR
from tasks.review.spans import SILENT_S, find_edited, survey

LEAST_CONFIDENCE = 0.5
"""Of a speaker who is not in doubt."""


def assess(transcript: Transcript, tracks: Sequence[TrackSound]) -> Transcript:
    """Make the transcript canonical and add its quality. `tracks`: the sound of all channels mixed, or of each."""
    transcript = canonical(transcript)
    spoken = list_spoken(transcript)
    keys = list_keys(transcript, spoken)
    speech = mix_tracks(tracks).speech if tracks else ()
    heard = measure_sound(transcript, keys, spoken, tracks) if tracks else {}
    return _add_rows(transcript, spoken, keys, sum_by_hour(speech), heard)


def assess_again(transcript: Transcript) -> Transcript:
    """Make the transcript canonical and its quality that of its words and turns as they are now; without rows where
    it has none."""
    transcript = canonical(transcript)
    if not transcript.quality:
        return transcript
    spoken = list_spoken(transcript)
    speech = {q.hour: q.speech_s for q in transcript.quality if q.speaker is None}
    heard = {(q.hour, q.speaker): {name: getattr(q, name) for name in SOUND} for q in transcript.quality}
    return _add_rows(transcript, spoken, list_keys(transcript, spoken), speech, heard)


def _add_rows(
    transcript: Transcript,
    spoken: Mapping[str, list[Span]],
    keys: Sequence[Key],
    speech: Mapping[int, float],
    heard: Mapping[Key, Mapping[str, Any]],
) -> Transcript:
    """Add a row for each key. `speech`: seconds of speech by hour, for a recording without turns; `heard`: the
    columns of `SOUND`."""
    both = find_overlap(spoken.values())
    worded = merge_spans(w.span.grow(SILENT_S / 2) for w in transcript.words)
    everyone: dict[str | None, list[Span]] = {None: merge_spans(s for own in spoken.values() for s in own)}
    everyone.update(spoken)
    spoken_s = {label: sum_by_hour(own) for label, own in everyone.items()}
    overlap_s = {label: sum_by_hour(intersect(own, both)) for label, own in everyone.items()}
    bare_s = {
        label: sum_by_hour(s for s in subtract(own, worded) if s.duration_s > SILENT_S)
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
        span = make_hour(transcript, hour)
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
    """Count words by hour and speaker, and those whose speaker is in doubt."""
    words: Counter[Key] = Counter()
    doubtful: Counter[Key] = Counter()
    for word in transcript.words:
        # In the precision of the tables, so that rows made from tables are the same.
        sure = None if word.speaker_confidence is None else ctypes.c_float(word.speaker_confidence).value
        doubted = word.speaker == UNKNOWN or (sure is not None and sure < LEAST_CONFIDENCE)
        for key in ((find_hour(word.middle_s), None), (find_hour(word.middle_s), word.speaker or UNKNOWN)):
            words[key] += 1
            doubtful[key] += doubted
    return words, doubtful


def _expect_errors(transcript: Transcript) -> tuple[Mapping[Key, float], Mapping[Key, float]]:
    """Sum the errors to expect, and the words said, by the hour and speaker of their lines."""
    errors: defaultdict[Key, float] = defaultdict(float)
    said: defaultdict[Key, float] = defaultdict(float)
    speakers = {s.index: s.speaker for s in transcript.segments}
    for line in survey(transcript, PRIOR, find_edited(transcript)).lines:
        hour = find_hour(line.span.middle_s)
        for key in ((hour, None), (hour, speakers[line.segment] or UNKNOWN)):
            errors[key] += line.errors
            said[key] += line.num_words
    return errors, said
