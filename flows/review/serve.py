"""Serve a review on loopback until a signal."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable

from flows.review.app import Door, create_app
from flows.review.session import Review
from tasks.errors import UsageError

HOST = "127.0.0.1"
GRACE_S = 3


def listen(port: int) -> socket.socket:
    """Listen on loopback; port 0: any that is free. Raises UsageError where that is not possible."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # whoever reads the address may ask before the server runs
    except OSError as error:
        listener.close()
        raise UsageError(f"--port {port}: no server can listen there ({error.strerror or error}).") from None
    return listener


def serve(review: Review, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; what was entered is in the tables when it returns. `on_ready` is called with the
    address, whose token counts once."""
    import uvicorn

    listener = listen(port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    door = Door(token, (f"{HOST}:{port}", f"localhost:{port}"))
    config = uvicorn.Config(
        create_app(review, door),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="off",
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    is_over = threading.Event()
    writer = threading.Thread(target=review.keep_writing, args=(is_over,), name="daylong-review-writer")
    writer.start()
    try:
        on_ready(f"http://{HOST}:{port}/?token={token}")
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        is_over.set()
        writer.join()
