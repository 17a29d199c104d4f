"""Progress in Prefect: a line in the run's log now and then, and one progress artifact."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows.progress import Listener, Snapshot

EVERY_S = 10.0
"""Log lines and updates of the artifact are this far apart at least, seconds."""


@dataclass(slots=True)
class Reporter:
    """Tells one run's log and artifact. Updates of the artifact cost 10–20 ms, so they are few."""

    logger: Any
    _artifact: UUID | None = None
    _last: float = 0.0
    _stage: str = ""

    def __call__(self, now: Snapshot) -> None:
        new_stage, late = now.stage != self._stage, time.monotonic() - self._last >= EVERY_S
        if not (new_stage or late):
            return
        self._stage, self._last = now.stage, time.monotonic()
        self.logger.info(now.line())
        if now.stage not in ("chunks", "done"):
            return
        percent = 100.0 if now.stage == "done" else 100.0 * now.fraction
        if self._artifact is None:
            made = create_progress_artifact(progress=percent, key="daylong-progress", description=now.line())
            self._artifact = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self._artifact, progress=percent, description=now.line())


def reporters(logger: logging.Logger | logging.LoggerAdapter[Any]) -> tuple[Listener, ...]:
    """The listeners that a flow run hands to its `Progress`."""
    return (Reporter(logger),)
