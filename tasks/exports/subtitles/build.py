"""From a transcript to the cues of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.canonical import apply_speaker_names, cache_last
from tasks.errors import UsageError
from tasks.exports.cue_timing import Cue
from tasks.exports.cues import build_cues_with_gaps
from tasks.exports.subtitles.atoms import build_streams
from tasks.exports.subtitles.profile import PLAIN, PROFILES, SubtitleProfile
from tasks.exports.text import to_ms
from tasks.records import Transcript
from tasks.settings.schema import SubtitleSettings


@dataclass(frozen=True, slots=True)
class SubtitleStyle:
    """How subtitles are made: a profile, and whether words are timed by the recogniser or by their length (fast)."""

    profile: SubtitleProfile = PLAIN
    fast: bool = False


def read_style(settings: SubtitleSettings) -> SubtitleStyle:
    """Read the style from the settings.

    >>> read_style(SubtitleSettings(profile="netflix", columns=30)).profile.limits_of("en").columns
    30
    """
    values = settings.changed_values()
    return SubtitleStyle(PROFILES[settings.profile].change(values), settings.mode == "fast")


def style_of(transcript: Transcript) -> SubtitleStyle:
    """The style that the transcript's run was told to write."""
    given: Mapping[str, Any] = transcript.run.settings.get("subtitles") or {}
    try:
        return read_style(SubtitleSettings.model_validate(given))
    except ValueError as error:
        raise UsageError(f"{transcript.recording.recording_id}: settings of its subtitles: {error}") from None


@cache_last
def _remembered(transcript: Transcript) -> dict[SubtitleStyle, tuple[Cue, ...]]:
    return {}


def build_subtitles(transcript: Transcript, style: SubtitleStyle | None = None) -> tuple[Cue, ...]:
    """Build the cues of a transcript, sorted by time. Speakers are told by name, where they have one.

    `style` left out: that of the transcript's run. SRT, VTT and others of one style share them.
    """
    transcript = apply_speaker_names(transcript)
    style = style or style_of(transcript)
    made = _remembered(transcript)
    if style not in made:
        made[style] = _build(transcript, style)
    return made[style]


def _build(transcript: Transcript, style: SubtitleStyle) -> tuple[Cue, ...]:
    if style.profile == PLAIN:
        return build_cues_with_gaps(transcript, fast=style.fast)
    from tasks.exports.subtitles.optimise import make_cues  # loads numpy, which plain cues do without

    streams = build_streams(transcript, style.profile, fast=style.fast)
    end_ms = to_ms(transcript.recording.duration_s)
    cues: list[Cue] = []
    for stream in streams:
        others = [atom.start_ms for other in streams if other is not stream for atom in other]
        cues += make_cues(stream, style.profile, end_ms, others)
    return tuple(sorted(cues, key=lambda c: (c.start_ms, c.end_ms, c.speaker or "")))
