"""Encode the transcript for the report's scripts: columns of integers, small even for a day.

    speakers  [{"label", "name", "voice", "maybe", …}]       `who` is an index into it; -1: none. See people.py
    rows      {"at", "long", "who", "sure", "words"}         a row is a segment; `words`: their number
    words     {"text", "at", "long", "sure", …}              of all rows, in order; `text`: a line each
    turns     {"at", "long", "who"}
    chunks    [{"index", "start", "end", "from", "to", …}]   `from` and `to`: the core
    parts     [{"name", "start", "end", "src"}]              `src`: a relative URL, the sound itself, or null
    review    {"errors", "done", "elsewhere", "words", …}    what to listen to. See review.py

Times are milliseconds. `at` is a difference between starts: of a row to the row before, of a word to the word before
in its row or, for the first, to the row, of a turn to the turn before. `sure` is a confidence in per cent, -1 where
there is none. `tight` lists the words without a blank before them, each as the distance from the one before, `edited`
those that a person corrected. It holds nothing of the run itself (id, processing time), so that equal transcripts
give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from tasks.exports.report.links import format_source_url
from tasks.exports.report.people import describe_speakers, list_labels
from tasks.exports.report.review import Served, describe_review
from tasks.exports.text import to_ms
from tasks.records import ChunkReport, Segment, Transcript, Word
from tasks.text import to_one_line

MIN_CONFIDENCE_PERCENT = 50
"""Words with a lower confidence are marked."""

Row = tuple[Segment, list[Word]]


def build_columns(transcript: Transcript, served: Served | None = None) -> dict[str, Any]:
    """Build plain JSON values from a canonical transcript."""
    who = {label: k for k, label in enumerate(list_labels(transcript))}
    rows = build_rows(transcript)
    said: list[str] = []
    at: list[int] = []
    long: list[int] = []
    sure: list[int] = []
    tight: list[int] = []
    edited: list[int] = []
    last_tight = last_edited = 0
    for segment, words in rows:
        before = to_ms(segment.start_s)
        for word in words:
            start = to_ms(word.start_s)
            if not word.space_before:
                tight.append(len(said) - last_tight)
                last_tight = len(said)
            if word.edited:
                edited.append(len(said) - last_edited)
                last_edited = len(said)
            said.append(to_one_line(word.text))
            at.append(start - before)
            long.append(to_ms(word.end_s) - start)
            sure.append(to_percent(word.confidence))
            before = start
    recording = transcript.recording
    return {
        "version": 1,
        "recording_id": recording.recording_id,
        "sha256": recording.sha256,
        "source_name": to_one_line(recording.source_name),
        "duration": to_ms(recording.duration_s),
        "recorded_at": recording.recorded_at,
        "low": MIN_CONFIDENCE_PERCENT,
        "speakers": describe_speakers(transcript),
        "rows": {
            **_encode_spans([s for s, _ in rows], who),
            "sure": [to_percent(s.speaker_confidence) for s, _ in rows],
            "words": [len(words) for _, words in rows],
        },
        "words": {"text": "\n".join(said), "at": at, "long": long, "sure": sure, "tight": tight, "edited": edited},
        "turns": _encode_spans(transcript.turns, who),
        "chunks": [describe_chunk(c) for c in transcript.chunks],
        "parts": [
            {
                "name": to_one_line(p.name),
                "start": to_ms(p.start_s),
                "end": to_ms(p.start_s + p.duration_s),
                "src": format_source_url(p.path),
            }
            for p in recording.parts
        ],
        "review": describe_review(transcript, [s for s, _ in rows], served),
    }


def encode_json(value: Any) -> str:
    """Encode JSON for a script element: no character in it can end the element or begin another.

    >>> encode_json("</script>&")
    '"\\\\u003c/script\\\\u003e\\\\u0026"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def build_rows(transcript: Transcript) -> list[Row]:
    """Build rows of segments with their visible words. Words without a segment form rows of their own; a segment with
    text and no words gets its text as one word, so that nothing is lost."""
    held: dict[int, list[Word]] = {}
    for word in transcript.words:
        if to_one_line(word.text):
            held.setdefault(word.segment, []).append(word)
    rows: list[Row] = []
    for segment in transcript.segments:
        words = held.get(segment.index, [])
        if not words and to_one_line(segment.text):
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


def to_percent(confidence: float | None) -> int:
    """Convert a confidence to per cent, from float32 as in the tables; -1 where there is none.

    >>> to_percent(0.875), to_percent(None), to_percent(float("nan"))
    (88, -1, -1)
    """
    import numpy as np

    if confidence is None or not np.isfinite(confidence):
        return -1
    return round(float(np.float32(confidence)) * 100)


def describe_chunk(report: ChunkReport) -> dict[str, Any]:
    """Describe a chunk, and the result of the seam with the one before."""
    return {
        "index": report.index,
        "start": to_ms(report.span.start_s),
        "end": to_ms(report.span.end_s),
        "from": to_ms(report.core.start_s),
        "to": to_ms(report.core.end_s),
        "status": report.status,
        "error": None if report.error is None else to_one_line(report.error),
        "speech": to_ms(report.speech_s),
        "words": report.num_words,
        "kept": report.seam_kept,
        "dropped": report.seam_dropped,
        "redecoded": to_ms(report.seam_redecoded_s),
        "loops": report.loops_removed,
        "silence": report.silence_text_removed,
    }


def _encode_spans(items: Sequence[Any], who: dict[str, int]) -> dict[str, list[int]]:
    """Encode starts (as differences), lengths and speakers of segments or turns."""
    starts = [to_ms(i.start_s) for i in items]
    return {
        "at": [start - before for start, before in zip(starts, [0, *starts], strict=False)],
        "long": [to_ms(i.end_s) - start for i, start in zip(items, starts, strict=True)],
        "who": [-1 if i.speaker is None else who[i.speaker] for i in items],
    }
