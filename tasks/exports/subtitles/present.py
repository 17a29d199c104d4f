"""The lines of cues as formats without speakers of their own show them, and a colour for each speaker."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.profile import SubtitleProfile
from tasks.exports.text import isolate as isolate_text
from tasks.exports.text import label_line
from tasks.text import to_one_line

COLOURS = ("ffffff", "ffff00", "00ffff", "00ff00", "ffb0ff", "ffb060", "a0c0ff", "c0c0c0")
"""The BBC's white, yellow, cyan and green; others for more speakers. Used again beyond these."""


def list_shown_lines(cue: Cue, profile: SubtitleProfile, *, isolate: bool = False) -> tuple[str, ...]:
    """List a cue's lines as shown: with the speaker's label before the first, or dashes where two speak.

    `isolate`: text that runs from right to left is isolated (FSI … PDI), dash and label included.
    """
    owners = cue.speakers or (cue.speaker,) * len(cue.lines)
    shown = []
    for i, (line, owner) in enumerate(zip(cue.lines, owners, strict=True)):
        begins = i == 0 or owner != owners[i - 1]
        if profile.speakers == "dash" and cue.speakers and begins:
            line = profile.dash + line
        if profile.speakers == "label" and owner and begins:
            label = to_one_line(owner)
            shown.append(label_line(label, line) if isolate else f"{label}: {line}")
        else:
            shown.append(isolate_text(line) if isolate else line)
    return tuple(shown)


def choose_colours(cues: Iterable[Cue]) -> dict[str, str]:
    """Choose each speaker's colour (six hexadecimal digits), in the order of their first cues."""
    speakers = dict.fromkeys(
        speaker for cue in cues for speaker in cue.speakers or (cue.speaker,) if speaker is not None
    )
    return {speaker: COLOURS[i % len(COLOURS)] for i, speaker in enumerate(speakers)}
