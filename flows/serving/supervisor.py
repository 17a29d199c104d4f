"""Prefect's server and a worker, started, watched and ended together."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

from flows.serving.managed_process import Child, adopt_orphans, reap
from flows.serving.server import Address, await_answer, create_pool, deploy, environment_of, serve, work
from tasks.errors import DaylongError
from tasks.process_tree import find_descendants, terminate

AGAIN = 3
"""A worker that dies is started again so often within the hour; then something is wrong with this machine."""
HOUR_S = 3600.0
GRACE_S = 3.0
LOOK_EVERY_S = 15.0
"""So often are runs looked for whose process is gone."""

Hear = Callable[[str, str], None]
"""Called with each line and who says it: up, server or worker."""


class Interrupted(Exception):
    """A signal came while something was being started."""


class Stop:
    """That a signal has come, and which."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        self._event.set()


class Everything:
    """The server and the worker, from their start to their end."""

    def __init__(self, stop: Stop, hear: Hear, ready: Callable[[str], None]) -> None:
        """`ready` is called with the server's address once all is there."""
        self._stop = stop
        self._hear = hear
        self._ready = ready
        self._server: Child | None = None
        self._worker: Child | None = None
        self._deaths: list[float] = []
        self._began = self._looked = time.monotonic()

    def run(self, where: Address | str) -> signal.Signals | None:
        """Until a signal comes, which is returned, or something dies. Raises DaylongError for that."""
        adopt_orphans()
        api = where if isinstance(where, str) else where.api
        environment = environment_of(api)
        try:
            if isinstance(where, Address):
                self._serve(where, environment)
            self._prepare(api, environment)
            self._worker = self._work(environment)
            self._ready(api.removesuffix("/api"))
            while not self._stop.wait(0.5):
                self._watch(environment)
                if time.monotonic() - self._looked > LOOK_EVERY_S:
                    self._bury(api, "its process is gone; marked as crashed. Run it again to go on.")
        except Interrupted:
            pass
        finally:
            self._end(api)
        return self._stop.signal

    def _serve(self, address: Address, environment: dict[str, str]) -> None:
        self._note("Starting Prefect's server …")
        self._server = server = Child("server", serve(address), environment, lambda line: self._hear(line, "server"))

        def goes_on() -> bool:
            if self._stop.signal:
                raise Interrupted
            return server.is_alive

        try:
            await_answer(address.api, goes_on)
        except DaylongError as error:
            raise DaylongError("\n".join([str(error), *server.last])) from None

    def _prepare(self, api: str, environment: dict[str, str]) -> None:
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.serving.crashed_runs import free_places

        self._bury(api, "its process is gone; marked as crashed. Run it again to go on.")
        with temporary_settings({PREFECT_API_URL: api}):
            if self._server is not None:  # nobody else has runs that it could be starting at this moment
                with get_client(sync_client=True) as client:
                    free_places(client)
            create_pool()
        self._note("Putting the deployments of prefect.yaml on it …")
        try:
            deploy(environment)
        except DaylongError:
            if not self._stop.signal:  # a terminal's Ctrl-C has reached it, too
                raise
        if self._stop.signal:
            raise Interrupted

    def _work(self, environment: dict[str, str]) -> Child:
        name = f"{socket.gethostname()}-{os.getpid()}"
        return Child("worker", work(name), environment, lambda line: self._hear(line, "worker"))

    def _watch(self, environment: dict[str, str]) -> None:
        assert self._worker is not None
        if self._server is not None and not self._server.is_alive:
            raise DaylongError("\n".join(["Prefect's server has died; it said last:", *self._server.last]))
        if self._worker.is_alive:
            return
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if now - t < HOUR_S] + [now]
        if len(self._deaths) > AGAIN:
            raise DaylongError(
                "\n".join([f"the worker has died {AGAIN + 1} times; it said last:", *self._worker.last])
            )
        self._note(f"The worker has died (status {self._worker.process.returncode}); another one starts.")
        self._worker = self._work(environment)
        self._looked = -LOOK_EVERY_S  # its runs may have died with it

    def _end(self, api: str) -> None:
        """The runs first, while the server can still hear how they ended; then all that is left."""
        server = self._server.process.pid if self._server else None
        terminate([pid for pid in reversed(find_descendants()) if pid != server], GRACE_S)
        if self._worker is not None and (self._server is None or self._server.is_alive):
            self._bury(api, "stopped; run it again to go on where it was.")
        terminate(find_descendants(), GRACE_S)

    def _bury(self, api: str, why: str) -> None:
        """Mark the runs whose process is gone: one that holds its deployment's only place keeps all others out."""
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.serving.crashed_runs import SILENT_S, free_places, mark_dead, mark_silent

        self._looked = time.monotonic()
        reap({child.process.pid for child in (self._server, self._worker) if child})
        try:
            with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
                for name in mark_dead(client):
                    self._note(f"{name}: {why}")
                if self._server is not None and time.monotonic() - self._began > SILENT_S + LOOK_EVERY_S:
                    for name in (silent := mark_silent(client)):
                        self._note(f"{name}: nothing is heard of its process any more; marked as crashed.")
                    if silent:
                        free_places(client)
        except Exception as error:  # of the server, or on the way there; they are marked the next time
            self._note(f"Runs whose process is gone could not be looked for: {type(error).__name__}.")

    def _note(self, text: str) -> None:
        self._hear(text, "up")
