"""The process of a front: it reads its orders from stdin, prints a line when it answers, and ends with stdin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class Orders:
    """What a front is begun with. Descriptors are of files that it inherits."""

    settings: str
    """`serve.*`, as JSON."""
    address: str
    """Path of the board's socket."""
    folder: str
    """Of this front's uploads."""
    counted: str
    """Folder whose files the quota is for."""
    max_bytes: int
    quota_bytes: int
    listener: int
    tally: int
    place: int
    """Of this front among all who count."""
    places: int
    grace_s: int
    """Seconds that open connections may take at the end."""
    keys: dict[str, str] = field(default_factory=dict)

    def write(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


async def serve_front(orders: Orders) -> None:
    """Answer until a signal, or until stdin is closed."""
    import uvicorn

    from flows.http.ending import AnswerAtEnd, quiet_server_log
    from flows.http.front import Front
    from flows.http.tally import SharedTally
    from flows.http.uploads import Room
    from tasks.settings.schema import ServeSettings

    room = Room(
        Path(orders.folder),
        orders.max_bytes,
        orders.quota_bytes,
        Path(orders.counted),
        SharedTally(orders.tally, orders.place, orders.places),
    )
    settings = ServeSettings.model_validate_json(orders.settings)
    config = uvicorn.Config(
        AnswerAtEnd(Front(settings, orders.keys, room, orders.address)),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=orders.grace_s,
        lifespan="off",
        ws="none",
    )
    quiet_server_log()
    server, loop = uvicorn.Server(config), asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True

    def watch_stdin() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            end()

    stdin = sys.stdin.fileno()
    loop.add_reader(stdin, watch_stdin)
    server.capture_signals = nullcontext  # type: ignore[assignment]  # it would raise the signal once more
    loop.add_signal_handler(signal.SIGTERM, end)
    serving = asyncio.create_task(server.serve([socket.socket(fileno=orders.listener)]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await serving


def main() -> None:
    """Read the orders, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it decides
    if line := sys.stdin.buffer.readline():  # none where the server has ended meanwhile
        asyncio.run(serve_front(Orders(**json.loads(line))))


if __name__ == "__main__":
    main()
