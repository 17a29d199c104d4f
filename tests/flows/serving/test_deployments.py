"""Which fields of a deployment a start updates: its code, never what operators set."""

from __future__ import annotations

import importlib
from typing import Any

from flows.serving.deployments import choose_update, read_wanted

SCHEMA = {"type": "object", "properties": {"days": {"type": "integer"}, "size": {"type": "number"}}}
CODE: dict[str, Any] = {
    "entrypoint": "flows.prune_cache.prune_cache",
    "path": None,
    "version": "2",
    "pull_steps": [],
    "parameter_openapi_schema": SCHEMA,
}
SET: dict[str, Any] = {
    "parameters": {"days": 365},
    "paused": True,
    "schedules": [{"active": False}],
    "tags": ["ours"],
    "concurrency_limit": 3,
    "description": "In our words.",
    "work_queue_name": "night",
    "job_variables": {"env": {"A": "b"}},
}


def test_a_deployment_whose_code_is_there_is_left_alone() -> None:
    assert choose_update(CODE | SET, CODE) == {}


def test_only_the_code_that_has_changed_is_updated() -> None:
    before = {"entrypoint": "flows/prune.py:prune", "version": "1", "parameter_openapi_schema": {"properties": {}}}
    found = choose_update(CODE | SET | before, CODE)
    assert found == {name: CODE[name] for name in before}
    assert not set(found) & set(SET)


def test_parameters_that_the_flow_no_longer_takes_are_dropped_and_the_others_kept() -> None:
    known = CODE | SET | {"parameters": {"days": None, "old": 7}}
    assert choose_update(known, CODE) == {"parameters": {"days": None}}


def test_every_entrypoint_of_prefect_yaml_is_a_flow_of_its_deployments_name() -> None:
    for each in read_wanted():
        module, _, name = each["entrypoint"].rpartition(".")
        assert getattr(importlib.import_module(module), name).name == each["name"]
