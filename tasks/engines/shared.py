"""Engines in a process that all programs of one user on this machine share (`shared_main.py`), so that each is loaded
once. Whoever needs it first starts it; it ends when nobody has been connected for a while."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tasks.engines.child import is_ending, make_environment
from tasks.engines.engine import LOAD, Call, Engine, Keep
from tasks.engines.link import GONE, Link, relay_record
from tasks.engines.shared_socket import connect, find_folder, listen, locked, name_socket
from tasks.engines.wire import Wire
from tasks.errors import EngineDied

log = logging.getLogger("daylong.models")

START = (
    "import os, sys; os.fork() and os._exit(0); os.setsid(); "
    "from tasks.engines.shared_main import main; main(sys.argv[1])"
)
"""What its interpreter runs. It is nobody's child: the end of the program that started it is not its own."""
LINGER_S = 600.0
"""Seconds without a connection after which it ends, where the settings say nothing else."""
ATTEMPTS = 3
"""So often is a call asked for where the process ends; engines that end are replaced there already."""


@dataclass(slots=True)
class SharedEngines:
    """This program's connection to the shared engines. `timeout_s` bounds a call in its engine; the longest that any
    program has named counts."""

    keep: Keep = "all"
    children: int | None = None
    gpus: Sequence[int] = ()
    timeout_s: float | None = None
    idle_s: float | None = None
    calls: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _link: Link | None = None
    _active: int = 0
    _used: float = 0.0
    """When the last call ended, by the monotonic clock."""

    def call(self, engine: Engine, method: str, *args: Any, **kwargs: Any) -> Call:
        """Run the method there. Raises what the engine raises, `EngineDied` where its process or the shared one
        ended."""
        with self._guard:
            self._active += 1
        try:
            answer = self._ask(engine, method, args, kwargs)
        finally:
            with self._guard:
                self._active -= 1
                self._used = time.monotonic()
        if answer is GONE:
            raise EngineDied(
                f"{engine.name}: the shared engines' process ended {ATTEMPTS} times; see {self.log_file}"
            )
        if isinstance(answer, Exception):
            raise answer
        done: Call = answer
        return done

    def load(self, engines: Sequence[Engine]) -> None:
        """Load engines there, one after the other. Raises as `call`."""
        for engine in engines:
            self.call(engine, LOAD)

    def _ask(self, engine: Engine, method: str, args: Any, kwargs: Any) -> Any:
        answer = GONE
        for attempt in range(ATTEMPTS):
            if attempt:
                log.warning("%s: the shared engines' process ended; once more", engine.name)
            with self._guard:
                self.calls += 1
                request_id, link = self.calls, self._ensure_connected()
            try:
                waits = link.send(request_id, (self.timeout_s, engine, method, args, kwargs))
                while isinstance(answer := waits.get(), logging.LogRecord):
                    relay_record(answer)
            finally:
                link.waiting.pop(request_id, None)
            if answer is not GONE:
                break
        return answer

    @property
    def address(self) -> Path:
        """Where its socket is. Raises MachineFault as `find_folder`."""
        return find_folder() / f"{name_socket(self.keep, self.children, list(self.gpus))}.sock"

    @property
    def log_file(self) -> Path:
        return self.address.with_suffix(".log")

    def release_idle(self, now: float | None = None) -> bool:
        """Disconnect where no call was made for longer than `idle_s`, and return whether that was done."""
        now = time.monotonic() if now is None else now
        with self._guard:
            if self._link is None or self._active or self.idle_s is None or now - self._used <= self.idle_s:
                return False
            self._disconnect()
        return True

    def close(self) -> None:
        """Disconnect; the engines stay for the other programs."""
        with self._guard:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.shut()
        self._link = None

    def _ensure_connected(self) -> Link:
        if self._link is None or self._link.ended.is_set():
            self._disconnect()
            address = self.address
            connection = connect(address)
            if connection is None:
                with locked(address):  # of several programs one starts it
                    connection = connect(address) or self._start(address)
            self._link = Link(Wire(Connection(connection.detach())))
        return self._link

    def _start(self, address: Path) -> socket.socket:
        if is_ending():
            raise EngineDied("this process is ending")
        log.info("starting the engines that programs share")
        with listen(address) as listener, address.with_suffix(".log").open("ab") as log_file:
            given = {
                "descriptor": listener.fileno(), "address": str(address), "keep": self.keep,
                "children": self.children, "gpus": list(self.gpus), "idle_s": self.idle_s,
                "linger_s": LINGER_S if self.idle_s is None else self.idle_s,
            }  # fmt: skip
            subprocess.run(
                [sys.executable, "-P", "-c", START, json.dumps(given)],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                pass_fds=[listener.fileno()],
                env=make_environment(),
                cwd="/",
                check=False,
            )
            connection = connect(address)  # it is answered when that process is ready
        if connection is None:
            raise EngineDied(f"the shared engines' process can't be reached at {address}")
        return connection
