"""The server's side of the worker's process: begun when it is needed, and again where it has died."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.http.errors import ApiError

log = logging.getLogger("daylong.serve")

COMMAND = (sys.executable, "-P", "-m", "flows.http.worker_main")
MAX_LINE = 64 * 2**20
END_S = 10.0
MAX_LOG_BYTES = 20_000_000


class WorkerDied(Exception):
    """The process ended before it answered."""


class Worker:
    """The worker's process; `log_file` gets what it and its libraries print."""

    def __init__(self, log_file: Path, command: tuple[str, ...] = COMMAND) -> None:
        self._log_file, self._command = log_file, command
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[int, tuple[asyncio.Future[dict[str, Any]], Callable[[dict[str, Any]], None]]] = {}
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()
        self.last_used = time.monotonic()

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def is_idle(self) -> bool:
        return not self._pending

    async def request(
        self, operation: str, on_progress: Callable[[dict[str, Any]], None] = lambda _: None, **arguments: Any
    ) -> dict[str, Any]:
        """Have an operation of `work` done. Raises ApiError as the operation failed, WorkerDied."""
        process = await self._start()
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = (future, on_progress)
        line = json.dumps({"id": number, "operation": operation, "arguments": arguments}, ensure_ascii=True)
        assert process.stdin is not None
        try:
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            return await future
        except (BrokenPipeError, ConnectionResetError):
            raise WorkerDied from None
        finally:
            self._pending.pop(number, None)
            self.last_used = time.monotonic()

    async def stop(self) -> None:
        """End the process and what it has started; requests under way raise WorkerDied."""
        async with self._starting:  # nobody is given a process that ends
            process = self._process
            if process is None or process.returncode is not None:
                return
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), END_S)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if self._reader is not None:
                await self._reader

    async def _start(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return self._process
            if self._reader is not None:
                await self._reader
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            if self._log_file.exists() and self._log_file.stat().st_size > MAX_LOG_BYTES:
                os.replace(self._log_file, self._log_file.with_suffix(".old.log"))
            with self._log_file.open("ab") as log_file:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log_file,
                    env={**os.environ, "PREFECT_LOGGING_COLORS": "false", "TQDM_DISABLE": "1"},
                    limit=MAX_LINE,
                    start_new_session=True,  # Ctrl-C reaches the terminal's whole group
                )
            self._reader = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            answer = json.loads(line)
            future, on_progress = self._pending.get(answer["id"], (None, None))
            if future is None or future.done() or on_progress is None:
                continue
            if "progress" in answer:
                on_progress(answer["progress"])
            elif "error" in answer:
                future.set_exception(ApiError(**answer["error"]))
            else:
                future.set_result(answer["done"])
        status = await process.wait()
        waiting = [future for future, _ in self._pending.values() if not future.done()]
        if waiting:
            log.warning("the process that works on recordings ended (status %d); it is begun again", status)
        for future in waiting:
            future.set_exception(WorkerDied())
