"""Opening files that nobody has looked at yet in a process of its own.

Decoders are large, old and written in C: a hostile file crashes one, or has it turn in circles. In a child process it
takes nobody with it; who asked is told, and asks about the next file.
"""

from __future__ import annotations

from pathlib import Path

from tasks.audio.whole import lacking
from tasks.engines.child import EngineProcess
from tasks.engines.engine import Engine

OPENER = Engine.of("audio/opening", "tasks.audio.apart:Opener")
PATIENCE_S = 180.0
SLOWEST = 4_000_000
"""Bytes a second at which a file is read at least: some have no header that tells their end."""


class Opener:
    """What is done in the child."""

    def lacking(self, path: str) -> str | None:
        return lacking(Path(path))


class Apart:
    """A child process, started when it is first needed; `close` it."""

    def __init__(self) -> None:
        self._child = EngineProcess()

    def lacking(self, path: Path) -> str | None:
        """What `whole.lacking` says. Raises EngineDied where opening the file ended the process or took too long."""
        try:
            size = path.stat().st_size
        except OSError:
            return None
        self._child.timeout_s = PATIENCE_S + size / SLOWEST
        answer: str | None = self._child.call(OPENER, "lacking", str(path)).value
        return answer

    def close(self) -> None:
        self._child.close()
