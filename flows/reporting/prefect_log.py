"""Report a run to Prefect: its main events in the log, one progress artifact, and a page about the result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from flows.reporting.logging_setup import RUN_LOG, in_worker
from flows.reporting.outcome import Outcome
from flows.reporting.progress import Listener, Snapshot
from flows.reporting.run_names import make_printable
from flows.reporting.run_page import make_artifact_key, render_page
from tasks.intervals import format_clock, format_duration
from tasks.records import Recording, Transcript

ARTIFACT_INTERVAL_S = 10.0
"""Shortest time between updates of the artifact, which take 10–20 ms each, in seconds."""
LOG_INTERVAL_S = 60.0
"""Shortest time between progress lines in the log, besides the line of each chunk, in seconds."""

STAGE_MESSAGES = {
    "probe": "Looking at the file.",
    "speech map": "Listening for where anybody speaks.",
    "linking": "Finding out which voices of the chunks are the same people.",
    "seams": "Joining the chunks.",
    "merging": "Giving words to speakers.",
    "publishing": "Writing tables and subtitles.",
}


@contextmanager
def warn_on_failure(what: str) -> Iterator[None]:
    """Log a warning instead of raising: a run does not fail because Prefect's server is busy or unreachable.

    `what`: what could not be written.
    """
    try:
        yield
    except Exception as error:
        RUN_LOG.warning("%s could not be written: %s: %s", what, type(error).__name__, error)


@dataclass(slots=True)
class Reporter:
    """Listener that writes one run's progress to its log and its progress artifact."""

    _artifact: UUID | None = None
    _last: float = 0.0
    _last_line: float = 0.0
    _stage: str = ""

    def __call__(self, snapshot: Snapshot) -> None:
        now_s = time.monotonic()
        if snapshot.stage != self._stage:
            self._stage, self._last, self._last_line = snapshot.stage, 0.0, now_s
            if snapshot.stage in STAGE_MESSAGES:
                RUN_LOG.info(STAGE_MESSAGES[snapshot.stage])
        if now_s - self._last < ARTIFACT_INTERVAL_S:
            return
        self._last = now_s
        if now_s - self._last_line >= LOG_INTERVAL_S and snapshot.stage in ("chunks", "speech map"):
            self._last_line = now_s
            RUN_LOG.info(snapshot.format_line())
        if snapshot.stage in ("chunks", "done"):
            self._update_artifact(
                100.0 if snapshot.stage == "done" else 100.0 * snapshot.fraction, snapshot.format_line()
            )

    def _update_artifact(self, percent: float, line: str) -> None:
        with warn_on_failure("the progress artifact"):
            if self._artifact is None:
                artifact = create_progress_artifact(progress=percent, key="daylong-progress", description=line)
                self._artifact = artifact if isinstance(artifact, UUID) else None
            else:
                update_progress_artifact(self._artifact, progress=percent, description=line)


def create_listeners() -> tuple[Listener, ...]:
    """Create the listeners that a flow run passes to its `Progress`."""
    return (Reporter(),)


def log_recording(recording: Recording) -> None:
    """Log the recording's length, format, number of files and recording time, as one line."""
    at, source = recording.recorded_at, recording.recorded_at_source
    recorded = f", recorded {at[:16].replace('T', ' ')} ({source})" if at else ""
    files = f", {len(recording.parts)} files" if len(recording.parts) > 1 else ""
    RUN_LOG.info(
        "%s of %s, %d Hz, %d channel%s%s%s.",
        format_clock(recording.duration_s),
        recording.codec,
        recording.sample_rate_hz,
        recording.channels,
        "" if recording.channels == 1 else "s",
        files,
        recorded,
    )


def report_outcome(transcript: Transcript, outcome: Outcome) -> None:
    """Log the last line of a run, and create the page about its result."""
    run_s = transcript.run.wall_s
    for line in outcome.get("alarms", ()) if in_worker() else ():  # commands print them with the result
        RUN_LOG.warning("%s", make_printable(line))
    RUN_LOG.info(
        "Done: %s words, %d speakers, %s; it lies in %s",
        f"{outcome['num_words']:,}",
        outcome["num_speakers"],
        format_duration(run_s),
        outcome["exports"],
        extra={"seconds": round(run_s, 1)},
    )
    with warn_on_failure("the page of this run"):
        create_markdown_artifact(
            key=make_artifact_key(transcript.recording.recording_id),
            markdown=render_page(transcript, outcome),
            description=f"{format_clock(transcript.recording.duration_s)}, {outcome['num_words']:,} words",
        )
