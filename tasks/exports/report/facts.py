"""Format the figures of the report's header and tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.exports.report.data import MIN_CONFIDENCE_PERCENT, to_percent
from tasks.exports.report.people import describe_speaker, format_guess, list_labels
from tasks.exports.report.quality import build_alarms, build_hours
from tasks.exports.text import to_ms
from tasks.intervals import format_duration, format_timestamp, measure_union_s
from tasks.languages import NAMES
from tasks.records import UNKNOWN, ChunkReport, Transcript
from tasks.text import to_one_line

COLOURS = 7
"""Number of colours in report.css, distinguishable with colour blindness; further speakers add a pattern."""


def build_facts(transcript: Transcript) -> dict[str, Any]:
    """Build the values of the page's template from a canonical transcript."""
    recording, run = transcript.recording, transcript.run
    failed = [c for c in transcript.chunks if c.status == "failed"]
    return {
        "title": to_one_line(recording.source_name) or recording.recording_id,
        "recording_id": recording.recording_id,
        "language": run.language or "",
        "languages": list_languages(transcript),
        "when": format_start(recording.recorded_at, recording.recorded_at_source, recording.timezone),
        "duration": format_duration(recording.duration_s, round_minutes=True),
        "counts": [format_count(transcript.num_speakers, "speaker"), format_count(len(transcript.words), "word")],
        "speakers": build_speaker_rows(transcript),
        "status": run.status,
        "failed": [format_failure(c) for c in failed],
        "failed_length": format_duration(measure_union_s(c.core for c in failed), round_minutes=True),
        "quality": build_quality_rows(transcript, failed),
        "alarms": build_alarms(transcript),
        "hours": build_hours(transcript),
        "models": [(step, to_one_line(name)) for step, name in sorted(run.models.items())],
        "digest": run.settings_digest,
        "profile": run.profile,
        "version": run.pipeline_version,
        "sha256": recording.sha256,
        "chunks": [build_chunk_row(c) for c in transcript.chunks],
    }


def list_languages(transcript: Transcript) -> list[dict[str, str]]:
    """List the reports of a translated recording: as spoken, then by language; this one itself has no `href`."""
    there = sorted({t.language for t in transcript.translations})
    formats = (transcript.run.settings.get("exports") or {}).get("formats")
    if not there or (formats and "report" not in formats):
        return []
    own = transcript.run.language if transcript.run.language in there else ""
    rows = [("", "as spoken", "report.html")]
    rows += [(code, NAMES.get(code, code), f"report.{code}.html") for code in there]
    return [{"code": code, "name": name, "href": "" if code == own else href} for code, name, href in rows]


def format_start(recorded_at: str | None, source: str | None, timezone: str) -> str:
    """Format the recording's start for reading.

    >>> format_start("2024-05-01T00:30:00+02:00", "name", "Europe/Berlin")
    'Wednesday, 1 May 2024, 00:30 (Europe/Berlin; by the file’s name)'
    """
    if recorded_at is None:
        return "time of recording unknown"
    start = datetime.fromisoformat(recorded_at)
    by = {"name": "; by the file’s name", "mtime": "; by the file’s date", "metadata": "; by its metadata"}
    return f"{start:%A}, {start.day} {start:%B %Y}, {start:%H:%M} ({timezone}{by.get(source or '', '')})"


def format_count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_share(part: float, whole: float) -> str:
    """Format a share in per cent with one decimal; a dash for a share of nothing.

    >>> format_share(1, 8), format_share(0, 0)
    ('12.5 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole else "–"


def build_speaker_rows(transcript: Transcript) -> list[dict[str, Any]]:
    """Build a row for each speaker, in the order of `list_labels`, with the classes of the speaker's mark."""
    by_label = {s.label: s for s in transcript.speakers}
    total = sum(s.turn_s for s in transcript.speakers)
    most = max((s.turn_s for s in transcript.speakers), default=0.0)
    out = []
    for k, label in enumerate(list_labels(transcript)):
        held = by_label.get(label)
        who = describe_speaker(label, held)
        out.append(
            {
                "label": "Unknown" if who["unknown"] else who["label"],
                "name": who["name"],
                "perhaps": format_guess(who),
                "alike": "" if who["alike"] is None else f"{who['alike'] / 100:.2f}",
                "mark": choose_mark_classes(k, label == UNKNOWN),
                "time": format_duration(held.turn_s, round_minutes=True) if held else "–",
                "share": format_share(held.turn_s, total) if held else "–",
                "width": round(100 * held.turn_s / most, 1) if held and most else 0,
                "words": f"{held.num_words:,}" if held else "–",
                "first": format_timestamp(to_ms(held.first_s), "") if held else "–",
                "last": format_timestamp(to_ms(held.last_s), "") if held else "–",
            }
        )
    return out


def choose_mark_classes(place: int, unknown: bool) -> str:
    """Choose the CSS classes of a speaker's mark: a colour, and a pattern from the eighth on."""
    return "unknown" if unknown else f"c{place % COLOURS} p{place // COLOURS % 4}"


def build_quality_rows(transcript: Transcript, failed: list[ChunkReport]) -> list[tuple[str, str, str]]:
    """Build rows of (name, figure, explanation)."""
    words = transcript.words
    sure = [p for p in (to_percent(w.confidence) for w in words) if p >= 0]
    low, unknown = sum(p < MIN_CONFIDENCE_PERCENT for p in sure), sum(w.speaker == UNKNOWN for w in words)
    removed = sum(c.loops_removed for c in transcript.chunks), sum(c.silence_text_removed for c in transcript.chunks)
    return [
        (
            "Status",
            transcript.run.status,
            format_count(len(failed), "failed chunk") + f" of {len(transcript.chunks)}",
        ),
        (
            "Low confidence",
            format_share(low, len(sure)),
            f"{low:,} of {format_count(len(sure), 'word')} under {MIN_CONFIDENCE_PERCENT} %",
        ),
        (
            "Unknown speaker",
            format_share(unknown, len(words)),
            f"{format_count(unknown, 'word')} whose voice could not be told",
        ),
        (
            "Taken out",
            f"{sum(removed):,}",
            f"{format_count(removed[0], 'loop')}, {format_count(removed[1], 'word')} in silence",
        ),
    ]


def build_chunk_row(report: ChunkReport) -> dict[str, Any]:
    """Build a chunk's row in the table of seams."""
    again = f"{report.seam_redecoded_s:.1f} s" if report.seam_redecoded_s else "–"
    return {
        "number": report.index + 1,
        "at": to_ms(report.core.start_s),
        "from": format_timestamp(to_ms(report.core.start_s), ""),
        "to": format_timestamp(to_ms(report.core.end_s), ""),
        "status": {"no_speech": "no speech"}.get(report.status, report.status),
        "error": to_one_line(report.error or ""),
        "speech": format_duration(report.speech_s, round_minutes=True),
        "words": f"{report.num_words:,}",
        "kept": report.seam_kept or "–",
        "dropped": report.seam_dropped or "–",
        "again": again,
        "loops": report.loops_removed or "–",
        "silence": report.silence_text_removed or "–",
    }


def format_failure(report: ChunkReport) -> str:
    span = f"{format_timestamp(to_ms(report.core.start_s), '')} – {format_timestamp(to_ms(report.core.end_s), '')}"
    return f"{span}: {to_one_line(report.error or '') or 'no reason given'}"
