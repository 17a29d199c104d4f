"""A server's board behind a Unix socket, as fronts ask it, with a worker that follows a script; no engines."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from flows.http.app import Hosting, create_app, make_service
from flows.http.front import Front
from flows.http.fronts import name_folder
from flows.http.handover import take_over
from flows.http.jobs import JobFolder
from flows.http.serve import make_server
from flows.http.tally import SharedTally
from flows.http.uploads import Room
from tasks.engines.shared_socket import listen
from tasks.settings.schema import ServeSettings

OUTCOME = {"duration_s": 60.0, "recording_id": "talk-1", "run_id": "r", "out": "/out", "status": "complete"}
SECRET = "whsec_eA=="


@dataclass
class ScriptedWorker:
    """Looks at every file as a minute's recording, and finishes it when `finish` is set."""

    finish: asyncio.Event = field(default_factory=asyncio.Event)
    runs: list[str] = field(default_factory=list)
    is_up = is_idle = True
    last_used = 0.0

    async def request(self, operation: str, _progress: Any = None, **arguments: Any) -> dict[str, Any]:
        if operation == "run":
            self.runs.append(Path(arguments["source"]).read_bytes().decode())
            await self.finish.wait()
            return OUTCOME
        if operation == "render":
            Path(arguments["target"]).write_text(f"a body of {arguments['shape_']['format']}")
            return {"replaced": False}
        return {"models": ["demo"], "duration_s": 60.0, "sha256": "s"}

    async def stop(self) -> None:
        self.finish.set()


@dataclass
class Fronted:
    """Fronts within this process, each asked by itself."""

    fronts: list[httpx.AsyncClient]
    worker: ScriptedWorker
    folder: Path
    applications: list[Front]
    end_board: Callable[[], None]
    count_requests: Callable[[], int]
    """How many the board is answering."""

    def list_files(self) -> list[str]:
        """List what lies on the disk, but for jobs' descriptions."""
        return [f.name for f in self.folder.rglob("*") if f.is_file() and f.name != "job.json"]


@asynccontextmanager
async def run_fronts(
    folder: Path, keys: dict[str, str] | None = None, *, quota_bytes: int = 1_000_000, **settings: Any
) -> AsyncIterator[Fronted]:
    """Run a board and two fronts in this event loop until the block ends."""
    chosen = ServeSettings(**settings)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile() as file:
        address = Path(place) / "board.sock"
        rooms = [
            Room(where, quota_bytes, quota_bytes, folder, SharedTally(file.fileno(), at, 3))
            for at, where in enumerate([*(name_folder(folder / "uploads", i) for i in range(2)), folder / "uploads"])
        ]
        worker = ScriptedWorker()
        service = make_service(
            chosen, rooms[2], JobFolder(folder / "jobs"), worker, SECRET, ["demo"], take_over  # type: ignore[arg-type]
        )  # fmt: skip
        server = make_server(create_app(service, Hosting(chosen, keys or {})), timeout_graceful_shutdown=1)
        listener = listen(address)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        applications = [Front(chosen, keys or {}, room, str(address)) for room in rooms[:2]]
        clients = [
            httpx.AsyncClient(transport=httpx.ASGITransport(each), base_url="http://127.0.0.1:8000")
            for each in applications
        ]

        def end_board() -> None:
            server.should_exit = True

        try:
            yield Fronted(clients, worker, folder, applications, end_board, lambda: len(server.server_state.tasks))
        finally:
            end_board()
            for client in clients:
                await client.aclose()
            await serving
