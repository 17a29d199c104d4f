"""Which `daylong up` serves a database: one at a time, and known to those that come later.

    <database>.serving.lock    locked (flock) by the `daylong up` whose server uses it; the kernel unlocks it
    <database>.serving.json    the API of that server, and its process; of the last one, where none is running

A database that is no file has them in Prefect's folder.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from flows.environment import find_folder
from flows.serving.database import find_connection_url, locate_database
from tasks.errors import UsageError
from tasks.processes import Process, read_birth
from tasks.storage.atomic import write_atomically


@dataclass(frozen=True, slots=True)
class Serving:
    """The server of the last `daylong up` on a database: its API's URL, and its process (None: not started yet)."""

    api: str
    server: Process | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the server's process is alive on this machine."""
        return self.server is not None and self.server.host == socket.gethostname() and not self.server.is_gone


@dataclass(frozen=True, slots=True)
class DatabaseClaim:
    """A claim of this process on a database; `record` is the file that says so."""

    record: Path
    api: str

    def note_server(self, pid: int) -> None:
        """Note the process of the server, which may outlive this one."""
        process = Process(socket.gethostname(), pid, read_birth(pid) or "")
        write_atomically(self.record, json.dumps({"api": self.api, "server": str(process)}))


def locate_record(environment: Mapping[str, str]) -> Path:
    """The path of the JSON file on who serves the database that the environment names.

    >>> locate_record({"PREFECT_HOME": "/d"})
    PosixPath('/d/prefect.db.serving.json')
    """
    file = locate_database(environment)
    if file is None or not (file.parent == find_folder(environment) or file.parent.is_dir()):
        digest = hashlib.sha256(str(file or find_connection_url(environment)).encode()).hexdigest()[:8]
        file = find_folder(environment) / f"database-{digest}"
    return file.with_name(f"{file.name}.serving.json")


def read_serving(environment: Mapping[str, str]) -> Serving | None:
    """Read which server the last `daylong up` started on the database; None where none is known."""
    try:
        held = json.loads(locate_record(environment).read_text(encoding="utf-8"))
        return Serving(str(held["api"]), Process.read(str(held.get("server") or "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def claim_database(environment: Mapping[str, str], api: str) -> Iterator[DatabaseClaim]:
    """Claim the database for a server at `api` during the block. Raises UsageError where another one serves it."""
    record = locate_record(environment)
    lock = FileLock(record.with_suffix(".lock"), timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(_explain(environment, read_serving(environment))) from None
    except (NotImplementedError, OSError):  # a disk without locks: the record alone tells
        pass
    try:
        if (last := read_serving(environment)) and last.is_alive:  # its `daylong up` was killed
            raise UsageError(_explain(environment, last))
        write_atomically(record, json.dumps({"api": api, "server": None}))
        yield DatabaseClaim(record, api)
    finally:
        lock.release()


def _explain(environment: Mapping[str, str], serving: Serving | None) -> str:
    database = locate_database(environment) or "the database that the environment names"
    api = serving.api if serving else "…"
    process = f", process {serving.server.pid}" if serving and serving.server else ""
    return (
        f"{database}: another `daylong up` serves it already, at {api}{process}. Add a worker to that one: "
        f"PREFECT_API_URL={api} daylong up. Or give this one a database of its own, in another folder: "
        "PREFECT_HOME=DIR daylong up --port PORT"
    )
