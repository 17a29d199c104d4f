"""SegLST: segments as scorers (MeetEval, the CHiME challenges) read them.

    file    = "[" [ segment { "," segment } ] "]"                                    JSON
    segment = {"session_id", "speaker", "start_time", "end_time", "words"}           times in seconds

A scorer compares streams of words, one a speaker, so every segment needs a speaker: with diarization off all of them
are UNKNOWN, one stream.
"""

from __future__ import annotations

import json

from tasks.canonical import apply_speaker_names
from tasks.exports.text import to_ms
from tasks.records import UNKNOWN, Transcript
from tasks.text import to_one_line


def write(transcript: Transcript) -> str:
    """Write transcript.seglst.json; an empty list for a transcript without words."""
    transcript = apply_speaker_names(transcript)
    lines = ",\n".join(
        json.dumps(
            {
                "session_id": transcript.recording.recording_id,
                "speaker": segment.speaker or UNKNOWN,
                "start_time": to_ms(segment.start_s) / 1000,
                "end_time": to_ms(segment.end_s) / 1000,
                "words": to_one_line(segment.text),
            },
            ensure_ascii=False,
        )
        for segment in transcript.segments
    )
    return f"[\n{lines}\n]\n" if lines else "[]\n"
