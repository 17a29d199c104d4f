"""Scheduled: prune the cache and Prefect's record of runs."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from pydantic import Field

from flows.locations import resolve_store
from flows.serving.crashed_runs import label_run
from flows.serving.run_history import delete_old_scans
from flows.speakers.republish import finish_erasures
from tasks.pruning.prune import prune
from tasks.settings.load import load


@flow(name="prune-cache", persist_result=False)
def prune_cache(
    older_than_days: float | None = Field(30.0, ge=0, description="Results unused for so many days go. Empty: none."),
    max_size_gb: float | None = Field(None, ge=0, description="Then those unused for longest, down to so many GB."),
    looks_older_than_days: float | None = Field(
        7.0,
        ge=0,
        description="Runs of ingest-inbox go from Prefect's record after so many days. Empty: none.",
    ),
) -> dict[str, int]:
    """Remove from the cache what hasn't been used for long. Runs under way lose nothing.

    What is left of forgotten voices, because a run used it, goes too.

    Args:
        older_than_days: Results unused for so many days go. Empty: none.
        max_size_gb: Then those unused for longest, down to so many GB (10^9 bytes). Empty: no limit.
        looks_older_than_days: Runs of ingest-inbox that ended and began so many days ago go from Prefect's record:
            there is one a minute. Empty: none. Runs of recordings stay.
    """
    label_run(flow_run.id, flow_run.run_count)
    settings = load()
    gone = prune(
        resolve_store(settings),
        older_than_s=None if older_than_days is None else older_than_days * 86_400,
        max_size=None if max_size_gb is None else round(max_size_gb * 1e9),
    )
    finish_erasures(settings)
    get_run_logger().info("%d results of steps removed, %.1f MB", len(gone.records), gone.size / 1e6)
    looks = 0
    if looks_older_than_days is not None:
        with get_client(sync_client=True) as client:
            looks = delete_old_scans(client, looks_older_than_days * 86_400)
        get_run_logger().info("%d runs of the folder-watch forgotten", looks)
    return {"records": len(gone.records), "artifacts": len(gone.stored), "bytes": gone.size, "looks": looks}
