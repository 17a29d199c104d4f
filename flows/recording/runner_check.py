"""Refuse a runner that can't work, before any work: its package is missing, or nobody answers at its address."""

from __future__ import annotations

from importlib.util import find_spec

from tasks.errors import UsageError
from tasks.settings.schema import Settings

INSTALL = "pip install 'daylong[dask]'"
PACKAGES = ("distributed", "prefect_dask")
CONNECT_S = 10.0


def check_runner(settings: Settings) -> None:
    """Raise UsageError where the runner's package is missing, no scheduler answers at its address, or it has no
    workers."""
    if settings.runner != "dask":
        return
    if absent := [name for name in PACKAGES if find_spec(name) is None]:
        raise UsageError(f"runner = dask: {' and '.join(absent)} is not installed. Install it with: {INSTALL}")
    if settings.runner_address is not None and not count_workers(settings.runner_address):
        given = f"runner_address = {settings.runner_address}"
        raise UsageError(f"{given}: the cluster has no workers. Start some: dask worker {settings.runner_address}")


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
