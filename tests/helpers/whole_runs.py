"""Runs of the whole flow with the demo weights in this process, and what they left in tables and on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb

from tasks.records import STEPS
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome

SMALL_CHUNKS = {"min_minutes": 0.5, "max_minutes": 0.8, "overlap_s": 10}


def process(path: Path, out: Path, *, together: list[str] | None = None, **settings: Any) -> Outcome:
    """Process a recording in small chunks."""
    from flows.process_recording import process_recording

    given = {"profile": "demo", "out": str(out), "chunking": SMALL_CHUNKS, **settings}
    return process_recording(str(path), given, together)


def read_rows(out: Path | str, table: str) -> list[dict[str, Any]]:
    """Read the rows of a table of all recordings."""
    found = duckdb.sql(f"select * from read_parquet('{out}/{table}/*/*.parquet')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def find_cached_steps(out: Path | str) -> dict[str, bool]:
    """Find, by step, whether every chunk's came from the cache."""
    chunks = [c for c in read_rows(out, "chunks") if c["status"] == "complete"]
    return {s: all(c[f"{s}_cached"] for c in chunks) for s in STEPS if any(c[f"{s}_s"] is not None for c in chunks)}


def read_task_states(run_id: str) -> set[str]:
    """Read the names of the states in which the tasks of a run ended."""
    return set(read_task_runs(run_id).values()) - {"Pending", "Running"}


def read_task_runs(run_id: str, awaited: str | None = None) -> dict[str, str]:
    """Read the names of the states of a run's task runs, by their names, once one is called `awaited`."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))

    def read() -> dict[str, str]:
        return {run.name: str(run.state_name) for run in client.read_task_runs(flow_run_filter=of_run)}

    with get_client(sync_client=True) as client:
        # Task runs reach the server as events, some moments later.
        wait_until(lambda: awaited in read() if awaited else len(read()) > 3)
        return read()
