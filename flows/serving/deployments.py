"""Put the deployments of prefect.yaml on a server: new ones as a whole, of those that are there the code alone.

`prefect deploy` replaces a deployment: parameters, schedules and the pause that somebody has set in the UI would be
undone at each start.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.serving.server import PREFECT
from tasks.errors import DaylongError
from tasks.settings.home import clone

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient


def find_prefect_file() -> Path:
    """The path of prefect.yaml."""
    return clone() / "prefect.yaml"


def read_wanted() -> list[dict[str, Any]]:
    """Read the deployments of prefect.yaml."""
    import yaml

    wanted: list[dict[str, Any]] = yaml.safe_load(find_prefect_file().read_text(encoding="utf-8"))["deployments"]
    return wanted


def deploy(environment: Mapping[str, str]) -> None:
    """Add the deployments of prefect.yaml that the server lacks, and update the code of the others.

    Their parameters, schedules, pause, tags, limits, pool and description stay as they are on the server, whose API
    `environment` names. Raises DaylongError.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    try:
        with (
            temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]}),
            get_client(sync_client=True) as client,
        ):
            lacking = [each["name"] for each in read_wanted() if not _update_code(client, each)]
    except DaylongError:
        raise
    except Exception as error:  # of the server, the connection, or prefect.yaml
        raise DaylongError(f"the deployments could not be put on the server: {error}") from error
    if lacking:
        _run_prefect_deploy(environment, [word for name in lacking for word in ("--name", name)])


def reset_deployments(environment: Mapping[str, str]) -> None:
    """Put all deployments of prefect.yaml on the server as they are there. Raises DaylongError."""
    _run_prefect_deploy(environment, ["--all"])


def choose_update(known: Mapping[str, Any], code: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the fields of a deployment to update; none where its code is as `code` says.

    `known`: its fields on the server, `parameters` among them; `code`: entrypoint, path, version, pull_steps and
    parameter_openapi_schema. Parameters that the flow no longer takes would fail its runs, and are dropped.

    >>> schema = {"properties": {"days": {}}}
    >>> choose_update({"parameters": {"days": 365, "old": 1}, "version": "1"}, {"parameter_openapi_schema": schema})
    {'parameter_openapi_schema': {'properties': {'days': {}}}, 'parameters': {'days': 365}}
    """
    changed = {name: value for name, value in code.items() if known.get(name) != value}
    taken = code["parameter_openapi_schema"].get("properties", {})
    kept = {name: value for name, value in known["parameters"].items() if name in taken}
    return changed | ({"parameters": kept} if kept != known["parameters"] else {})


def _update_code(client: SyncPrefectClient, wanted: Mapping[str, Any]) -> bool:
    """Update a deployment's code on the server; False where it isn't there."""
    from prefect.client.schemas.actions import DeploymentUpdate
    from prefect.exceptions import ObjectNotFound
    from prefect.flows import load_flow_from_entrypoint
    from prefect.utilities.callables import parameter_schema

    flow: Flow[..., Any] = load_flow_from_entrypoint(wanted["entrypoint"])
    try:
        known = client.read_deployment_by_name(f"{flow.name}/{wanted['name']}")
    except ObjectNotFound:
        return False
    code = {
        "entrypoint": wanted["entrypoint"],
        "path": None,
        "version": flow.version,
        "pull_steps": [],
        "parameter_openapi_schema": parameter_schema(flow).model_dump(exclude_unset=True, mode="json"),
    }
    if fields := choose_update(known.model_dump(mode="json"), code):
        client.update_deployment(known.id, DeploymentUpdate(**fields))
    return True


def _run_prefect_deploy(environment: Mapping[str, str], which: Sequence[str]) -> None:
    """Run `prefect deploy`, in any working directory. Raises DaylongError with its last output lines."""
    done = subprocess.run(
        [*PREFECT, "deploy", *which, "--prefect-file", str(find_prefect_file())],
        cwd=clone(),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise DaylongError("prefect deploy failed:\n" + "\n".join(done.stdout.strip().splitlines()[-15:]))
