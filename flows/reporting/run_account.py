"""Account for a run: label it with its process, log its final error, and record its metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import AwaitingRetry

from flows.fault import describe_prefect_fault
from flows.reporting import metrics
from flows.reporting.logging_setup import RUN_LOG, configure_worker_logging, in_worker
from flows.serving.crashed_runs import count_waiting_runs, label_run
from tasks.engines.calls import EnginePool, EngineUse
from tasks.errors import DaylongError
from tasks.records import Transcript
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.account")

HANDED_BACK_FOR = timedelta(seconds=5)
"""Until a run that was handed back is taken up: by then its process has ended, and its engines' memory is free."""
SERVER_AWAY_S = 600.0
"""Seconds for which a run whose slot is lost waits for a server that doesn't answer, to hand itself back."""
SERVER_RETRY_S = 5.0


class HandedBack(Enum):
    """Why a run is handed back to the workers, as people read it."""

    ASKED = "Asked to end; what is done is kept, and whoever takes the run goes on from there."
    SLOT_LOST = (
        "Prefect's server no longer holds this run's slot of its deployment's concurrency limit; what is done is "
        "kept, and whoever takes the run goes on from there."
    )


@dataclass(slots=True)
class Account:
    """What is known of a run so far; None until then."""

    settings: Settings | None = None
    transcript: Transcript | None = None
    _engines: EnginePool | None = None
    _before: dict[str, EngineUse] = field(default_factory=dict)

    def measure_waits(self, engines: EnginePool) -> None:
        """Measure what calls wait for engines from now on; runs that share a pool measure each other's, too."""
        self._engines, self._before = engines, engines.list_uses()

    @property
    def engine_waits(self) -> dict[str, float]:
        """Seconds that calls waited since `measure_waits`, by engine."""
        uses = self._engines.list_uses() if self._engines else {}
        return {name: use.wait_s - self._before.get(name, EngineUse()).wait_s for name, use in uses.items()}

    def apply_settings(self, settings: Settings) -> Settings:
        """Set the run's settings and configure logging by them; return them."""
        self.settings = settings
        configure_worker_logging(settings.logging.format)
        return settings


@contextmanager
def account_for_run() -> Iterator[Account]:
    """Label the run with this process; at its end add it to the metrics file, if one is set."""
    label_run(flow_run.id, flow_run.run_count, mark_others=is_top_level())
    account, began = Account(), time.perf_counter()
    try:
        yield account
    except Exception:
        _record_metrics(account, "failed", time.perf_counter() - began)
        raise
    _record_metrics(
        account, account.transcript.run.status if account.transcript else "failed", time.perf_counter() - began
    )


def is_top_level() -> bool:
    """Whether the run is not a subflow of another run."""
    return flow_run.parent_flow_run_id is None


def log_final_error(error: DaylongError) -> bool:
    """Log an error that ends a top-level run in a worker's process, and return whether that was done.

    If so, the run shall end with the error's message and no traceback, as people read it in the UI. Otherwise the
    error shall be raised to the caller.
    """
    if not (in_worker() and is_top_level()):
        return False
    configure_worker_logging("text")  # not done yet if the settings are wrong
    for line in str(error).splitlines():
        RUN_LOG.error("%s", line)
    return True


def hand_back(reason: HandedBack) -> None:
    """Have a worker's run taken up again by the next worker.

    Raises Pause, at which Prefect ends the process and leaves the run's state. A flow that returned the state would
    end with an error, and its worker report a crash. Returns for other runs, and for those that somebody cancels.
    Raises what Prefect's client raises where the server doesn't answer, for `SLOT_LOST` once it hasn't for
    `SERVER_AWAY_S`.
    """
    if not (in_worker() and is_top_level()):
        return
    until = time.monotonic() + (SERVER_AWAY_S if reason is HandedBack.SLOT_LOST else 0.0)
    while True:
        try:
            state = _propose_another_attempt(reason)
            break
        except Exception as error:
            if describe_prefect_fault(error) is None or time.monotonic() > until:
                raise
            time.sleep(SERVER_RETRY_S)
    if state is not None:
        RUN_LOG.info(reason.value)
        raise Pause(reason.value, state=state)


def _propose_another_attempt(reason: HandedBack) -> State[Any] | None:
    """Set the state in which a worker takes the run again; None where the run is not running, or not accepted."""
    with get_client(sync_client=True) as client:
        run_id = UUID(str(flow_run.id))
        before = client.read_flow_run(run_id).state
        if before is None or not before.is_running():
            return before if _is_handed_back(before, reason) else None
        again = datetime.now(UTC) + HANDED_BACK_FOR
        state: State[Any] = AwaitingRetry(scheduled_time=again, message=reason.value)
        answer = client.set_flow_run_state(run_id, state)
        # Of a request that was sent again because its answer came too late, the second is rejected.
        is_done = answer.status is SetStateStatus.ACCEPT or _is_handed_back(answer.state, reason)
        return state if is_done else None


def _is_handed_back(state: State[Any] | None, reason: HandedBack) -> bool:
    return state is not None and state.is_scheduled() and state.message == reason.value


def _record_metrics(account: Account, status: str, run_s: float) -> None:
    """Add the run to the metrics file, if one is set. Logs a warning if that fails."""
    if account.settings is None or account.settings.metrics.textfile is None:
        return
    transcript, steps = account.transcript, dict[str, float]()
    for chunk in transcript.chunks if transcript else ():
        for step, cost in chunk.costs.items():
            steps[step] = steps.get(step, 0.0) + (0.0 if cost.cached else cost.seconds)
    try:
        with get_client(sync_client=True) as client:
            queue = count_waiting_runs(client)
        metrics.add_run(
            account.settings.metrics.textfile,
            metrics.RunMetrics(
                status,
                run_s,
                transcript.recording.duration_s if transcript else 0.0,
                sum(c.error is not None for c in transcript.chunks) if transcript else 0,
                steps,
                queue,
                account.engine_waits,
            ),
        )
    except Exception as error:  # metrics never fail a run
        log.warning("metrics.textfile = %s: not written (%s)", account.settings.metrics.textfile, error)
