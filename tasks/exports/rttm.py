"""RTTM: who spoke when (NIST RT-09 evaluation plan, appendix A).

    line = "SPEAKER" file channel start duration "<NA>" "<NA>" speaker "<NA>" "<NA>"

Ten fields, separated by single blanks, none contains one; times in seconds; channels from 1. The lines are
the turns, in the order of their start. Turns shorter than half a millisecond, which would last 0, are left out.
With diarization off there are no turns, and the file is empty.
"""

from __future__ import annotations

from tasks.canonical import apply_speaker_names
from tasks.exports.text import format_field, format_seconds, to_ms
from tasks.records import Transcript


def write(transcript: Transcript) -> str:
    """Write transcript.rttm; empty without speech or with diarization off."""
    transcript = apply_speaker_names(transcript)
    name = format_field(transcript.recording.recording_id)
    lines = []
    for turn in transcript.turns:
        start, end = to_ms(turn.start_s), to_ms(turn.end_s)
        if end > start:
            times = f"{format_seconds(start)} {format_seconds(end - start)}"
            lines.append(
                f"SPEAKER {name} {turn.channel + 1} {times} <NA> <NA> {format_field(turn.speaker)} <NA> <NA>\n"
            )
    return "".join(lines)
