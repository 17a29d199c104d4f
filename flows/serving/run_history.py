"""Prune Prefect's record of the folder-watch: scanned every minute, a folder adds 1,440 runs a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

WATCH_FLOW = "ingest-inbox"
PAGE_SIZE = 200


def delete_old_scans(client: SyncPrefectClient, older_than_s: float) -> int:
    """Delete the folder-watch's own finished runs that began `older_than_s` seconds ago or earlier; return how many.

    Runs of recordings stay, and what became of each file is in the inbox's ledger.
    """
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterExpectedStartTime,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import TERMINAL_STATES
    from prefect.exceptions import ObjectNotFound

    before = datetime.now(UTC) - timedelta(seconds=older_than_s)
    old = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
    )
    ours = FlowFilter(name=FlowFilterName(any_=[WATCH_FLOW]))
    deleted = 0
    while found := client.read_flow_runs(flow_filter=ours, flow_run_filter=old, limit=PAGE_SIZE):
        for run in found:
            try:
                client.delete_flow_run(run.id)
            except ObjectNotFound:  # deleted meanwhile
                continue
            deleted += 1
    return deleted
