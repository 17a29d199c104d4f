"""What stands in the report's header and tables, as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.exports.report.data import LOW, percent
from tasks.exports.report.people import labels, perhaps, person
from tasks.exports.text import ms, one_line
from tasks.intervals import format_duration, format_timestamp, measure_union_s
from tasks.records import UNKNOWN, ChunkReport, Transcript

COLOURS = 7
"""Colours in report.css that people tell apart whatever their eyes; further speakers have them with a pattern."""


def facts(transcript: Transcript) -> dict[str, Any]:
    """What the page's template names, of a tidy transcript."""
    recording, run = transcript.recording, transcript.run
    failed = [c for c in transcript.chunks if c.status == "failed"]
    return {
        "title": one_line(recording.source_name) or recording.recording_id,
        "recording_id": recording.recording_id,
        "language": run.language or "",
        "when": when(recording.recorded_at, recording.recorded_at_source, recording.timezone),
        "duration": format_duration(recording.duration_s, round_minutes=True),
        "counts": [count(transcript.num_speakers, "speaker"), count(len(transcript.words), "word")],
        "speakers": speakers(transcript),
        "status": run.status,
        "failed": [failure(c) for c in failed],
        "failed_length": format_duration(measure_union_s(c.core for c in failed), round_minutes=True),
        "quality": quality(transcript, failed),
        "models": [(step, one_line(name)) for step, name in sorted(run.models.items())],
        "digest": run.settings_digest,
        "profile": run.profile,
        "version": run.pipeline_version,
        "sha256": recording.sha256,
        "chunks": [seam(c) for c in transcript.chunks],
    }


def when(recorded_at: str | None, source: str | None, timezone: str) -> str:
    """The recording's start as a sentence has it.

    >>> when("2024-05-01T00:30:00+02:00", "name", "Europe/Berlin")
    'Wednesday, 1 May 2024, 00:30 (Europe/Berlin; by the file’s name)'
    """
    if recorded_at is None:
        return "time of recording unknown"
    start = datetime.fromisoformat(recorded_at)
    by = {"name": "; by the file’s name", "mtime": "; by the file’s date", "metadata": "; by its metadata"}
    return f"{start:%A}, {start.day} {start:%B %Y}, {start:%H:%M} ({timezone}{by.get(source or '', '')})"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(part: float, whole: float) -> str:
    """A share in per cent, one place; a dash of nothing.

    >>> share(1, 8), share(0, 0)
    ('12.5 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole else "–"


def speakers(transcript: Transcript) -> list[dict[str, Any]]:
    """A row for each speaker, in the order of `labels`, with the look of the speaker's mark."""
    by_label = {s.label: s for s in transcript.speakers}
    total = sum(s.turn_s for s in transcript.speakers)
    most = max((s.turn_s for s in transcript.speakers), default=0.0)
    out = []
    for k, label in enumerate(labels(transcript)):
        held = by_label.get(label)
        who = person(label, held)
        out.append(
            {
                "label": "Unknown" if who["unknown"] else who["label"],
                "name": who["name"],
                "perhaps": perhaps(who),
                "alike": "" if who["alike"] is None else f"{who['alike'] / 100:.2f}",
                "mark": mark(k, label == UNKNOWN),
                "time": format_duration(held.turn_s, round_minutes=True) if held else "–",
                "share": share(held.turn_s, total) if held else "–",
                "width": round(100 * held.turn_s / most, 1) if held and most else 0,
                "words": f"{held.num_words:,}" if held else "–",
                "first": format_timestamp(ms(held.first_s), "") if held else "–",
                "last": format_timestamp(ms(held.last_s), "") if held else "–",
            }
        )
    return out


def mark(place: int, unknown: bool) -> str:
    """The classes of a speaker's mark: a colour, and a pattern from the eighth on."""
    return "unknown" if unknown else f"c{place % COLOURS} p{place // COLOURS % 4}"


def quality(transcript: Transcript, failed: list[ChunkReport]) -> list[tuple[str, str, str]]:
    """(what, figure, explanation)."""
    words = transcript.words
    sure = [p for p in (percent(w.confidence) for w in words) if p >= 0]
    low, unknown = sum(p < LOW for p in sure), sum(w.speaker == UNKNOWN for w in words)
    removed = sum(c.loops_removed for c in transcript.chunks), sum(c.silence_text_removed for c in transcript.chunks)
    return [
        ("Status", transcript.run.status, count(len(failed), "failed chunk") + f" of {len(transcript.chunks)}"),
        ("Low confidence", share(low, len(sure)), f"{low:,} of {count(len(sure), 'word')} under {LOW} %"),
        ("Unknown speaker", share(unknown, len(words)), f"{count(unknown, 'word')} whose voice could not be told"),
        ("Taken out", f"{sum(removed):,}", f"{count(removed[0], 'loop')}, {count(removed[1], 'word')} in silence"),
    ]


def seam(report: ChunkReport) -> dict[str, Any]:
    """A chunk's row in the table of seams."""
    again = f"{report.seam_redecoded_s:.1f} s" if report.seam_redecoded_s else "–"
    return {
        "number": report.index + 1,
        "at": ms(report.core.start_s),
        "from": format_timestamp(ms(report.core.start_s), ""),
        "to": format_timestamp(ms(report.core.end_s), ""),
        "status": {"no_speech": "no speech"}.get(report.status, report.status),
        "error": one_line(report.error or ""),
        "speech": format_duration(report.speech_s, round_minutes=True),
        "words": f"{report.num_words:,}",
        "kept": report.seam_kept or "–",
        "dropped": report.seam_dropped or "–",
        "again": again,
        "loops": report.loops_removed or "–",
        "silence": report.silence_text_removed or "–",
    }


def failure(report: ChunkReport) -> str:
    span = f"{format_timestamp(ms(report.core.start_s), '')} – {format_timestamp(ms(report.core.end_s), '')}"
    return f"{span}: {one_line(report.error or '') or 'no reason given'}"
