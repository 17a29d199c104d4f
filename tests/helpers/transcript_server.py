"""The server of `daylong serve` within the tests' process: its routes on a real port, the real flow and engines."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from flows.http import work
from flows.http.app import Hosting, create_app, make_service
from flows.http.errors import ApiError
from flows.http.front import Front
from flows.http.fronts import name_folder
from flows.http.handover import take_over
from flows.http.jobs import JobFolder
from flows.http.receiving import receive_request
from flows.http.serve import listen, make_server
from flows.http.tally import SharedTally
from flows.http.uploads import Room
from flows.http.worker_errors import describe_error
from tasks.engines.shared_socket import listen as listen_for_fronts
from tasks.settings.load import load
from tasks.settings.schema import ServeSettings
from tests.helpers.waiting import wait_until

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


class WorkerHere:
    """Does what the worker's process does, in threads of this one, where the engines are loaded already."""

    is_up, is_idle, last_used = True, False, time.monotonic()

    def __init__(self) -> None:
        self.runs = 0

    async def request(
        self, operation: str, on_progress: Callable[[dict[str, Any]], None] = lambda _: None, **arguments: Any
    ) -> dict[str, Any]:
        self.runs += operation == "run"
        loop = asyncio.get_running_loop()

        def report(state: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(on_progress, state)

        try:
            return await asyncio.to_thread(work.OPERATIONS[operation], report, **arguments)
        except Exception as error:
            raise ApiError(**describe_error(error, Path(arguments.get("source") or "/"))) from error

    async def stop(self) -> None:
        pass


class RunningServer:
    """A server that runs: its address, and the worker behind it. `urls`: those of its fronts, or its own."""

    def __init__(self, urls: list[str], worker: WorkerHere, folder: Path) -> None:
        self.url, self.urls, self.worker, self.folder = urls[0], urls, worker, folder

    def list_uploads(self) -> list[Path]:
        """List what is left of uploads, known speakers' voices apart."""
        found = [f for f in self.folder.rglob("*") if f.is_file()]
        return [f for f in found if f.name != "job.json" and f.parent.name != "known"]


@contextmanager
def run_server(
    folder: Path, keys: dict[str, str] | None = None, *, fronts: int = 0, **settings: Any
) -> Iterator[RunningServer]:
    """Run a server with these settings of `serve.*` until the block ends; by fronts, each at a port of its own."""
    chosen = load({"serve": settings}).serve
    worker = WorkerHere()
    models = work.check(lambda _: None, parameters={})["models"]
    with ExitStack() as held:
        listeners = [held.enter_context(_listen(chosen)) for _ in range(fronts or 1)]
        place = Path(held.enter_context(TemporaryDirectory()))
        counted = held.enter_context(TemporaryFile())

        def make_room(at: int, uploads: Path) -> Room:
            room = Room(uploads, round(chosen.max_upload_gb * 1e9), round(chosen.uploads_gb * 1e9), folder)
            if fronts:
                room.tally = SharedTally(counted.fileno(), at, fronts + 1)
            return room

        room, receive = make_room(fronts, folder / "uploads"), take_over if fronts else receive_request
        service = make_service(chosen, room, JobFolder(folder / "jobs"), worker, SECRET, models, receive)  # type: ignore[arg-type]
        board = create_app(service, Hosting(chosen, keys or {}))
        if fronts:
            address = place / "board.sock"
            held.enter_context(_run(board, listen_for_fronts(address)))
            for at, listener in enumerate(listeners):
                front = Front(chosen, keys or {}, make_room(at, name_folder(room.folder, at)), str(address))
                held.enter_context(_run(front, listener, lifespan="off"))
        else:
            held.enter_context(_run(board, listeners[0]))
        yield RunningServer([f"http://127.0.0.1:{each.getsockname()[1]}" for each in listeners], worker, folder)


def _listen(settings: ServeSettings) -> socket.socket:
    return listen(settings.model_copy(update={"port": 0}))


@contextmanager
def _run(app: Any, listener: socket.socket, **more: Any) -> Iterator[None]:
    """Run an application in a thread until the block ends."""
    server = make_server(app, timeout_graceful_shutdown=1, **more)
    # In a copy of this context: the tests' Prefect server is named in it.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(server.run, [listener]), daemon=True)
    thread.start()
    wait_until(lambda: server.started, 30)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)
