"""`daylong up`: Prefect's server with its UI, the deployments and a worker, in one command."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from flows.cli.children import descendants, end
from flows.cli.json_lines import as_json
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, plain, terminal
from flows.cli.told import STOPPED, told
from flows.serving.child import Child, adopt_orphans
from flows.serving.server import (
    Address,
    answers,
    await_answer,
    create_pool,
    deploy,
    environment_of,
    serve,
    work,
)
from tasks.errors import DaylongError, UsageError

EXAMPLES = """Examples:

daylong up

daylong up --port 4300

PREFECT_API_URL=http://server:4200/api daylong up     a worker more for a server that runs elsewhere
"""

AGAIN = 3
"""A worker that dies is started again so often within the hour; then something is wrong with this machine."""
HOUR_S = 3600.0
GRACE_S = 3.0


def up(
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Where the server listens. [127.0.0.1: this machine alone]")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", min=1, max=65_535, help="Its port. [4200]")] = None,
    debug: Debug = False,
) -> None:
    """Start Prefect's server with its UI, put the deployments on it, and a worker beside it; Ctrl-C stops it all.

    With PREFECT_API_URL set, the server is there already: only the deployments and a worker are added.
    """
    screen = terminal(debug)
    with told(screen), _stopping() as stop:
        import flows  # noqa: F401  # sets what we need of Prefect, before it is imported
        from tasks.configuration import load

        # Wrong settings are refused before anything is started.
        stopped = Up(screen, stop, load().logging.format).run(_address(host, port))
    if stopped is not None:
        screen.note(f"{STOPPED[stopped][0]} The server, the worker and their runs have ended.")
        raise typer.Exit(STOPPED[stopped][1])


def _address(host: str | None, port: int | None) -> Address | str:
    """Where to start a server, or the API of one that is there. Raises UsageError where neither goes."""
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_HOST, PREFECT_SERVER_API_PORT

    api = PREFECT_API_URL.value()
    if api:
        if host or port:
            raise UsageError(
                f"PREFECT_API_URL={plain(api)} names a server that is there: leave --host and --port away."
            )
        if not answers(api):
            raise UsageError(
                f"PREFECT_API_URL={plain(api)}: no Prefect server answers there. Start it, or unset it (and `prefect "
                "config unset PREFECT_API_URL`) to have one started here."
            )
        return str(api)
    address = Address(host or str(PREFECT_SERVER_API_HOST.value()), port or int(PREFECT_SERVER_API_PORT.value()))
    address.check_free()
    return address


class Up:
    """The server and the worker, from their start to their end."""

    def __init__(self, screen: Terminal, stop: Stop, format: str = "text") -> None:
        self._screen = screen
        self._json = format == "json"
        self._stop = stop
        self._server: Child | None = None
        self._worker: Child | None = None
        self._deaths: list[float] = []

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
            self._tell(api.removesuffix("/api"))
            while not self._stop.wait(0.5):
                self._watch(environment)
        except Interrupted:
            pass
        finally:
            self._end(api)
        return self._stop.signal

    def _serve(self, address: Address, environment: dict[str, str]) -> None:
        self._note("Starting Prefect's server …")
        self._server = server = Child("server", serve(address), environment, self._heard_of_server)

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

        from flows.serving.alive import mark_dead

        with temporary_settings({PREFECT_API_URL: api}):
            with get_client(sync_client=True) as client:
                for name in mark_dead(client):
                    self._note(f"{plain(name)}: its process is gone; marked as crashed. Run it again to go on.")
            create_pool()
        self._note("Putting the deployments of prefect.yaml on it …")
        deploy(environment)
        if self._stop.signal:
            raise Interrupted

    def _work(self, environment: dict[str, str]) -> Child:
        name = f"{socket.gethostname()}-{os.getpid()}"
        return Child("worker", work(name), environment, self._heard_of_worker)

    def _tell(self, web: str) -> None:
        from flows.intake import inbox_of
        from tasks.configuration import load

        inbox = inbox_of(load())
        say = self._note if self._json else self._screen.say
        say("")
        say(f"Prefect's UI    {web}")
        say(f"A folder        {plain(inbox)}: what is put there is processed, every minute")
        say(f"One recording   {web}/deployments  → process-recording → Run → Custom run; or: daylong run FILE")
        say("Is all well?    daylong doctor")
        say("Stop it all     Ctrl-C")
        say("")

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

    def _end(self, api: str) -> None:
        """The runs first, while the server can still hear how they ended; then all that is left."""
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.serving.alive import mark_dead

        server = self._server.process.pid if self._server else None
        end([pid for pid in reversed(descendants()) if pid != server], GRACE_S)
        if self._worker is not None and (self._server is None or self._server.is_alive):
            try:
                with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
                    for name in mark_dead(client):
                        self._note(f"{plain(name)}: stopped; run it again to go on where it was.")
            except Exception as error:  # it is marked at the next start
                self._note(f"The runs that were stopped could not be marked: {type(error).__name__}.")
        end(descendants(), GRACE_S)

    def _heard_of_server(self, line: str) -> None:
        if self._screen.debug or self._json:
            self._pass_on(line, "server")

    def _heard_of_worker(self, line: str) -> None:
        self._pass_on(line, "worker")

    def _pass_on(self, line: str, logger: str) -> None:
        self._screen.note(as_json(line, logger) if self._json else plain(line))

    def _note(self, text: str) -> None:
        self._pass_on(text, "daylong.up")


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


@contextmanager
def _stopping() -> Iterator[Stop]:
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in STOPPED}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
