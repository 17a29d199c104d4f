"""Start, watch and end Prefect's server and a worker together."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

from flows.serving.deployments import deploy, reset_deployments
from flows.serving.managed_process import ManagedProcess, adopt_orphans, reap
from flows.serving.own_server import find_reason
from flows.serving.server import (
    Address,
    build_environment,
    build_server_command,
    build_worker_command,
    create_pool,
    wait_for_server,
)
from tasks.errors import DaylongError
from tasks.process_tree import find_descendants, terminate

MAX_RESTARTS = 3
"""How often within an hour a worker that died is started again, before giving up."""
HOUR_S = 3600.0
GRACE_S = 3.0
"""Time for processes to end after SIGTERM, in seconds."""
LOOK_INTERVAL_S = 15.0
"""Time between searches for runs whose process is gone, in seconds."""

LineHandler = Callable[[str, str], None]
"""Called with each line of output and its source: up, server, worker or serve."""


class Interrupted(Exception):
    """A signal arrived during the start."""


class StopSignal:
    """Signal handler that records the first signal and wakes `wait`."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait up to so many seconds for a signal; return whether one has arrived."""
        return self._event.wait(seconds)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        self._event.set()


class Supervisor:
    """Runs the server and the worker, from their start to their end."""

    def __init__(
        self,
        stop: StopSignal,
        on_line: LineHandler,
        on_ready: Callable[[str], None],
        *,
        reset: bool = False,
        on_server: Callable[[int], None] = lambda _: None,
        serve_command: Sequence[str] = (),
    ) -> None:
        """`on_ready` is called with the server's URL once server, deployments and worker have been started,
        `on_server` with the id of the server's process. `reset`: put the deployments on the server as prefect.yaml
        has them, whatever was set there. `serve_command`: of the server of transcripts, to run beside them; or none.
        """
        self._stop = stop
        self._on_line = on_line
        self._on_ready = on_ready
        self._reset = reset
        self._on_server = on_server
        self._server: ManagedProcess | None = None
        self._worker: ManagedProcess | None = None
        self._serve_command = serve_command
        self._serving: ManagedProcess | None = None
        self._deaths: dict[str, list[float]] = {}
        self._started = self._last_look_s = time.monotonic()

    def run(self, where: Address | str) -> signal.Signals | None:
        """Run until a signal arrives; return it. Raises DaylongError if the server dies, or the worker too often.

        `where`: address of the server to start, or URL of the API of a running one.
        """
        adopt_orphans()
        api = where if isinstance(where, str) else where.api
        environment = build_environment(api)
        try:
            if isinstance(where, Address):
                self._start_server(where, environment)
            self._prepare(api, environment)
            self._worker = self._start_worker(environment)
            if self._serve_command:
                self._serving = self._start_serving(environment)
            self._on_ready(api.removesuffix("/api"))
            while not self._stop.wait(0.5):
                self._check_processes(environment)
                if time.monotonic() - self._last_look_s > LOOK_INTERVAL_S:
                    self._mark_crashed_runs(api, "its process is gone; marked as crashed. Run it again to go on.")
        except Interrupted:
            pass
        finally:
            self._terminate(api)
        return self._stop.signal

    def _start_server(self, address: Address, environment: dict[str, str]) -> None:
        self._note("Starting Prefect's server …")
        self._server = server = ManagedProcess(
            "server",
            build_server_command(address),
            environment,
            lambda line: self._on_line(line, "server"),
            folder=environment.get("PREFECT_HOME"),  # not ours, whose prefect.toml and .env Prefect would obey
        )

        self._on_server(server.process.pid)

        def is_starting() -> bool:
            if self._stop.signal:
                raise Interrupted
            return server.is_alive

        try:
            wait_for_server(address.api, is_starting)
        except DaylongError as error:
            if not server.is_alive:
                server.read_rest()
            reason = find_reason(list(server.last))
            because = f" ({reason})" if reason else ""
            raise DaylongError(
                f"{str(error).rstrip('.')}{because}. daylong doctor looks at its database; all that it said: "
                "daylong up --debug"
            ) from None

    def _prepare(self, api: str, environment: dict[str, str]) -> None:
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.serving.crashed_runs import free_slots

        self._mark_crashed_runs(api, "its process is gone; marked as crashed. Run it again to go on.")
        with temporary_settings({PREFECT_API_URL: api}):
            if self._server is not None:  # its own server: nobody else can be starting runs now
                with get_client(sync_client=True) as client:
                    free_slots(client)
            create_pool()
        self._note("Putting the deployments of prefect.yaml on it …")
        try:
            (reset_deployments if self._reset else deploy)(environment)
        except DaylongError:
            if not self._stop.signal:  # the terminal's Ctrl-C ended that command, too
                raise
        if self._stop.signal:
            raise Interrupted

    def _start_worker(self, environment: dict[str, str]) -> ManagedProcess:
        name = f"{socket.gethostname()}-{os.getpid()}"
        return ManagedProcess(
            "worker",
            build_worker_command(name),
            environment,
            lambda line: self._on_line(line, "worker"),
            folder=environment.get("PREFECT_HOME"),
        )

    def _start_serving(self, environment: dict[str, str]) -> ManagedProcess:
        return ManagedProcess("serve", self._serve_command, environment, lambda line: self._on_line(line, "serve"))

    def _check_processes(self, environment: dict[str, str]) -> None:
        assert self._worker is not None
        if self._server is not None and not self._server.is_alive:
            raise DaylongError("\n".join(["Prefect's server has died; it said last:", *self._server.last]))
        if not self._worker.is_alive:
            self._count_death("worker", self._worker)
            self._worker = self._start_worker(environment)
            self._last_look_s = -LOOK_INTERVAL_S  # its runs may have died with it
        if self._serving is not None and not self._serving.is_alive:
            self._count_death("server of transcripts", self._serving)
            self._serving = self._start_serving(environment)

    def _count_death(self, name: str, process: ManagedProcess) -> None:
        """Say that a process has died and is started again. Raises DaylongError where it has too often."""
        now = time.monotonic()
        deaths = self._deaths[name] = [t for t in self._deaths.get(name, []) if now - t < HOUR_S] + [now]
        if len(deaths) > MAX_RESTARTS:
            raise DaylongError("\n".join([f"the {name} has died {len(deaths)} times; it said last:", *process.last]))
        self._note(f"The {name} has died (status {process.process.returncode}); another one starts.")

    def _terminate(self, api: str) -> None:
        """End the runs first, while the server can still record their state; then all remaining processes."""
        server = self._server.process.pid if self._server else None
        terminate([pid for pid in reversed(find_descendants()) if pid != server], GRACE_S)
        if self._worker is not None and (self._server is None or self._server.is_alive):
            self._mark_crashed_runs(api, "stopped; run it again to go on where it was.")
        terminate(find_descendants(), GRACE_S)

    def _mark_crashed_runs(self, api: str, reason: str) -> None:
        """Mark runs as crashed whose process is gone: they hold their deployment's only slot and block all others.

        `reason`: reported with the name of each.
        """
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.serving.crashed_runs import SILENT_S, free_slots, mark_dead_runs, mark_silent_runs

        self._last_look_s = time.monotonic()
        reap({child.process.pid for child in (self._server, self._worker, self._serving) if child})
        try:
            with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
                for name in mark_dead_runs(client):
                    self._note(f"{name}: {reason}")
                if self._server is not None and time.monotonic() - self._started > SILENT_S + LOOK_INTERVAL_S:
                    for name in (silent := mark_silent_runs(client)):
                        self._note(f"{name}: nothing is heard of its process any more; marked as crashed.")
                    if silent:
                        free_slots(client)
        except Exception as error:  # the server or the connection failed; they are marked the next time
            self._note(f"Runs whose process is gone could not be looked for: {type(error).__name__}.")

    def _note(self, text: str) -> None:
        self._on_line(text, "up")
