"""An S3 server on loopback, in a process of its own: moto's, which speaks S3's own protocol."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BUCKET = "recordings"


@contextmanager
def run_s3_server() -> Iterator[dict[str, str]]:
    """Run the server; yields the environment variables with which `s3://recordings` is its one bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _create_bucket(port, server)
            _clear_caches()
            yield environment
        finally:
            _clear_caches()
            server.kill()


def _clear_caches() -> None:
    """Drop connections to an earlier server, which are otherwise cached for the life of the process."""
    import s3fs

    from tasks.sharing.connect import check_objects, open_objects
    from tasks.storage.remote import open_filesystem

    open_filesystem.cache_clear()
    open_objects.cache_clear()
    check_objects.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()


def _create_bucket(port: int, server: subprocess.Popen[bytes]) -> None:
    from urllib.request import Request, urlopen

    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT"), timeout=30):
                return
        except OSError:
            if time.monotonic() > until or server.poll() is not None:
                raise
            time.sleep(0.1)


@contextmanager
def run_s3_bucket() -> Iterator[str]:
    """Run a server and set the environment for it; yields the URL of its bucket."""
    with run_s3_server() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"
