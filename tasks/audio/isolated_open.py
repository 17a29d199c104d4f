"""Open untrusted files in a child process.

Decoders are written in C: a hostile file may crash one, or make it loop. In a child process that ends the child
alone; the caller gets EngineDied.
"""

from __future__ import annotations

from pathlib import Path

from tasks.audio.end_check import find_missing
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine

OPENER = Engine.of("audio/opening", "tasks.audio.isolated_open:Opener")
TIMEOUT_S = 180.0
MIN_BYTES_PER_S = 4_000_000
"""Lowest reading speed, bytes/s: files without lengths in their headers are read completely."""


class Opener:
    """The engine that runs in the child process."""

    def find_missing(self, path: str) -> str | None:
        return find_missing(Path(path))


class IsolatedOpener:
    """Checks files in a child process, which starts with the first call. Call `close` when done."""

    def __init__(self) -> None:
        self._child = EngineProcess()

    def find_missing(self, path: Path) -> str | None:
        """`end_check.find_missing` in the child. Raises EngineDied where opening the file ended the process or took
        too long."""
        try:
            size = path.stat().st_size
        except OSError:
            return None
        self._child.timeout_s = TIMEOUT_S + size / MIN_BYTES_PER_S
        answer: str | None = self._child.call(OPENER, "find_missing", str(path)).value
        return answer

    def close(self) -> None:
        self._child.close()
