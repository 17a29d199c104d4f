"""A line where a recording's quality is too low, with the hours in which it is. Pure.

The rules are in README.md of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tasks.canonical import find_recording_start
from tasks.intervals import Span, format_clock
from tasks.records import HourQuality, Recording, Transcript
from tasks.text import to_one_line

LEAST_SPEECH_S = 60.0
"""Speech in an hour from which anything is said of it."""
LEAST_WORDS = 100
CLIPPED = 0.01
QUIET_DBFS = -50.0
NOISY_DB = 10.0
"""At most so far above the noise floor is speech in noise."""
WRONG = 0.5
"""Much overlap alone brings undegraded recordings to 0.4."""
UNTRANSCRIBED = 0.3
TOGETHER_S = 10.0
"""Dead stretches that are at most so far apart are one."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`span`: the hours, or the dead stretch. `what`: the end of the line."""

    kind: str
    span: Span
    what: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """`worth`: how bad an hour is, None where it is not; `format`: what to say of the worst."""

    kind: str
    worth: Callable[[HourQuality], float | None]
    format: Callable[[float], str]


RULES = (
    _Rule(
        "clipping",
        lambda q: q.clipped_share if (q.clipped_share or 0.0) >= CLIPPED else None,
        lambda worst: f"{100 * worst:.1f} % of the speech is clipped: is the recorder's level too high?",
    ),
    _Rule(
        "quiet",
        lambda q: None if q.speech_dbfs is None or q.speech_dbfs > QUIET_DBFS else -q.speech_dbfs,
        lambda worst: f"speech at only −{worst:.0f} dBFS: is the microphone too far away, or its level too low?",
    ),
    _Rule(
        "noisy",
        lambda q: _compute_noisiness(q),
        lambda worst: f"speech only {NOISY_DB - worst:.0f} dB above the noise: is something loud beside it?",
    ),
    _Rule(
        "wrong",
        lambda q: q.expected_wer if (q.expected_wer or 0.0) >= WRONG and q.num_words >= LEAST_WORDS else None,
        lambda worst: f"about {100 * worst:.0f} % of the words are expected to be wrong",
    ),
    _Rule(
        "untranscribed",
        lambda q: _compute_untranscribed(q),
        lambda worst: f"{100 * worst:.0f} % of the speech has no words",
    ),
)


def find_alarms(transcript: Transcript) -> list[Alarm]:
    """The alarms of a transcript, by time, from its rows of whole hours."""
    hours = sorted((q for q in transcript.quality if q.speaker is None), key=lambda q: q.hour)
    spoken = [q for q in hours if q.speech_s >= LEAST_SPEECH_S]
    found = [*_find_dead(hours), *(alarm for rule in RULES for alarm in _apply(rule, spoken))]
    return sorted(found, key=lambda alarm: (alarm.span, alarm.kind))


def format_alarms(transcript: Transcript) -> list[str]:
    """The alarms as lines that begin with the recording's name. Untrusted text: escape it where it is shown."""
    recording = transcript.recording
    name = to_one_line(recording.source_name) or recording.recording_id
    return [f"{name}: {format_alarm(alarm, recording)}" for alarm in find_alarms(transcript)]


def format_alarm(alarm: Alarm, recording: Recording) -> str:
    """As `from 14:00 on nothing but −70 dBFS: is the microphone dead?`"""
    return f"{_format_when(alarm.span, recording)} {alarm.what}"


def _find_dead(hours: Sequence[HourQuality]) -> Iterator[Alarm]:
    spans: list[tuple[Span, float]] = []
    for q in hours:
        if q.dead_from_s is None or q.dead_until_s is None or q.dead_dbfs is None:
            continue
        if spans and q.dead_from_s - spans[-1][0].end_s <= TOGETHER_S:
            before, level = spans.pop()
            spans.append((Span(before.start_s, q.dead_until_s), max(level, q.dead_dbfs)))
        else:
            spans.append((Span(q.dead_from_s, q.dead_until_s), q.dead_dbfs))
    for span, level in spans:
        yield Alarm("dead", span, f"nothing but {_format_level(level)}: is the microphone dead?")


def _apply(rule: _Rule, hours: Sequence[HourQuality]) -> Iterator[Alarm]:
    """An alarm for each run of hours that the rule finds bad; hours with hardly any speech do not end a run."""
    span, worst = None, 0.0
    for q in hours:
        worth = rule.worth(q)
        if worth is None:
            if span is not None:
                yield Alarm(rule.kind, span, rule.format(worst))
            span = None
            continue
        worst = worth if span is None else max(worst, worth)
        span = Span(q.start_s if span is None else span.start_s, q.end_s)
    if span is not None:
        yield Alarm(rule.kind, span, rule.format(worst))


def _compute_noisiness(q: HourQuality) -> float | None:
    if q.speech_dbfs is None or q.noise_dbfs is None:
        return None
    below = NOISY_DB - (q.speech_dbfs - q.noise_dbfs)
    return below if below >= 0 else None


def _compute_untranscribed(q: HourQuality) -> float | None:
    share = (q.untranscribed_s or 0.0) / q.speech_s
    return share if share >= UNTRANSCRIBED else None


def _format_level(level: float) -> str:
    """A level in dBFS with a minus sign.

    >>> _format_level(-69.7), _format_level(-100.0)
    ('−70 dBFS', 'digital silence')
    """
    return f"−{-level:.0f} dBFS" if level > -99.5 else "digital silence"


def _format_when(span: Span, recording: Recording) -> str:
    end_s = recording.duration_s
    if span.end_s >= end_s - TOGETHER_S:
        if span.start_s <= TOGETHER_S:
            return "from its start to its end"
        return f"from {_format_time(span.start_s, recording)} on"
    return f"from {_format_time(span.start_s, recording)} to {_format_time(span.end_s, recording)}"


def _format_time(at_s: float, recording: Recording) -> str:
    """The time of day, with the day of the week in recordings of more than one; else the time since the start."""
    start = find_recording_start(recording)
    if start is None:
        return f"{format_clock(at_s)} after its start"
    at = start + timedelta(seconds=at_s)
    days = start.date() != (start + timedelta(seconds=recording.duration_s)).date()
    return f"{at:%a %H:%M}" if days else f"{at:%H:%M}"
