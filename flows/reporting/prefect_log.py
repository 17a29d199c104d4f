"""What a run tells Prefect: its story in the log, one progress artifact, and a page about what came out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from flows.reporting.logging_setup import STORY
from flows.reporting.outcome import Outcome
from flows.reporting.progress import Listener, Snapshot, clock_time
from flows.reporting.run_page import key_of, page
from tasks.intervals import format_clock
from tasks.records import Recording, Transcript

EVERY_S = 10.0
"""Updates of the artifact cost 10–20 ms: they are this far apart at least, seconds …"""
LINE_EVERY_S = 60.0
"""… and lines of the log, beside the one that each chunk has."""

BEGINS = {
    "probe": "Looking at the file.",
    "speech map": "Listening for where anybody speaks.",
    "linking": "Finding out which voices of the chunks are the same people.",
    "seams": "Joining the chunks.",
    "merging": "Giving words to speakers.",
    "publishing": "Writing tables and subtitles.",
}


@contextmanager
def no_matter(what: str) -> Iterator[None]:
    """Prefect's server may be busy or away for a moment: a run and its results don't hang on what it shows."""
    try:
        yield
    except Exception as error:
        STORY.warning("%s could not be written: %s: %s", what, type(error).__name__, error)


@dataclass(slots=True)
class Reporter:
    """Tells one run's log and artifact."""

    _artifact: UUID | None = None
    _last: float = 0.0
    _last_line: float = 0.0
    _stage: str = ""

    def __call__(self, now: Snapshot) -> None:
        moment = time.monotonic()
        if now.stage != self._stage:
            self._stage, self._last, self._last_line = now.stage, 0.0, moment
            if now.stage in BEGINS:
                STORY.info(BEGINS[now.stage])
        if moment - self._last < EVERY_S:
            return
        self._last = moment
        if moment - self._last_line >= LINE_EVERY_S and now.stage in ("chunks", "speech map"):
            self._last_line = moment
            STORY.info(now.line())
        if now.stage in ("chunks", "done"):
            self._show(100.0 if now.stage == "done" else 100.0 * now.fraction, now.line())

    def _show(self, percent: float, line: str) -> None:
        with no_matter("the progress artifact"):
            if self._artifact is None:
                made = create_progress_artifact(progress=percent, key="daylong-progress", description=line)
                self._artifact = made if isinstance(made, UUID) else None
            else:
                update_progress_artifact(self._artifact, progress=percent, description=line)


def reporters() -> tuple[Listener, ...]:
    """The listeners that a flow run hands to its `Progress`."""
    return (Reporter(),)


def tell_what_it_is(recording: Recording) -> None:
    """The recording, as a line of the story."""
    at, source = recording.recorded_at, recording.recorded_at_source
    recorded = f", recorded {at[:16].replace('T', ' ')} ({source})" if at else ""
    files = f", {len(recording.parts)} files" if len(recording.parts) > 1 else ""
    STORY.info(
        "%s of %s, %d Hz, %d channel%s%s%s.",
        format_clock(recording.duration_s),
        recording.codec,
        recording.sample_rate_hz,
        recording.channels,
        "" if recording.channels == 1 else "s",
        files,
        recorded,
    )


def show(transcript: Transcript, outcome: Outcome) -> None:
    """The page about what came out, and the story's last line."""
    run_s = transcript.run.wall_s
    STORY.info(
        "Done: %s words, %d speakers, %s; it lies in %s",
        f"{outcome['num_words']:,}",
        outcome["num_speakers"],
        clock_time(run_s),
        outcome["exports"],
        extra={"seconds": round(run_s, 1)},
    )
    with no_matter("the page of this run"):
        create_markdown_artifact(
            key=key_of(transcript.recording.recording_id),
            markdown=page(transcript, outcome),
            description=f"{format_clock(transcript.recording.duration_s)}, {outcome['num_words']:,} words",
        )
