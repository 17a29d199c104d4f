"""What a run says of itself to whoever runs it: whose process it is, and in figures how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.reporting import metrics
from flows.reporting.logging_setup import STORY, in_worker, set_up
from flows.serving.crashed_runs import sign, waiting
from tasks.errors import DaylongError
from tasks.records import Transcript
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.account")


@dataclass(slots=True)
class Account:
    """What is known of a run so far."""

    settings: Settings | None = None
    transcript: Transcript | None = None

    def chosen(self, settings: Settings) -> Settings:
        """The run's settings, once they are known: from here on its log lines are as they say."""
        self.settings = settings
        set_up(settings.logging.format)
        return settings


@contextmanager
def accounted() -> Iterator[Account]:
    """Sign the run; at its end add it to the metrics, if there are any."""
    sign(flow_run.id, alone=is_alone())
    account, began = Account(), time.perf_counter()
    try:
        yield account
    except Exception:
        _note(account, "failed", time.perf_counter() - began)
        raise
    _note(account, account.transcript.run.status if account.transcript else "failed", time.perf_counter() - began)


def is_alone() -> bool:
    """Whether the run was started by itself and not by another flow."""
    return flow_run.parent_flow_run_id is None


def tells_alone(error: DaylongError) -> bool:
    """Whether to end the run with an error's words and without its traceback: in the UI, where people read it; the
    words are in the log then. Elsewhere a caller wants the error itself."""
    if not (in_worker() and is_alone()):
        return False
    set_up("text")  # where the settings are what is wrong, it isn't yet
    for line in str(error).splitlines():
        STORY.error("%s", line)
    return True


def _note(account: Account, status: str, run_s: float) -> None:
    if account.settings is None or account.settings.metrics.textfile is None:
        return
    transcript, steps = account.transcript, dict[str, float]()
    for chunk in transcript.chunks if transcript else ():
        for step, cost in chunk.costs.items():
            steps[step] = steps.get(step, 0.0) + (0.0 if cost.cached else cost.seconds)
    try:
        with get_client(sync_client=True) as client:
            queue = waiting(client)
        metrics.note(
            account.settings.metrics.textfile,
            metrics.Ended(
                status,
                run_s,
                transcript.recording.duration_s if transcript else 0.0,
                sum(c.error is not None for c in transcript.chunks) if transcript else 0,
                steps,
                queue,
            ),
        )
    except Exception as error:  # figures never fail a run
        log.warning("metrics.textfile = %s: not written (%s)", account.settings.metrics.textfile, error)
