"""What a subtitle profile asks for: columns, lines, reading speed, durations, gaps, how speakers are told apart.

Sources: Netflix's Timed Text Style Guides as implemented by SubtitleEdit's `NetflixQualityController`, and the BBC's
Subtitle Guidelines (37 characters of teletext, 160–180 words a minute). Lengths are columns of a terminal: a
full-width character has two, a combining mark none, so that 16 full-width characters of Chinese are 32 columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Speakers = Literal["label", "dash", "none"]
Overlaps = Literal["together", "apart"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for the text of one language. None: no such limit.

    `columns`: of a line; `reading_cps`: columns a second; `reading_wpm`: words a minute; `min_ms`: shortest display.
    """

    columns: int
    reading_cps: float | None
    reading_wpm: float | None
    min_ms: int

    def measure_reading_ms(self, columns: int, words: float) -> int:
        """Milliseconds in which a text can be read.

        >>> Limits(42, 20.0, None, 833).measure_reading_ms(50, 9)
        2500
        >>> Limits(37, None, 180.0, 333).measure_reading_ms(50, 9)
        3000
        """
        by_columns = 1000 * columns / self.reading_cps if self.reading_cps else 0.0
        by_words = 60_000 * words / self.reading_wpm if self.reading_wpm else 0.0
        return math.ceil(max(by_columns, by_words) - 1e-6)


@dataclass(frozen=True, slots=True)
class SubtitleProfile:
    """The rules that cues follow. Times are milliseconds."""

    name: str
    limits: Limits
    lines: int = 2
    max_ms: int = 7_000
    frame_rate: float = 24.0
    gap_frames: int = 0
    """Frames that two cues are apart at least."""
    close_ms: int = 0
    """Longer gaps than that are left; shorter ones are closed to `gap_frames`."""
    lead_ms: int = 0
    """So long may a cue begin before its first word."""
    lag_ms: int = 0
    """So long may a cue begin after its first word, where the one before can then be read."""
    pause_ms: int = 1_500
    """A longer pause ends a cue."""
    speakers: Speakers = "label"
    """label: the speaker before the text; dash: a dash before each of two who speak in one cue; none: not told."""
    overlaps: Overlaps = "apart"
    """Two who speak at once: two lines of one cue (together), or cues that are shown at the same time (apart)."""
    dash: str = "- "
    by_language: tuple[tuple[str, Limits], ...] = ()

    @property
    def gap_ms(self) -> int:
        """The shortest gap between cues."""
        return math.ceil(1000 * self.gap_frames / self.frame_rate)

    @property
    def open_ms(self) -> float:
        """From this gap on (a frame more than the shortest) up to `close_ms`, a gap should have been closed."""
        return 1000 * (self.gap_frames + 1) / self.frame_rate

    def limits_of(self, language: str | None) -> Limits:
        """The limits of a language; those of the profile where the language has none of its own, or is unknown."""
        for code, limits in self.by_language:
            if code == language:
                return limits
        return self.limits

    def change(self, values: Mapping[str, Any]) -> SubtitleProfile:
        """The profile with other values: those of `Limits` hold for every language.

        >>> changed = NETFLIX.change({"columns": 30, "lines": 1})
        >>> changed.lines, changed.limits_of("ja").columns, changed.limits_of("ja").reading_cps
        (1, 30, 8)
        """
        if not values:
            return self
        inner = {key: value for key, value in values.items() if key in Limits.__dataclass_fields__}
        outer = {key: value for key, value in values.items() if key not in inner}
        languages = tuple((code, replace(limits, **inner)) for code, limits in self.by_language)
        return replace(
            self, name=f"{self.name}*", limits=replace(self.limits, **inner), by_language=languages, **outer
        )


FIVE_SIXTHS_MS = 833
"""5/6 of a second, 20 frames of 24 a second."""


def _limits(columns: int, cps: float, min_ms: int = FIVE_SIXTHS_MS) -> Limits:
    return Limits(columns, cps, None, min_ms)


_FULL_WIDTH = {"zh": (16, 9), "yue": (16, 9), "ko": (16, 12), "ja": (13, 4)}
"""Netflix: full-width characters of a line, and of a second."""
_NETFLIX_LANGUAGES = {
    "en": _limits(42, 20),
    "ar": _limits(42, 20),
    "hi": _limits(42, 22),
    "th": _limits(35, 17),
    **{
        code: _limits(2 * characters, 2 * cps, 500 if code == "ja" else FIVE_SIXTHS_MS)
        for code, (characters, cps) in _FULL_WIDTH.items()
    },
}
_UNSPACED = ("zh", "yue", "ja", "ko", "th")
"""Languages in which words a minute mean nothing, or lines are shorter: everybody uses Netflix's values."""

PLAIN = SubtitleProfile("plain", _limits(42, 17))
"""As Daylong has always written subtitles: see `tasks.exports.cues`."""
NETFLIX = SubtitleProfile(
    "netflix",
    _limits(42, 17),
    gap_frames=2,
    close_ms=500,
    lead_ms=83,
    lag_ms=250,
    speakers="dash",
    overlaps="together",
    by_language=tuple(_NETFLIX_LANGUAGES.items()),
)
BBC = SubtitleProfile(
    "bbc",
    Limits(37, None, 180.0, 333),
    frame_rate=25.0,
    lead_ms=200,
    lag_ms=500,
    speakers="dash",
    overlaps="together",
    by_language=tuple((code, _NETFLIX_LANGUAGES[code]) for code in _UNSPACED),
)
SOCIAL = SubtitleProfile(
    "social",
    _limits(24, 20, 500),
    lines=1,
    max_ms=3_000,
    lag_ms=200,
    pause_ms=700,
    speakers="none",
    overlaps="together",
    by_language=tuple(
        (code, replace(_NETFLIX_LANGUAGES[code], columns=20, min_ms=500)) for code in ("zh", "yue", "ja", "ko")
    ),
)
PROFILES = {profile.name: profile for profile in (PLAIN, NETFLIX, BBC, SOCIAL)}
