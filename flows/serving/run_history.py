"""Prefect's own record of what has run: of a folder that is looked at every minute it grows by 1,440 runs a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

WATCH = "ingest-inbox"
PAGE = 200


def forget_looks(client: SyncPrefectClient, older_than_s: float) -> int:
    """Delete the folder-watch's own runs that ended, and began so long ago; how many those were.

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
    ours = FlowFilter(name=FlowFilterName(any_=[WATCH]))
    gone = 0
    while found := client.read_flow_runs(flow_filter=ours, flow_run_filter=old, limit=PAGE):
        for run in found:
            try:
                client.delete_flow_run(run.id)
            except ObjectNotFound:  # somebody else has
                continue
            gone += 1
    return gone
