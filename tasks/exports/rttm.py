"""RTTM: who spoke when (NIST RT-09 evaluation plan, appendix A).

    line = "SPEAKER" file channel start duration "<NA>" "<NA>" speaker "<NA>" "<NA>"

Ten fields parted by single blanks, none of them with a blank inside; times in seconds; channels from 1. The lines are
the turns, in the order of their start. Turns shorter than half a millisecond, which would last 0, are left out.
With diarization off there are no turns, and the file is empty: it claims nothing.
"""

from __future__ import annotations

from tasks.canonical import apply_speaker_names
from tasks.exports.text import field, ms, seconds
from tasks.records import Transcript


def write(transcript: Transcript) -> str:
    """transcript.rttm; empty where nobody spoke or turns were not looked for."""
    transcript = apply_speaker_names(transcript)
    name = field(transcript.recording.recording_id)
    lines = []
    for turn in transcript.turns:
        start, end = ms(turn.start_s), ms(turn.end_s)
        if end > start:
            times = f"{seconds(start)} {seconds(end - start)}"
            lines.append(f"SPEAKER {name} {turn.channel + 1} {times} <NA> <NA> {field(turn.speaker)} <NA> <NA>\n")
    return "".join(lines)
