"""Start the server: refuse wrong settings before anything listens, then serve until a signal."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.http.ending import AnswerAtEnd, quiet_server_log
from flows.http.errors import ApiError
from flows.http.front import KEPT_OPEN_S
from flows.http.fronts import Fronts, Together
from flows.http.handover import take_over
from flows.http.jobs import JobFolder
from flows.http.keys import is_loopback, read_keys, resolve_keys_file
from flows.http.receiving import receive_request
from flows.http.service import ReceiveRequest
from flows.http.uploads import Room
from flows.http.webhooks import find_secret
from flows.http.worker import COMMAND, Worker, WorkerDied
from tasks.errors import MachineFault, UsageError
from tasks.settings.home import serve as serve_folder
from tasks.settings.schema import ServeSettings

if TYPE_CHECKING:
    from uvicorn import Server

GB = 1_000_000_000
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5
"""Seconds that open connections may take at the end."""


def check_address(settings: ServeSettings) -> dict[str, str]:
    """Check that keys go with the address; return them. Raises UsageError."""
    file = resolve_keys_file(settings)
    if file is None and not is_loopback(settings.host):
        raise UsageError(
            f"serve.host = {settings.host}: other machines reach it, and no key is asked for. Set serve.api_keys, "
            "or leave the host away."
        )
    return read_keys(file) if file is not None else {}


def listen(settings: ServeSettings) -> socket.socket:
    """Listen at the settings' address. Raises UsageError where that is not possible."""
    try:
        kind, *_, where = socket.getaddrinfo(settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(kind, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{settings.host}:{settings.port}: no server can listen there ({reason}). Another port: "
            f"daylong serve --port {settings.port + 1}"
        ) from None
    return listener


def make_private_folder(folder: Path) -> Path:
    """Make the folder of uploads and secrets, which its owner alone may look into; tables are the group's, too."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


async def serve(
    settings: ServeSettings,
    on_ready: Callable[[Sequence[str], Path], None],
    *,
    command: tuple[str, ...] = COMMAND,
) -> signal.Signals:
    """Serve until a signal of `STOPPING`, and return it. `on_ready` is called with the models and the worker's log.

    Raises UsageError, MachineFault where the settings can't be worked with here.
    """
    keys = check_address(settings)
    listener = listen(settings)
    folder = make_private_folder(serve_folder())
    with ExitStack() as held:
        together = held.enter_context(Together.open(settings.workers, folder)) if settings.workers > 1 else None
        return await _serve(settings, keys, listener, folder, together, on_ready, command)


async def _serve(
    settings: ServeSettings,
    keys: dict[str, str],
    listener: socket.socket,
    folder: Path,
    together: Together | None,
    on_ready: Callable[[Sequence[str], Path], None],
    command: tuple[str, ...],
) -> signal.Signals:
    """Serve at an address that is listened on already; by fronts, where there is what they have `together`."""
    from flows.http.app import Hosting, create_app, make_service

    uploads = folder / "uploads"
    shutil.rmtree(uploads, ignore_errors=True)  # of connections that ended with the server before
    worker = Worker(folder / "worker.log", command)
    try:
        models = (await worker.request("check", parameters={}))["models"]
    except ApiError as error:
        await worker.stop()
        raise (UsageError if error.status == 400 else MachineFault)(error.message) from None
    except WorkerDied:
        raise MachineFault(
            f"the process that works on recordings ended at once; {folder / 'worker.log'} says more."
        ) from None
    # Jobs hold uploads, too, until they are finished: both are within the quota.
    room = Room(uploads, round(settings.max_upload_gb * GB), round(settings.uploads_gb * GB), folder)
    secret = find_secret(folder / "webhook-secret")
    receive: ReceiveRequest = receive_request
    if together is not None:
        room.tally, receive = together.tally, take_over
    service = make_service(settings, room, JobFolder(folder / "jobs"), worker, secret, models, receive)
    app, received = create_app(service, Hosting(settings, keys)), [signal.SIGTERM]
    fronts = None if together is None else together.make_fronts(settings, keys, room, listener, GRACE_S)
    # Of what fronts pass on, they have judged already whether it came by a proxy.
    behind = {"date_header": False, "forwarded_allow_ips": "*", "timeout_keep_alive": 2 * KEPT_OPEN_S}
    server = make_server(app, **({} if fronts is None else behind))

    def stop(number: signal.Signals) -> None:
        received[0] = number
        if fronts is None:
            server.handle_exit(number, None)
        elif fronts.is_stopping:
            fronts.kill()
        else:
            fronts.stop()

    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop, number)
    if fronts is None or together is None:
        on_ready(models, folder / "worker.log")
        await server.serve(sockets=[listener])
    else:
        await _serve_by_fronts(server, together.listener, fronts, lambda: on_ready(models, folder / "worker.log"))
    return received[0]


async def _serve_by_fronts(
    server: Server, address: socket.socket, fronts: Fronts, on_ready: Callable[[], None]
) -> None:
    """Answer the fronts until they have ended. Raises as `Fronts.run`."""
    serving = asyncio.create_task(server.serve(sockets=[address]))
    keeping = asyncio.create_task(fronts.run(on_ready))
    try:
        await asyncio.wait({serving, keeping}, return_when=asyncio.FIRST_COMPLETED)
        fronts.stop()
        await keeping
    finally:
        server.config.timeout_graceful_shutdown = 0  # nobody is left to be answered
        server.should_exit = True
        await serving


def make_server(app: Any, **more: Any) -> Server:
    """Make the server of an application, which no signal ends by itself. `more`: of uvicorn's settings."""
    import uvicorn

    settings = {"log_config": None, "access_log": False, "server_header": False, "lifespan": "on"}
    config = uvicorn.Config(AnswerAtEnd(app), **{**settings, "timeout_graceful_shutdown": GRACE_S, **more})
    quiet_server_log()
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment]  # it would raise the signal once more at the end
    return server


def run(settings: ServeSettings, on_ready: Callable[[Sequence[str], Path], None]) -> signal.Signals:
    """Serve in an event loop of its own, and return the signal that ended it. Raises as `serve`."""
    return asyncio.run(serve(settings, on_ready))
