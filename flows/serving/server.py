"""Start Prefect's server and a worker, each by Prefect's own command."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.request import getproxies

from tasks.errors import DaylongError, UsageError
from tasks.settings.home import home

POOL = "daylong"
START_LIMIT_S = 120.0
"""Time limit for the server's start, in seconds; with a new database it takes 13 s on an idle machine."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def web(self) -> str:
        """URL for a browser. A server that listens on all interfaces has the machine's name in it."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def api(self) -> str:
        """URL of the server's API."""
        return f"{self.web}/api"

    def check_free(self) -> None:
        """Raise UsageError if no server can listen there."""
        try:
            where = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(where[0], where[1]) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where[4])
        except (OSError, OverflowError) as error:
            if is_answering(self.api):
                raise UsageError(
                    f"port {self.port}: a Prefect server answers there already, of another `daylong up` perhaps. "
                    f"Use it: PREFECT_API_URL={self.api} daylong up. Or start a second one: daylong up --port "
                    f"{self.port + 1}"
                ) from error
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"{self.host}:{self.port}: no server can listen there ({reason}). Another port: daylong up --port "
                f"{self.port + 1}"
            ) from error


def is_answering(api: str) -> bool:
    """Whether a Prefect server answers at an API's URL, directly or through the proxy that the environment names."""
    return any(_ask(api, trust_env) for trust_env in ((False, True) if getproxies() else (False,)))


def _ask(api: str, trust_env: bool) -> bool:
    import httpx

    try:
        answer = httpx.get(f"{api.rstrip('/')}/health", timeout=5.0, trust_env=trust_env, verify=_verify_tls(api))
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.text.strip() == "true"


def _verify_tls(api: str) -> ssl.SSLContext | bool:
    """How Prefect's client verifies certificates, by its variables. Without TLS there are none, and none are read:
    that takes longer than the answer of a server, which is asked again and again while it starts."""
    if not api.lower().startswith("https:"):
        return False
    if os.environ.get("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "").lower() in ("1", "true", "yes", "on", "t", "y"):
        return False
    file = os.environ.get("PREFECT_API_SSL_CERT_FILE") or os.environ.get("SSL_CERT_FILE")
    return ssl.create_default_context(cafile=file) if file and os.path.isfile(file) else True


def build_server_command(address: Address) -> list[str]:
    """Build the command that starts the server."""
    return [*PREFECT, "server", "start", "--host", address.host, "--port", str(address.port)]


def build_worker_command(name: str) -> list[str]:
    """Build the command that starts a worker of our pool."""
    return [*PREFECT, "worker", "start", "--pool", POOL, "--type", "process", "--name", name,
            "--install-policy", "never"]  # fmt: skip


PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


def wait_for_server(api: str, is_alive: Callable[[], bool], limit_s: float = START_LIMIT_S) -> None:
    """Wait until the server answers. Raises DaylongError if `is_alive` turns False, or after `limit_s` seconds."""
    until = time.monotonic() + limit_s
    while not is_answering(api):
        if not is_alive():
            raise DaylongError("Prefect's server ended while it started.")
        if time.monotonic() > until:
            raise DaylongError(f"Prefect's server did not answer at {api} within {limit_s:.0f} s.")
        time.sleep(0.2)


def create_pool() -> None:
    """Create the work pool that prefect.yaml names, unless it exists."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(
                WorkPoolCreate(
                    name=POOL,
                    type=ProcessWorker.type,
                    description="Recordings, on the machines where `daylong up` runs.",
                    base_job_template=ProcessWorker.get_default_base_job_template(),
                )
            )
        except ObjectAlreadyExists:
            return


def build_environment(api: str) -> dict[str, str]:
    """Build the environment of server and worker: ours, with the URL of the server's API."""
    return os.environ | {
        "DAYLONG_HOME": str(home()),  # absolute: they work in Prefect's folder
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_UI_API_URL": api,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # The second UI asks a third party for its settings (sr-client-cfg.amplitude.com), analytics off or not.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }
