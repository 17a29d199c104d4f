"""Which rules of a profile cues break: for our own exports, and for anybody's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import Limits, SubtitleProfile
from tasks.exports.subtitles.syntax import settle_language
from tasks.exports.subtitles.width import count_columns, count_words
from tasks.exports.text import FSI, PDI
from tasks.joining import is_unspaced

TOLERANCE_MS = 1
"""Times of files are rounded to milliseconds; frames are not."""


ISOLATES = FSI + PDI


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a cue breaks. `cue`: its place, from 0; `rule`: its name; `message`: what is wrong."""

    cue: int
    rule: str
    message: str


RULES = {
    "columns": "lines that are too wide",
    "lines": "too many lines",
    "speed": "too fast to read",
    "short": "shown too short",
    "long": "shown too long",
    "gap": "too near to the next cue",
    "open gap": "a short gap that should have been closed",
    "overlap": "overlaps the next cue",
    "empty": "no text",
    "order": "begins before the cue before it, or ends before it begins",
}
"""Names of the rules, and what breaks them."""


def measure_reading_ms(cue: Cue, profile: SubtitleProfile, limits: Limits) -> int:
    """Milliseconds that a cue needs to be read."""
    return _measure_reading_ms(list_shown_lines(cue, profile), limits)


def _measure_reading_ms(lines: Sequence[str], limits: Limits) -> int:
    return limits.measure_reading_ms(_measure_text(lines), sum(map(count_words, lines)))


def _measure_text(lines: Sequence[str]) -> int:
    """Columns of a cue's text; a line break counts as the blank that it stands for."""
    columns = sum(map(count_columns, lines)) + len(lines) - 1
    for below in lines[1:]:
        if not below.isascii() and is_unspaced(below.lstrip(ISOLATES)[:1] or " "):
            columns -= 1
    return columns


def find_broken(cues: Sequence[Cue], profile: SubtitleProfile, language: str | None = None) -> list[Broken]:
    """Find the rules that cues break, sorted by cue. `cues` are in the order of the file, with their lines as shown.

    `language`: of the text; None: that of each cue's script.
    """
    found = [one for i, cue in enumerate(cues) for one in _find_in_cue(i, cue, profile, language)]
    for i, (cue, following) in enumerate(pairwise(cues)):
        found += _find_between(i, cue, following, profile)
    return sorted(found, key=lambda one: one.cue)


def _find_in_cue(i: int, cue: Cue, profile: SubtitleProfile, language: str | None) -> Iterator[Broken]:
    limits = profile.limits_of(_language_of(cue, language))
    if not any(line.strip() for line in cue.lines):
        yield Broken(i, "empty", "no text")
        return
    widest = max(map(count_columns, cue.lines))
    if widest > limits.columns:
        yield Broken(i, "columns", f"a line of {widest} columns, at most {limits.columns}")
    if len(cue.lines) > profile.lines:
        yield Broken(i, "lines", f"{len(cue.lines)} lines, at most {profile.lines}")
    lasts = cue.end_ms - cue.start_ms
    if lasts <= 0:
        yield Broken(i, "order", "ends before it begins")
        return
    need = _measure_reading_ms(cue.lines, limits)
    if lasts + TOLERANCE_MS < need:
        yield Broken(i, "speed", _describe_speed(cue, limits, lasts))
    if lasts + TOLERANCE_MS < limits.min_ms:
        yield Broken(i, "short", f"shown {lasts / 1000:.3f} s, at least {limits.min_ms / 1000:.3f} s")
    if lasts > profile.max_ms + TOLERANCE_MS:
        yield Broken(i, "long", f"shown {lasts / 1000:.3f} s, at most {profile.max_ms / 1000:g} s")


def _language_of(cue: Cue, language: str | None) -> str | None:
    """The language of a cue: its script's where that is not the file's."""
    return settle_language("".join(cue.lines), language)


def _describe_speed(cue: Cue, limits: Limits, lasts: int) -> str:
    columns, words = _measure_text(cue.lines), sum(map(count_words, cue.lines))
    if limits.reading_cps and 1000 * columns / limits.reading_cps > lasts:
        letters = sum(len(line.replace(" ", "")) for line in cue.lines)
        width, what = (2, "full-width characters") if columns > 1.5 * letters else (1, "characters")
        return f"{1000 * columns / lasts / width:.1f} {what} a second, at most {limits.reading_cps / width:g}"
    return f"{60_000 * words / lasts:.0f} words a minute, at most {limits.reading_wpm:g}"


def _find_between(i: int, cue: Cue, following: Cue, profile: SubtitleProfile) -> Iterator[Broken]:
    left = following.start_ms - cue.end_ms
    if following.start_ms < cue.start_ms:
        yield Broken(i + 1, "order", "begins before the cue before it")
    elif left < 0 and profile.overlaps == "together":
        yield Broken(i, "overlap", f"ends {-left / 1000:.3f} s after the next one begins")
    elif 0 <= left < profile.gap_ms - TOLERANCE_MS:
        yield Broken(i, "gap", f"{left / 1000:.3f} s to the next one, at least {profile.gap_ms / 1000:.3f} s")
    elif profile.open_ms - TOLERANCE_MS <= left < profile.close_ms:
        yield Broken(
            i,
            "open gap",
            f"{left / 1000:.3f} s to the next one: close gaps under {profile.close_ms / 1000:g} s "
            f"to {profile.gap_ms / 1000:.3f} s",
        )
