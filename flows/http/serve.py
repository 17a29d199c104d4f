"""Start the server: refuse wrong settings before anything listens, then serve until a signal."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.http.errors import ApiError
from flows.http.jobs import JobFolder
from flows.http.keys import is_loopback, read_keys, resolve_keys_file
from flows.http.uploads import Room
from flows.http.webhooks import find_secret
from flows.http.worker import COMMAND, Worker, WorkerDied
from tasks.errors import MachineFault, UsageError
from tasks.settings.home import serve as serve_folder
from tasks.settings.schema import ServeSettings

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
    import uvicorn

    from flows.http.app import Hosting, create_app, make_service

    keys = check_address(settings)
    listener = listen(settings)
    folder = make_private_folder(serve_folder())
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
    service = make_service(settings, room, JobFolder(folder / "jobs"), worker, secret, models)
    config = uvicorn.Config(
        create_app(service, Hosting(settings, keys)),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="on",
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what else it says, clients have been told
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    on_ready(models, folder / "worker.log")
    server, received = uvicorn.Server(config), [signal.SIGTERM]

    @contextmanager
    def stop_on_signals() -> Iterator[None]:
        """In place of uvicorn's own, which would raise the signal once more at the end."""

        def stop(number: signal.Signals) -> None:
            received[0] = number
            server.handle_exit(number, None)

        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, stop, number)
        yield

    server.capture_signals = stop_on_signals  # type: ignore[method-assign]
    await server.serve(sockets=[listener])
    return received[0]


def run(settings: ServeSettings, on_ready: Callable[[Sequence[str], Path], None]) -> signal.Signals:
    """Serve in an event loop of its own, and return the signal that ended it. Raises as `serve`."""
    return asyncio.run(serve(settings, on_ready))
