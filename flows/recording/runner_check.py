"""Refuse a runner that can't work, before any work: its package is missing, or nobody answers at its address."""

from __future__ import annotations

import socket
from importlib.util import find_spec

from tasks.errors import UsageError
from tasks.settings.schema import Settings

PACKAGES = {"dask": ("distributed", "prefect_dask"), "ray": ("ray", "prefect_ray")}
"""What each runner of the extra of its name imports."""
CONNECT_S = 10.0


def check_runner(settings: Settings) -> None:
    """Raise UsageError where the runner's package is missing, nobody answers at its address, or it has no workers."""
    runner, address = settings.runner, settings.runner_address
    if absent := [name for name in PACKAGES.get(runner, ()) if find_spec(name) is None]:
        raise UsageError(
            f"runner = {runner}: {' and '.join(absent)} is not installed. Install it with: "
            f"pip install 'daylong[{runner}]'"
        )
    if runner == "dask" and address is not None and not count_workers(address):
        given = f"runner_address = {address}"
        raise UsageError(f"{given}: the cluster has no workers. Start some: dask worker {address}")
    if runner == "ray" and address not in (None, "auto"):
        check_ray_answers(address)


def count_workers(address: str) -> int:
    """Count the workers of a Dask cluster. Raises UsageError where no scheduler answers at `address`."""
    from distributed import Client

    try:
        with Client(address, timeout=CONNECT_S, set_as_default=False) as client:
            return len(client.nthreads())
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise UsageError(
            f"runner_address = {address}: no Dask scheduler answers there. Start it (dask scheduler), or leave "
            "runner_address out"
        ) from error


def check_ray_answers(address: str) -> None:
    """Raise UsageError where nobody listens at a Ray cluster's address: Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"runner_address = {address}: no Ray cluster answers there. Start it (ray start --head --port={port}), "
            "or leave runner_address out"
        ) from error
