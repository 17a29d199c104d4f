"""JSON in the structure of WhisperX, with facts about the recording and its speakers.

    {"recording": {…}, "language": "en", "speakers": [{"speaker", "turn_s", …}],
     "segments": [{"start", "end", "text", "speaker", "score",
                   "words": [{"word", "start", "end", "score", "speaker", "space_before"}]}]}

Times are seconds to the millisecond, scores 0–1 to four places; keys with unknown values are left out.
`space_before` is false where no blank stands before the word in running text, and else left out. Each segment is a
line, so that two transcripts can be compared line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tasks.canonical import canonical
from tasks.records import Segment, Transcript, Word


def write(transcript: Transcript) -> str:
    """Write transcript.json; `segments` is empty for a transcript without words."""
    transcript = canonical(transcript)
    words: dict[int, list[Word]] = {}
    for word in transcript.words:
        words.setdefault(word.segment, []).append(word)
    recording, run = transcript.recording, transcript.run
    head = {
        "recording": _drop_none(
            recording_id=recording.recording_id,
            source_name=recording.source_name,
            sha256=recording.sha256,
            duration_s=round(recording.duration_s, 3),
            recorded_at=recording.recorded_at,
            timezone=recording.timezone,
            status=run.status,
            profile=run.profile,
            models=dict(sorted(run.models.items())),
            pipeline_version=run.pipeline_version,
        ),
        "language": run.language,
    }
    speakers = (
        _drop_none(
            speaker=s.label,
            speaker_name=s.name,
            voice_id=s.voice_id,
            maybe_name=s.maybe_name,
            maybe_voice_id=s.maybe_voice_id,
            turn_s=round(s.turn_s, 3),
            num_segments=s.num_segments,
            num_words=s.num_words,
            first_s=round(s.first_s, 3),
            last_s=round(s.last_s, 3),
        )
        for s in transcript.speakers
    )
    names: dict[str | None, str | None] = {s.label: s.name for s in transcript.speakers}
    segments = (_build_segment(s, names.get(s.speaker), words.get(s.index, ())) for s in transcript.segments)
    return (
        f'{{"recording": {_dump(head["recording"])},\n"language": {_dump(head["language"])},\n'
        f'"speakers": {_format_lines(speakers)},\n"segments": {_format_lines(segments)}}}\n'
    )


def _build_segment(segment: Segment, name: str | None, words: Iterable[Word]) -> dict[str, Any]:
    return _drop_none(
        start=round(segment.start_s, 3),
        end=round(segment.end_s, 3),
        text=segment.text,
        speaker=segment.speaker,
        speaker_name=name,
        score=_round_score(segment.confidence),
        words=[
            _drop_none(
                word=w.text,
                start=round(w.start_s, 3),
                end=round(w.end_s, 3),
                score=_round_score(w.confidence),
                speaker=w.speaker,
                space_before=None if w.space_before else False,
                edited=w.edited or None,
            )
            for w in words
        ],
    )


def _round_score(confidence: float | None) -> float | None:
    """Round to four places, from float32 as in the tables, so that both agree."""
    import numpy as np

    return None if confidence is None or not np.isfinite(confidence) else round(float(np.float32(confidence)), 4)


def _drop_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _format_lines(values: Iterable[dict[str, Any]]) -> str:
    lines = ",\n".join(map(_dump, values))
    return f"[\n{lines}\n]" if lines else "[]"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
