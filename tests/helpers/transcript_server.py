"""The server of `daylong serve` within the tests' process: its routes on a real port, the real flow and engines."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from flows.http import work
from flows.http.app import Hosting, create_app, make_service
from flows.http.errors import ApiError
from flows.http.jobs import JobFolder
from flows.http.serve import listen
from flows.http.uploads import Room
from flows.http.worker_errors import describe_error
from tasks.settings.load import load
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
    """A server that runs: its address, and the worker behind it."""

    def __init__(self, url: str, worker: WorkerHere, folder: Path) -> None:
        self.url, self.worker, self.folder = url, worker, folder

    def list_uploads(self) -> list[Path]:
        """List what is left of uploads, known speakers' voices apart."""
        found = [f for f in self.folder.rglob("*") if f.is_file()]
        return [f for f in found if f.name != "job.json" and f.parent.name != "known"]


@contextmanager
def run_server(folder: Path, keys: dict[str, str] | None = None, **settings: Any) -> Iterator[RunningServer]:
    """Run a server with these settings of `serve.*` until the block ends."""
    chosen = load({"serve": settings}).serve
    with listen(chosen.model_copy(update={"port": 0})) as listener:
        worker = WorkerHere()
        room = Room(folder / "uploads", round(chosen.max_upload_gb * 1e9), round(chosen.uploads_gb * 1e9), folder)
        models = work.check(lambda _: None, parameters={})["models"]
        service = make_service(chosen, room, JobFolder(folder / "jobs"), worker, SECRET, models)  # type: ignore[arg-type]
        config = uvicorn.Config(
            create_app(service, Hosting(chosen, keys or {})), log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextmanager(lambda: iter([None]))  # type: ignore[method-assign]
        # In a copy of this context: the tests' Prefect server is named in it.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(server.run, [listener]), daemon=True)
        thread.start()
        wait_until(lambda: server.started, 30)
        try:
            yield RunningServer(f"http://127.0.0.1:{listener.getsockname()[1]}", worker, folder)
        finally:
            server.should_exit = True
            thread.join(30)
