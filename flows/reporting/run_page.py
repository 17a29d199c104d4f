"""Render the page about a finished recording in Prefect's UI: speakers, timeline, failed chunks, files."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from flows.reporting.outcome import Outcome
from flows.reporting.run_names import make_printable
from flows.reporting.timeline import draw_timeline
from tasks.exports import ALL_EXPORTS, formats_of
from tasks.intervals import format_clock, format_duration
from tasks.records import Transcript

MARKDOWN_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+!|~.:-]")
MAX_ERRORS = 20

FILES = {
    "report.html": "to look at, search and listen to, in a browser",
    "transcript.txt": "to read",
    "transcript.srt": "subtitles for any player",
    "transcript.vtt": "subtitles for browsers, with the speakers' names",
    "transcript.json": "everything, for programs",
    "transcript.rttm": "who spoke when, for scoring",
    "transcript.ass": "subtitles with a colour for each speaker",
    "transcript.ttml": "subtitles for broadcasters",
    "transcript.docx": "to read and to correct, in a word processor",
    "transcript.md": "to read, as Markdown",
    "transcript.csv": "a row a segment, for spreadsheets",
    "transcript.lrc": "lines with times, for music players",
}


def render_page(transcript: Transcript, outcome: Outcome) -> str:
    """Render the page as Markdown. Names of files and people are untrusted text and are escaped."""
    recording, run = transcript.recording, transcript.run
    facts = [
        format_clock(recording.duration_s),
        _format_count(outcome["num_speakers"], "speaker"),
        _format_count(outcome["num_words"], "word"),
        *([f"language {escape_markdown(run.language)}"] if run.language else []),
        _format_count(outcome["num_chunks"], "chunk"),
        f"took {format_duration(run.wall_s)}"
        + (f" ({recording.duration_s / run.wall_s:.1f} × real time)" if run.wall_s else ""),
    ]
    if recording.recorded_at:
        facts.insert(0, f"recorded {recording.recorded_at[:16].replace('T', ' ')}")
    return "\n\n".join([
        f"# {escape_markdown(recording.source_name.strip() or recording.recording_id)}", " · ".join(facts),
        *_render_warnings(outcome), *_render_alarms(outcome), *_render_speakers(transcript),
        *_render_files(transcript, outcome),
    ])  # fmt: skip


def make_artifact_key(recording_id: str) -> str:
    """Make the artifact's key from the recording's id: lower-case letters, digits and dashes, as Prefect allows.

    >>> make_artifact_key("Board_meeting.1-1f2e3d4c")
    'transcript-board-meeting-1-1f2e3d4c'
    """
    return "transcript-" + re.sub(r"[^a-z0-9]+", "-", recording_id.lower()).strip("-")


def escape_markdown(text: str) -> str:
    """Escape text so that Markdown shows it unchanged, on one line.

    >>> escape_markdown("a|b<i>")
    'a\\\\|b&lt;i&gt;'
    """
    return html.escape(MARKDOWN_SPECIAL.sub(r"\\\g<0>", make_printable(text)), quote=False)


def format_code(text: str) -> str:
    """Format text as inline code, unchanged.

    >>> format_code("a`b"), format_code("a|b")
    ('`` a`b ``', '` a|b `')
    """
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {make_printable(text)} {fence}"


def _render_alarms(outcome: Outcome) -> list[str]:
    lines = [f"- {escape_markdown(line)}" for line in outcome.get("alarms", ())[:MAX_ERRORS]]
    return ["**Its sound, or what came of it, is poor:**", "\n".join(lines)] if lines else []


def _render_warnings(outcome: Outcome) -> list[str]:
    if not outcome["errors"]:
        return [] if outcome["num_words"] else ["**No words were found in it.**"]
    lines = [f"- {escape_markdown(line)}" for line in outcome["errors"][:MAX_ERRORS]]
    more = len(outcome["errors"]) - len(lines)
    failed = (
        f"{outcome['chunks_failed']} of {_format_count(outcome['num_chunks'], 'chunk')} failed; the transcript "
        "lacks them."
    )
    return [
        f"**{failed if outcome['chunks_failed'] else 'The transcript lacks some speech.'}** Run it again: what "
        "succeeded is not done again.",
        "\n".join([*lines, *([f"- and {more} more"] if more else [])]),
    ]


def _render_speakers(transcript: Transcript) -> list[str]:
    speakers = transcript.speakers
    if not speakers:
        return []
    total = sum(s.turn_s for s in speakers) or 1.0
    rows = [
        f"| {escape_markdown(s.label)} | {s.turn_s / 60:.1f} | {s.turn_s / total:.0%} | {s.num_words:,} "
        f"| {format_clock(s.first_s)} | {format_clock(s.last_s)} |"
        for s in speakers
    ]
    head = (
        "| speaker | minutes | share | words | first heard | last heard |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    )
    svg = draw_timeline(transcript.turns, [s.label for s in speakers], transcript.recording.duration_s)
    encoded = base64.b64encode(svg.encode()).decode()
    return [
        "## Who spoke", "\n".join([head, *rows]),
        "## When", f"![Who spoke when](data:image/svg+xml;base64,{encoded})",
    ]  # fmt: skip


def _render_files(transcript: Transcript, outcome: Outcome) -> list[str]:
    exports, out = outcome["exports"], Path(outcome["out"])
    written = {ALL_EXPORTS[name].file_name for name in formats_of(transcript)}
    rows = [f"| {name} | {use} |" for name, use in FILES.items() if name in written]
    read = (
        "import pandas\n"
        f"words = pandas.read_parquet({str(out / 'words')!r})\n"
        f"words = words[words.recording_id == {transcript.recording.recording_id!r}]"
    )
    return [
        "## Where",
        f"On the machine that ran it, the transcript in the folder {format_code(exports)}:",
        "\n".join(["| file | what for |", "| --- | --- |", *rows]),
        f"The tables (recordings, segments, words, turns, speakers, chunks) are in {format_code(str(out))}. "
        "To read them:",
        "\n".join(["````python", read.replace("````", "` ` ` `"), "````"]),
    ]  # fmt: skip


def _format_count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
