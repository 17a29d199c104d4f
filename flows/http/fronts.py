"""The fronts of a server: begun, replaced where one ends, and ended with it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from flows.http.front_main import READY, Orders
from flows.http.tally import SharedTally
from flows.http.uploads import Room
from tasks.engines.shared_socket import connect, find_folder, listen
from tasks.errors import MachineFault, UsageError
from tasks.settings.schema import ServeSettings

log = logging.getLogger("daylong.serve")

COMMAND = (sys.executable, "-P", "-m", "flows.http.front_main")
ATTEMPTS = 5
"""So often in a row may a front end soon after it was begun."""
SOON_S = 10.0
PAUSE_S = 0.1
BACKLOG = 2048
"""Connections that may wait while no front has taken them yet."""
END_S = 3.0
"""Seconds beyond its connections' grace that a front has to end."""


def name_folder(uploads: Path, place: int) -> Path:
    """The folder of the uploads that the front of this place is receiving."""
    return uploads / f"front-{place}"


@dataclass(frozen=True, slots=True)
class Together:
    """What the fronts of a server and the board's process have together."""

    count: int
    """Of fronts."""
    address: Path
    listener: socket.socket
    """Where the board's process answers them; only this user's processes reach it."""
    file: int
    """Descriptor of the file in which all of them count."""
    tally: SharedTally
    """The count of the board's process."""

    @classmethod
    @contextmanager
    def open(cls, count: int, folder: Path) -> Iterator[Together]:
        """Open it for the server of a folder, until the block ends.

        Raises UsageError where one of that folder runs already, MachineFault as `find_folder`.
        """
        instead = "serve.workers = 1"
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        address = find_folder("the server's processes", instead) / f"serve-{name}.sock"
        if (other := connect(address)) is not None:
            other.close()
            raise UsageError(f"{folder}: a server of this folder runs already. End it first.")
        with listen(address) as listener, TemporaryFile() as file:
            try:
                yield cls(count, address, listener, file.fileno(), SharedTally(file.fileno(), count, count + 1))
            finally:
                address.unlink(missing_ok=True)

    def make_fronts(
        self, settings: ServeSettings, keys: Mapping[str, str], room: Room, listener: socket.socket, grace_s: int
    ) -> Fronts:
        """Make the fronts of a server, which share its listener and the quota of its room for uploads."""
        listener.listen(BACKLOG)
        orders = Orders(
            settings=settings.model_dump_json(),
            address=str(self.address),
            folder="",
            counted=str(room.counted),
            max_bytes=room.max_bytes,
            quota_bytes=room.quota_bytes,
            listener=listener.fileno(),
            tally=self.file,
            place=0,
            places=self.count + 1,
            grace_s=grace_s,
            keys=dict(keys),
        )
        return Fronts(self.count, orders, room.folder)


class Fronts:
    """The fronts of one server. All methods belong to its event loop."""

    def __init__(self, count: int, orders: Orders, uploads: Path, command: tuple[str, ...] = COMMAND) -> None:
        """`orders`: what they have in common; the folder and the place of each are set here."""
        self._count, self._orders, self._uploads, self._command = count, orders, uploads, command
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._answering = [asyncio.Event() for _ in range(count)]
        self._stopping = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Keep the fronts running until `stop`. `on_ready` is called once all of them answer.

        Raises MachineFault where one ends again and again as soon as it is begun; none is left then.
        """
        keepers = [asyncio.create_task(self._keep(place)) for place in range(self._count)]
        ready = asyncio.create_task(self._wait_until_ready())
        try:
            await asyncio.wait({ready, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and not self._stopping.is_set():
                on_ready()
            await asyncio.wait({asyncio.create_task(self._stopping.wait()), *keepers}, return_when="FIRST_COMPLETED")
            self.stop()
            await asyncio.wait(keepers, timeout=self._orders.grace_s + END_S)
        finally:
            self.kill()
            ready.cancel()
            ended = await asyncio.gather(*keepers, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    def stop(self) -> None:
        """Have them end: no new connections, and some seconds for those that are open."""
        self._stopping.set()
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.terminate()

    def kill(self) -> None:
        """End them at once."""
        self._stopping.set()
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.kill()

    async def _wait_until_ready(self) -> None:
        for each in self._answering:
            await each.wait()

    async def _keep(self, place: int) -> None:
        """Have a front at this place until `stop`."""
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run_one(place)
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - began < SOON_S else 0
            if failures == ATTEMPTS:
                raise MachineFault(
                    f"serve.workers = {self._count}: a process that receives requests ended {ATTEMPTS} times as soon "
                    f"as it was begun (status {status}). With serve.workers = 1 none is begun."
                )
            log.warning("a process that receives requests ended (status %d); it is begun again", status)
            await asyncio.sleep(PAUSE_S * 2**failures)

    async def _run_one(self, place: int) -> int:
        """Run a front until it ends; return its status."""
        folder = name_folder(self._uploads, place)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)  # of one that was killed
        orders = replace(self._orders, folder=str(folder), place=place)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(orders.listener, orders.tally),
                start_new_session=True,  # Ctrl-C reaches the terminal's whole group
            )
        except OSError as error:  # of memory or processes, which other programs take
            log.warning("no process can be begun: %s", error.strerror)
            return 127
        self._processes[place] = process
        if self._stopping.is_set():
            self.stop()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(orders.write())
            await process.stdin.drain()
        if await process.stdout.readline() == READY:
            self._answering[place].set()
        return await process.wait()
