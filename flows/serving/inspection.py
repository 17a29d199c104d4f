"""The checks of Prefect: its database, its server, and there our pool, worker, deployments and runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows.environment import find_named_server
from flows.serving.database import (
    ADVICE,
    OTHER_VERSION,
    find_database_problem,
    list_known_revisions,
    open_read_only,
)
from flows.serving.database_claim import read_serving
from flows.serving.finding import Finding, missing, ok, warning
from tasks.settings.schema import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

RESET = "stop daylong up and start it with --reset-deployments, which undoes all that was set in the UI"


def inspect_database(settings: Settings) -> Iterator[Finding]:
    """Check the database that a server started here would use."""
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
    from sqlalchemy.engine import make_url

    url = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value()))
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        yield _inspect_sqlite(str(url.database))
        return
    try:
        version, revision = _query_postgres(url.set(drivername="postgresql").render_as_string(hide_password=False))
    except Exception as error:  # the driver has errors of many kinds
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        yield missing(
            "database", f"{shown}: cannot be reached ({reason[0]}). Start it, or correct "
            "PREFECT_SERVER_DATABASE_CONNECTION_URL",
        )  # fmt: skip
        return
    if revision is not None and revision not in list_known_revisions("postgresql"):
        yield missing(
            "database",
            f"{shown}: {OTHER_VERSION}. Install that version, or name an empty database: it holds Prefect's record "
            "of runs, and no transcript",
        )
        return
    yield ok("database", f"PostgreSQL {version}: {shown}")


def _inspect_sqlite(file: str) -> Finding:
    import sqlite3
    from contextlib import closing

    if not Path(file).exists():
        return ok("database", f"SQLite {sqlite3.sqlite_version}: {file}, made at the first start")
    if problem := find_database_problem(Path(file)):
        return missing("database", problem)
    with closing(open_read_only(Path(file))) as opened:
        (state,) = opened.execute("pragma quick_check(1)").fetchone()
    if state != "ok":
        return missing("database", f"{file}: damaged ({state}). {ADVICE}")
    size = Path(file).stat().st_size / 1e6
    return ok("database", f"SQLite {sqlite3.sqlite_version}: {file}, {size:.1f} MB")


def _query_postgres(dsn: str) -> tuple[str, str | None]:
    """Query the server's version, and the revision of Prefect's tables; None where there are none yet."""
    import asyncio

    import asyncpg  # type: ignore[import-untyped]

    async def query() -> tuple[str, str | None]:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            version = str(await connection.fetchval("show server_version"))
            if await connection.fetchval("select to_regclass('alembic_version')") is None:
                return version, None
            return version, await connection.fetchval("select version_num from alembic_version")
        finally:
            await connection.close()

    return asyncio.run(query())


def inspect_server(settings: Settings) -> Iterator[Finding]:
    """Check the server, and through it the pool, the worker, the deployments and the runs."""
    from prefect.client.orchestration import get_client
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_SERVER_API_HOST,
        PREFECT_SERVER_API_PORT,
        temporary_settings,
    )

    from flows.serving.server import Address, is_answering

    named = find_named_server(os.environ)
    default = Address(PREFECT_SERVER_API_HOST.value(), PREFECT_SERVER_API_PORT.value()).api
    last = read_serving(os.environ)  # `daylong up --port` on this database
    tried = list(dict.fromkeys([named] if named else [*([last.api] if last else []), default]))
    api = next((each for each in tried if is_answering(each)), None)
    if api is None:
        if named:
            yield missing("server", f"none answers at {named}, which PREFECT_API_URL names. Start it, or unset it")
        else:
            where = " or ".join(tried)
            yield warning("server", f"none answers at {where}; daylong up starts one (`daylong run` needs none)")
        return
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        yield ok("server", f"Prefect {client.request('GET', '/admin/version').json()} at {api}")
        yield from _inspect_pool(client, api)
        yield from _inspect_deployments(client, api)
        yield from _inspect_runs(client)


def _inspect_pool(client: SyncPrefectClient, api: str) -> Iterator[Finding]:
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    from flows.serving.server import POOL

    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        yield missing("pool", f"there is no work pool {POOL}: daylong up makes it")
        return
    if pool.is_paused:
        yield warning(
            "pool", f"{POOL} is paused, no run starts: PREFECT_API_URL={api} prefect work-pool resume {POOL}"
        )
    else:
        yield ok("pool", f"{POOL}, of type {pool.type}")
    alive = [w.name for w in client.read_workers_for_work_pool(POOL) if w.status == WorkerStatus.ONLINE]
    if alive:
        yield ok("worker", ", ".join(alive))
    else:
        yield missing("worker", "none is alive, runs wait: daylong up starts one")


def _inspect_deployments(client: SyncPrefectClient, api: str) -> Iterator[Finding]:
    from flows.serving.deployments import read_wanted

    deployed = {f"{d.name}": d for d in client.read_deployments(limit=200)}
    for each in read_wanted():
        name = each["name"]
        found = deployed.get(name)
        if found is None:
            yield missing("deployment", f"{name} is not on the server: daylong up puts it there")
        elif found.paused:
            yield warning("deployment", f"{name} is paused: switch it on in the UI, or {RESET}")
        elif each.get("schedules") and not any(s.active for s in found.schedules):
            how = [
                f"PREFECT_API_URL={api} prefect deployment schedule resume {name}/{name} {s.id}"
                for s in found.schedules[:1]
            ]
            yield warning(
                "deployment",
                f"{name}: its schedule is {'off' if how else 'deleted'}; {'; or '.join([*how, RESET])}",
            )
        else:
            times = ", ".join(_format_schedule(s.schedule) for s in found.schedules)
            if times and not _has_planned_run(client, found.id):
                yield warning(
                    "deployment", f"{name}, scheduled ({times}), has no run ahead: is the server's scheduler well?"
                )
                continue
            yield ok("deployment", f"{name}, scheduled ({times})" if times else f"{name}, started by hand")


def _has_planned_run(client: SyncPrefectClient, deployment: UUID) -> bool:
    """Whether the deployment has a scheduled, pending or running run."""
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    planned = FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING])
    return bool(
        client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=planned)),
            limit=1,
        )
    )


def _format_schedule(schedule: object) -> str:
    """Format a schedule: its interval in seconds, or its cron expression."""
    interval = getattr(schedule, "interval", None)
    return f"every {interval.total_seconds():.0f} s" if interval else str(getattr(schedule, "cron", schedule))


def _inspect_runs(client: SyncPrefectClient) -> Iterator[Finding]:
    from flows.serving.crashed_runs import count_waiting_runs, is_process_gone, list_active_runs

    running = list_active_runs(client)
    dead = [run.name for run in running if is_process_gone(run)]
    if dead:
        yield warning("runs", f"{', '.join(dead)}: the process is gone; the next daylong up or run clears it")
    yield ok("runs", f"{len(running) - len(dead)} under way, {count_waiting_runs(client)} waiting")
