"""Servers on one database, and databases of another Prefect."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from flows.serving.database import find_database_problem
from flows.serving.database_claim import claim_database
from flows.serving.deployments import choose_update
from tests.operators.case import Case

CODE = {"entrypoint": "flows.prune_cache.prune_cache", "path": None, "version": "2", "pull_steps": []}
SET = {"parameters": {"older_than_days": 365}, "paused": True, "schedules": [{"active": False}]}


def start_twice(folder: Path) -> str:
    environment = {"PREFECT_HOME": str(folder)}
    with claim_database(environment, "http://127.0.0.1:4200/api") as claim:
        claim.note_server(os.getpid())
        with claim_database(environment, "http://127.0.0.1:4300/api"):
            return "two servers on one database"


def open_upgraded(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "prefect.db")) as opened, opened:
        opened.execute("create table alembic_version (version_num varchar(32))")
        opened.execute("insert into alembic_version values ('ffffffffffff')")
    return str(find_database_problem(folder / "prefect.db"))


def start_again(_: Path) -> str:
    schema = {"properties": {"older_than_days": {}}}
    known = {**CODE, **SET, "version": "1", "parameter_openapi_schema": schema}
    return f"updated: {sorted(choose_update(known, {**CODE, 'parameter_openapi_schema': schema}))}"


CASES = (
    Case(
        "serving", "a second `daylong up` on one home", "serves it already, at http://127.0.0.1:4200/api", start_twice
    ),
    Case("serving", "a database that a later Prefect upgraded", "made by another version of Prefect", open_upgraded),
    Case("serving", "another start, with settings made in the UI", "updated: ['version']", start_again),
)
