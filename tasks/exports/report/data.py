"""The transcript as the report's scripts read it: columns of whole numbers, small even for a day.

    speakers  [{"label", "name", "voice", "maybe", …}]       what `who` counts from 0; -1: nobody told. See people.py
    rows      {"at", "long", "who", "sure", "words"}         a row is a segment; `words`: how many it has
    words     {"text", "at", "long", "sure"}                 of all rows, one after another; `text`: a line each
    turns     {"at", "long", "who"}
    chunks    [{"index", "start", "end", "from", "to", …}]   `from` and `to`: the core
    parts     [{"name", "start", "end", "src"}]              `src`: a relative URL, the sound itself, or null

Times are milliseconds. `at` is the distance to the start before it: of a row to the row before, of a word to the word
before in its row or, for the first, to the row, of a turn to the turn before. `sure` is a confidence in per cent, -1
where there is none. Nothing of the run itself (its id, how long it took) is in it, so that the same transcript gives
the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from tasks.exports.report.links import source
from tasks.exports.report.people import labels, people
from tasks.exports.text import ms, one_line
from tasks.records import ChunkReport, Segment, Transcript, Word

LOW = 50
"""Words less sure than this many per cent are marked."""

Row = tuple[Segment, list[Word]]


def columns(transcript: Transcript) -> dict[str, Any]:
    """A tidy transcript as plain JSON values."""
    who = {label: k for k, label in enumerate(labels(transcript))}
    rows = rows_of(transcript)
    said: list[str] = []
    at: list[int] = []
    long: list[int] = []
    sure: list[int] = []
    for segment, words in rows:
        before = ms(segment.start_s)
        for word in words:
            start = ms(word.start_s)
            said.append(one_line(word.text))
            at.append(start - before)
            long.append(ms(word.end_s) - start)
            sure.append(percent(word.confidence))
            before = start
    recording = transcript.recording
    return {
        "version": 1,
        "recording_id": recording.recording_id,
        "source_name": one_line(recording.source_name),
        "duration": ms(recording.duration_s),
        "recorded_at": recording.recorded_at,
        "low": LOW,
        "speakers": people(transcript),
        "rows": {
            **_spans([s for s, _ in rows], who),
            "sure": [percent(s.speaker_confidence) for s, _ in rows],
            "words": [len(words) for _, words in rows],
        },
        "words": {"text": "\n".join(said), "at": at, "long": long, "sure": sure},
        "turns": _spans(transcript.turns, who),
        "chunks": [chunk(c) for c in transcript.chunks],
        "parts": [
            {
                "name": one_line(p.name),
                "start": ms(p.start_s),
                "end": ms(p.start_s + p.duration_s),
                "src": source(p.path),
            }
            for p in recording.parts
        ],
    }


def embedded(value: Any) -> str:
    """JSON that stands in a script element: nothing in it can end the element or begin another.

    >>> embedded("</script>&")
    '"\\\\u003c/script\\\\u003e\\\\u0026"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def rows_of(transcript: Transcript) -> list[Row]:
    """Segments with their words that can be seen. Words of no segment make rows by themselves; so that nothing is
    lost, a segment with text and no words has its text as one word."""
    held: dict[int, list[Word]] = {}
    for word in transcript.words:
        if one_line(word.text):
            held.setdefault(word.segment, []).append(word)
    rows: list[Row] = []
    for segment in transcript.segments:
        words = held.get(segment.index, [])
        if not words and one_line(segment.text):
            start_s, end_s, text = segment.start_s, segment.end_s, segment.text
            words = [Word(start_s, end_s, text, segment.confidence, chunk=-1, channel=segment.channel)]
        if words:
            rows.append((segment, words))
    for speaker, alone in groupby(held.get(-1, []), key=lambda w: w.speaker):
        words = list(alone)
        end_s = max(w.end_s for w in words)
        rows.append((Segment(-1, words[0].start_s, end_s, "", len(words), speaker), words))
    rows.sort(key=lambda row: row[0].start_s)
    return rows


def percent(confidence: float | None) -> int:
    """A confidence in per cent, of the float32 that the tables hold; -1 where there is none.

    >>> percent(0.875), percent(None), percent(float("nan"))
    (88, -1, -1)
    """
    import numpy as np

    if confidence is None or not np.isfinite(confidence):
        return -1
    return round(float(np.float32(confidence)) * 100)


def chunk(report: ChunkReport) -> dict[str, Any]:
    """A chunk, and what became of the seam with the one before."""
    return {
        "index": report.index,
        "start": ms(report.span.start_s),
        "end": ms(report.span.end_s),
        "from": ms(report.core.start_s),
        "to": ms(report.core.end_s),
        "status": report.status,
        "error": None if report.error is None else one_line(report.error),
        "speech": ms(report.speech_s),
        "words": report.num_words,
        "kept": report.seam_kept,
        "dropped": report.seam_dropped,
        "redecoded": ms(report.seam_redecoded_s),
        "loops": report.loops_removed,
        "silence": report.silence_text_removed,
    }


def _spans(items: Sequence[Any], who: dict[str, int]) -> dict[str, list[int]]:
    """Starts (each from the one before), lengths and speakers of segments or turns."""
    starts = [ms(i.start_s) for i in items]
    return {
        "at": [start - before for start, before in zip(starts, [0, *starts], strict=False)],
        "long": [ms(i.end_s) - start for i, start in zip(items, starts, strict=True)],
        "who": [-1 if i.speaker is None else who[i.speaker] for i in items],
    }
