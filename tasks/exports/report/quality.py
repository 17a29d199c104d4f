"""Format the quality of each hour, and of each speaker in it, for the report's table."""

from __future__ import annotations

from typing import Any

from tasks.exports.report.people import describe_speaker
from tasks.exports.text import to_ms
from tasks.intervals import format_duration, format_timestamp
from tasks.quality.alarms import find_alarms, format_alarm
from tasks.records import HourQuality, Transcript
from tasks.text import to_one_line


def build_alarms(transcript: Transcript) -> list[str]:
    """Build a line for each alarm."""
    lines = (format_alarm(alarm, transcript.recording) for alarm in find_alarms(transcript))
    return [to_one_line(line[:1].upper() + line[1:]) for line in lines]


def build_hours(transcript: Transcript) -> list[dict[str, Any]]:
    """Build a row for each hour and for each speaker in it; `who` is empty for the whole hour."""
    held = {s.label: s for s in transcript.speakers}
    rows = []
    for q in transcript.quality:
        who = describe_speaker(q.speaker, held.get(q.speaker)) if q.speaker is not None else None
        rows.append(
            {
                "at": to_ms(q.start_s),
                "from": format_timestamp(to_ms(q.start_s), ""),
                "who": "" if who is None else who["name"] or ("Unknown" if who["unknown"] else who["label"]),
                "speech": format_duration(q.speech_s, round_minutes=True),
                "words": f"{q.num_words:,}",
                "wer": _format_share(q.expected_wer),
                "doubtful": _format_share(q.doubtful_share),
                "noise": _format_level(q.noise_dbfs),
                "level": _format_level(q.speech_dbfs),
                "clipped": _format_share(q.clipped_share),
                "overlap": _format_share(q.overlap_share),
                "bare": "–" if q.untranscribed_s is None else f"{q.untranscribed_s:.0f} s",
                "ghosts": _format_ghosts(q),
            }
        )
    return rows


def _format_share(share: float | None) -> str:
    """Format a share in per cent; a dash where it is not known.

    >>> _format_share(0.1234), _format_share(None)
    ('12.3 %', '–')
    """
    return "–" if share is None else f"{100 * share:.1f} %"


def _format_level(dbfs: float | None) -> str:
    """Format a level with a minus sign.

    >>> _format_level(-48.6), _format_level(0.2)
    ('−49', '0')
    """
    return "–" if dbfs is None else f"{dbfs:.0f}".replace("-", "−").replace("−0", "0")


def _format_ghosts(q: HourQuality) -> str:
    if not q.num_ghosts:
        return "–"
    return f"{q.num_ghosts}" if q.speaker is None else "yes"
