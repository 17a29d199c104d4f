"""Build the tables of schema.py from a transcript, column by column."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from tasks.canonical import canonical, find_recording_start, parse_timestamp
from tasks.dataset.schema import EMBEDDING_SIZE, SCHEMA_VERSION, get_schema
from tasks.records import STEPS, HourQuality, Speaker, StepCost, Transcript
from tasks.word_forms import to_search_form

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)


def tables(transcript: Transcript) -> dict[str, pa.Table]:
    """The tables by name, each with the schema of schema.py, sorted and with times inside the recording; those that
    are optional only where they have rows."""
    transcript = canonical(transcript)
    columns = {
        "recordings": _recordings(transcript),
        "segments": _segments(transcript),
        "words": _words(transcript),
        "turns": _turns(transcript),
        "speakers": _speakers(transcript),
        "chunks": _chunks(transcript),
        **({"translations": _translations(transcript)} if transcript.translations else {}),
        **({"quality": _quality(transcript)} if transcript.quality else {}),
    }
    return {table: _table(transcript, table, found) for table, found in columns.items()}


def _table(transcript: Transcript, table: str, columns: dict[str, Any]) -> pa.Table:
    import pyarrow as pa

    schema = get_schema(table)
    length = len(next(iter(columns.values())))
    columns["recording_id"] = [transcript.recording.recording_id] * length
    columns["run_id"] = [transcript.run.run_id] * length
    arrays = [
        # from_pandas: a confidence that is not a number is null
        pa.array(columns[field.name], field.type, from_pandas=True)
        if field.name in columns
        else pa.nulls(length, field.type)
        for field in schema
    ]
    # The file itself says which run wrote it: a table without rows does too.
    identity = {"recording_id": transcript.recording.recording_id, "run_id": transcript.run.run_id}
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata({**schema.metadata, **identity}))


def _recordings(transcript: Transcript) -> dict[str, list[Any]]:
    recording, run = transcript.recording, transcript.run
    start = find_recording_start(recording)
    facts = {
        "status": run.status,
        "source_name": recording.source_name,
        "sha256": recording.sha256,
        "size_bytes": recording.size_bytes,
        "parts": [
            {"name": p.name, "sha256": p.sha256, "start_s": p.start_s, "duration_s": p.duration_s}
            for p in recording.parts
        ],
        "duration_s": recording.duration_s,
        "sample_rate_hz": recording.sample_rate_hz,
        "channels": recording.channels,
        "codec": recording.codec,
        "recorded_at": start,
        "recorded_at_source": recording.recorded_at_source,
        "timezone": recording.timezone,
        "language": run.language,
        "language_confidence": run.language_confidence,
        "num_speakers": None if _is_diarization_off(transcript) else transcript.num_speakers,
        "speech_s": run.speech_s,
        "num_words": len(transcript.words),
        "num_segments": len(transcript.segments),
        "num_chunks": len(transcript.chunks),
        "profile": run.profile,
        "models": json.dumps(run.models, sort_keys=True),
        "settings": json.dumps(run.settings, sort_keys=True),
        "settings_digest": run.settings_digest,
        "pipeline_version": run.pipeline_version,
        "schema_version": SCHEMA_VERSION,
        "processed_at": parse_timestamp(run.processed_at),
        "wall_s": run.wall_s,
    }
    return {name: [value] for name, value in facts.items()}


def _segments(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.segments
    names: dict[str | None, str | None] = {s.label: s.name for s in transcript.speakers}
    voices: dict[str | None, str | None] = {s.label: s.voice_id for s in transcript.speakers}
    return _times(transcript, rows, "segment_index") | {
        "channel": [s.channel for s in rows],
        "speaker": [s.speaker for s in rows],
        "speaker_name": [names.get(s.speaker) for s in rows],
        "voice_id": [voices.get(s.speaker) for s in rows],
        "text": [s.text for s in rows],
        "language": _segment_languages(transcript),
        "num_words": [s.num_words for s in rows],
        "confidence": [s.confidence for s in rows],
        "speaker_confidence": [s.speaker_confidence for s in rows],
        "has_overlap": [s.has_overlap for s in rows],
    }


def _segment_languages(transcript: Transcript) -> list[str | None]:
    """Find each segment's language: that of most of its words; the recording's where it has none."""
    found: dict[int, str | None] = {}
    languages = zip((w.segment for w in transcript.words), _word_languages(transcript), strict=True)
    for (segment, language), _ in Counter(languages).most_common():
        found.setdefault(segment, language)
    return [found.get(i, transcript.run.language) for i in range(len(transcript.segments))]


def _word_languages(transcript: Transcript) -> list[str | None]:
    """Find each word's language: the one it was decoded in, else its chunk's, else the recording's."""
    own = {c.index: c.language for c in transcript.chunks}
    return [w.language or own.get(w.chunk) or transcript.run.language for w in transcript.words]


def format_raw(heard: str) -> str:
    """Format what was heard as in `word_raw`: the search forms of its words. Formatted again, it is the same."""
    return " ".join(filter(None, map(to_search_form, heard.split())))


def _words(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.words
    text = [w.text for w in rows]
    heard = [w.text if w.heard is None else w.heard for w in rows]
    # A day has some 200,000 words but few different ones.
    raw = {word: format_raw(word) for word in set(heard)}
    return _times(transcript, rows, "word_index") | {
        "segment_index": [w.segment if w.segment >= 0 else None for w in rows],
        "channel": [w.channel for w in rows],
        "word": text,
        "word_raw": [raw[word] for word in heard],
        "speaker": [w.speaker for w in rows],
        "confidence": [w.confidence for w in rows],
        "speaker_confidence": [w.speaker_confidence for w in rows],
        "is_overlap": [w.is_overlap for w in rows],
        "chunk_index": [w.chunk for w in rows],
        "local_speaker": [w.local_speaker for w in rows],
        "space_before": [w.space_before for w in rows],
        "language": _word_languages(transcript),
        "times": [w.times for w in rows],
        "edited": [w.edited for w in rows],
    }


def _turns(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.turns
    return _times(transcript, rows, "turn_index") | {
        "channel": [t.channel for t in rows],
        "speaker": [t.speaker for t in rows],
        "is_overlap": [t.is_overlap for t in rows],
    }


def _speakers(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.speakers
    return {
        "speaker": [s.label for s in rows],
        "speaker_name": [s.name for s in rows],
        "voice_id": [s.voice_id for s in rows],
        "turn_s": [s.turn_s for s in rows],
        "num_segments": [s.num_segments for s in rows],
        "num_words": [s.num_words for s in rows],
        "first_s": [s.first_s for s in rows],
        "last_s": [s.last_s for s in rows],
        "link_margin": [s.link_margin for s in rows],
        "embedding": [_pad_embedding(s) for s in rows],
        "embedding_model": [s.embedding_model for s in rows],
        "voice_similarity": [s.voice_similarity for s in rows],
        "maybe_voice_id": [s.maybe_voice_id for s in rows],
        "maybe_name": [s.maybe_name for s in rows],
    }


def _chunks(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.chunks
    columns: dict[str, Any] = {
        "chunk_index": [c.index for c in rows],
        "start_s": [c.span.start_s for c in rows],
        "end_s": [c.span.end_s for c in rows],
        "core_start_s": [c.core.start_s for c in rows],
        "core_end_s": [c.core.end_s for c in rows],
    }
    for name in ("status", "error", "speech_s", "language", "num_words", "seam_kept", "seam_dropped",
                 "seam_redecoded_s", "loops_removed", "silence_text_removed"):  # fmt: skip
        columns[name] = [getattr(c, name) for c in rows]
    for step in STEPS:
        costs = [c.costs.get(step) for c in rows]
        columns[f"{step}_s"] = _map_costs(costs, lambda c: c.seconds)
        columns[f"{step}_cached"] = _map_costs(costs, lambda c: c.cached)
        columns[f"{step}_wait_s"] = _map_costs(costs, lambda c: c.wait_s)
        columns[f"{step}_peak_mb"] = _map_costs(costs, lambda c: c.peak_mb)
    return columns


def _translations(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.translations
    return {
        "segment_index": [t.segment for t in rows],
        "language": [t.language for t in rows],
        "text": [t.text for t in rows],
        "engine": [t.engine for t in rows],
        "status": [t.status for t in rows],
    }


def _quality(transcript: Transcript) -> dict[str, Any]:
    rows = transcript.quality
    columns = {field.name: [getattr(q, field.name) for q in rows] for field in fields(HourQuality)}
    return _times(transcript, rows, "hour_index") | columns | {"hour_index": columns.pop("hour")}


def _times(transcript: Transcript, rows: Sequence[Any], index: str) -> dict[str, Any]:
    """Index, start, end and, where the recording's start is known, the start in time (microseconds, UTC)."""
    import numpy as np

    start_s = np.fromiter((row.start_s for row in rows), np.float64, len(rows))
    columns = {
        index: np.arange(len(rows), dtype=np.int32),
        "start_s": start_s,
        "end_s": np.fromiter((row.end_s for row in rows), np.float64, len(rows)),
    }
    zero = find_recording_start(transcript.recording)
    if zero is not None:
        offset_us = np.rint(start_s * 1e6).astype("timedelta64[us]")
        zero_utc = np.datetime64(parse_timestamp(zero.isoformat()).replace(tzinfo=None), "us")
        columns["start_at"] = zero_utc + offset_us
    return columns


def _map_costs(costs: Iterable[StepCost | None], value: Callable[[StepCost], Any]) -> list[Any]:
    return [None if cost is None else value(cost) for cost in costs]


def _pad_embedding(speaker: Speaker) -> list[float] | None:
    if not speaker.embedding:
        return None
    if len(speaker.embedding) > EMBEDDING_SIZE:
        # A day's transcript is worth more than one column of it.
        log.warning(
            "%s: embeddings of %d values do not fit the tables (at most %d); they are left out.",
            speaker.embedding_model,
            len(speaker.embedding),
            EMBEDDING_SIZE,
        )
        return None
    return [*speaker.embedding, *[0.0] * (EMBEDDING_SIZE - len(speaker.embedding))]


def _is_diarization_off(transcript: Transcript) -> bool:
    """Check whether no word has a speaker, not even UNKNOWN. False for a transcript without words."""
    labels = [w.speaker for w in transcript.words] + [s.speaker for s in transcript.segments]
    return bool(labels) and not transcript.speakers and not any(labels)
