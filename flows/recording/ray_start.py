"""Start Ray on this machine for one recording, or connect this process to a cluster."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.recording.cluster_workers import open_folder
from tasks.errors import UsageError

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
}
LOCAL = {
    # Of this machine and this user alone: whoever reaches Ray can run code.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on every system: servers listen on the loopback interface
    "RAY_AUTH_MODE": "token",
    "RAY_memory_monitor_refresh_ms": "0",  # it would end a process in the middle of a chunk
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers see the GPUs that this process sees
}
TOKEN = "RAY_AUTH_TOKEN"
STORE_BYTES = 80 * 2**20
"""Of shared memory, the least that Ray takes: what crosses are manifests."""


@contextmanager
def start_ray(address: str | None, processes: int) -> Iterator[None]:
    """Have Ray for the `with` block, unless this process has it already: of `processes` processors here, or that at
    `address`.

    Raises UsageError where this machine is no part of the cluster at `address`.
    """
    os.environ.update(QUIET)
    if address is None:
        os.environ.update({**LOCAL, TOKEN: os.environ.get(TOKEN) or secrets.token_hex(32)})
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray

    if ray.is_initialized():
        yield
        return
    with open_folder() as folder:
        given: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "namespace": "daylong"}
        if address is None:
            session = str(folder / "s")  # Ray lets all users into its own, and none comes through ours
            own = {
                "include_dashboard": False,
                "num_gpus": 0,
                "object_store_memory": STORE_BYTES,
                "_temp_dir": session,
            }
            given |= {"address": "local", "num_cpus": processes, **own}
        else:
            given["address"] = address
        try:
            with keep_signals():
                try:
                    ray.init(**given)
                except (ConnectionError, RuntimeError, ValueError) as error:
                    if address is None:
                        raise
                    raise UsageError(
                        f"runner_address = {address}: this machine is no part of a Ray cluster there. Have it join "
                        f"(ray start --address={address}), or leave runner_address out"
                    ) from error
            yield
        finally:
            ray.shutdown(wait_for_processes=True)


@contextmanager
def keep_signals() -> Iterator[None]:
    """Keep what SIGTERM does, which Ray replaces by the end of the process. One that came meanwhile is sent again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGTERM, before)
        signal.raise_signal(signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
