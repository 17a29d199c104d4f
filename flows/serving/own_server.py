"""The server that runs of this process are recorded on: the one that PREFECT_API_URL names, or one of our own.

Prefect would start one in this process's working directory, whose `prefect.toml` and `.env` it would obey, and wait
for it in vain for a minute where its database cannot be used.
"""

from __future__ import annotations

import atexit
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress

from flows.environment import API_URL, find_folder, find_named_server
from flows.serving.database import find_database_problem, locate_database
from flows.serving.managed_process import ManagedProcess
from flows.serving.server import is_answering, wait_for_server
from tasks.errors import DaylongError, MachineFault, UsageError
from tasks.settings.home import prefect_home
from tasks.storage import disk_space

LOOPBACK = "127.0.0.1"
STOP_S = 5.0
"""Seconds that the server may take to write what it has received, after SIGTERM."""
OF_OTHER_SERVERS = ("PREFECT_SERVER_API_", "PREFECT_SERVER_UI_", "PREFECT_UI_")
"""Variables on how the server of `daylong up` is reached (its password, its path); only this process reaches ours."""

SERVE = """
import os, signal, threading, time

def end_with_parent():
    while os.getppid() == {parent}:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_parent, daemon=True).start()

import uvicorn

uvicorn.run("prefect.server.api.server:create_app", factory=True, host="{host}", port={port}, log_level="error")
"""


def require_answer(api: str) -> None:
    """Raise UsageError unless a Prefect server answers at `api`, which PREFECT_API_URL names."""
    if not is_answering(api):
        raise UsageError(
            f"PREFECT_API_URL={api}: no Prefect server answers there. Start it, or unset it to have one started here."
        )


class RunServer:
    """The server for the runs of this process, started when it is first needed; it ends with the process."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._named = find_chosen_server(environment)
        self._process: ManagedProcess | None = None
        self._port = 0

    def check_named(self) -> None:
        """Check that the server that the environment names answers. Raises UsageError, MachineFault."""
        if self._named:
            require_answer(self._named)

    def check(self) -> None:
        """Check, without starting anything, that there is a server or can be one. Raises UsageError, MachineFault."""
        if self._named:
            require_answer(self._named)
        else:
            check_place(self._environment)

    def begin(self) -> bool:
        """Begin to start our own server, unless one is named or ours is alive, and name it for Prefect's client;
        return whether that was done.

        Raises UsageError, MachineFault where it cannot start.
        """
        if self._named or (self._process is not None and self._process.is_alive):
            return False
        check_place(self._environment)
        self._port = port = self._port or find_free_port()  # Prefect's client keeps the first one
        environment = build_environment(self._environment, port)
        self._process = ManagedProcess(
            "server",
            build_command(port),
            environment,
            lambda line: print(line, file=sys.stderr),
            folder=str(find_folder(environment)),
        )
        atexit.register(_stop, self._process)
        # No page of a UI shows these runs: Prefect would log its address.
        ours = {API_URL: environment[API_URL], "PREFECT_UI_URL": ""}
        self._environment.update(ours | _bypass_proxies(self._environment))
        if "prefect.context" in sys.modules:  # loaded for its logging
            from prefect.context import refresh_global_settings_context

            refresh_global_settings_context()
        return True

    def wait(self) -> None:
        """Wait until our own server answers. Raises MachineFault with what it said last."""
        server = self._process
        if server is None:
            return
        try:
            wait_for_server(self._environment[API_URL], lambda: server.is_alive)
        except DaylongError as error:
            if not server.is_alive:
                server.read_rest()
            reason = find_reason(list(server.last))
            because = f" ({reason})" if reason else ""
            raise MachineFault(f"{str(error).rstrip('.')}{because}. daylong doctor looks at its database") from None


def find_reason(lines: Iterable[str]) -> str:
    """Find the line of a server's last ones that says why it ended: the last error's, else the last one.

    >>> find_reason(["Traceback:", "  File", "OSError: [Errno 111] refused", "", "12:00 | ERROR | startup failed."])
    'OSError: [Errno 111] refused'
    """
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if re.match(r"[\w.]+(Error|Exception|Refused)\b.*:", line)]
    return (errors or told or [""])[-1][:300].rstrip(".")


def find_chosen_server(environment: Mapping[str, str]) -> str | None:
    """The API of the server that the environment names, or settings of Prefect's that the calling program entered.

    None where ours is to be started.
    """
    if (named := find_named_server(environment)) or "prefect.context" not in sys.modules:
        return named
    from prefect import context

    entered = context.SettingsContext.get()
    if entered is None or entered is context.GLOBAL_SETTINGS_CONTEXT:  # of the process: profiles, files
        return None
    return entered.settings.api.url or None


def check_place(environment: Mapping[str, str]) -> None:
    """Make Prefect's folder, and check its database. Raises UsageError, MachineFault."""
    _make_folder(environment)
    if (file := locate_database(environment)) and (problem := find_database_problem(file)):
        raise MachineFault(problem)


def find_free_port() -> int:
    """Find a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def build_command(port: int) -> list[str]:
    """Build the command that starts a server for this process's runs, and ends it when this process is gone."""
    return [sys.executable, "-P", "-c", SERVE.format(parent=os.getpid(), host=LOOPBACK, port=port)]


def build_environment(given: Mapping[str, str], port: int) -> dict[str, str]:
    """Build the environment of our own server: `given`, without what concerns other servers."""
    kept = {name: value for name, value in given.items() if not name.startswith(OF_OTHER_SERVERS)}
    return kept | {
        API_URL: f"http://{LOOPBACK}:{port}/api",
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",  # without the services that schedule and notify
        "PREFECT__SERVER_FINAL": "1",
    }


def _make_folder(environment: Mapping[str, str]) -> None:
    place = find_folder(environment)
    setting = "DAYLONG_HOME" if place == prefect_home() else "PREFECT_HOME"
    disk_space.check_writable(**{setting: place})
    place.mkdir(parents=True, exist_ok=True)


def _bypass_proxies(given: Mapping[str, str]) -> dict[str, str]:
    """Name the loopback interface as one that no proxy stands before."""
    names = [name for name in ("NO_PROXY", "no_proxy") if given.get(name)] or ["NO_PROXY"]
    return {name: ",".join(filter(None, (given.get(name), LOOPBACK))) for name in names}


def _stop(server: ManagedProcess) -> None:
    process = server.process
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
