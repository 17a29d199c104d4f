"""The socket of the engines that all programs of one user share: where it is, and who may be at its other end.

What crosses it is unpickled, and calls name the function that loads an engine: whoever can speak there can run any
code. So it lies in a folder that its owner alone may enter, and both ends check that the other is of the same user,
before a byte is read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import MachineFault

LOCAL_PEERCRED = 1
"""Of macOS, whose `sys/un.h` has it."""
LONGEST_FOLDER = 72
"""Bytes of the folder's path: an address has 103 at most (macOS; 107 on Linux), the socket's name 30 of them."""


def find_folder(of: str = "the shared engines", instead: str = "models.run_in = child") -> Path:
    """Find or make the folder of sockets, locks and logs: in XDG_RUNTIME_DIR, or among the system's temporary files.

    `of`, `instead`: whose socket it is, and the setting that wants none, for messages. Raises MachineFault for one
    that others may enter, and where all paths are too long for a socket's address.
    """
    places = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]
    folders = [Path(place) / f"daylong-{os.geteuid()}" for place in places if place and Path(place).is_dir()]
    folder = next((f for f in folders if len(os.fsencode(f)) <= LONGEST_FOLDER), None)
    if folder is None:
        raise MachineFault(
            f"{tempfile.gettempdir()}: too long a path for a socket. Set XDG_RUNTIME_DIR to a shorter one, or "
            f"{instead}"
        )
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise MachineFault(f"{folder}: no folder for the socket of {of} ({error.strerror})") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise MachineFault(
            f"{folder}: the socket of {of} wants a folder that you own and you alone may enter (chmod 700). "
            f"Remove it, or set {instead}"
        )
    return folder


def name_socket(*facts: object) -> str:
    """Name the socket of engines that are placed so, run by this interpreter and the code as it is now: programs that
    differ in any of these have nothing to share."""
    code = max(file.stat().st_mtime_ns for file in Path(__file__).parents[1].rglob("*.py"))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    known = json.dumps([*facts, sys.executable, __file__, code, visible], sort_keys=True)
    return f"engines-{hashlib.sha256(known.encode()).hexdigest()[:16]}"


@contextmanager
def locked(address: Path) -> Iterator[None]:
    """Hold the lock of an address, which those hold who make its socket or remove it."""
    with address.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def listen(address: Path) -> socket.socket:
    """Make the socket, in place of one that nobody listens on any more."""
    address.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(address))
    address.chmod(0o600)
    listener.listen(64)
    return listener


def connect(address: Path) -> socket.socket | None:
    """Connect to an address; None where nobody listens. Raises MachineFault where it is another user who does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        return None
    if not is_own(connection):
        connection.close()
        raise MachineFault(f"{address}: another user listens there. Remove it, or set models.run_in = child")
    return connection


def is_own(connection: socket.socket) -> bool:
    """Whether the other end's process is of the same user, as the system knows it."""
    return _read_peer(connection) == os.geteuid()


def _read_peer(connection: socket.socket) -> int:
    """The number of the user at the other end."""
    if sys.platform == "linux":
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", found)[1])
    return int(struct.unpack_from("2I", connection.getsockopt(0, LOCAL_PEERCRED, 76))[1])
