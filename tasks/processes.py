"""Processes of this machine and of others, told apart for good: a process's id is given again, after a restart or in
the next container even the same one."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process of some machine. `born`: what tells it from a later one with the same id, "" where unknown."""

    host: str
    pid: int
    born: str = ""

    @classmethod
    def this(cls) -> Process:
        return cls(socket.gethostname(), os.getpid(), read_birth(os.getpid()) or "")

    @classmethod
    def read(cls, text: str) -> Process | None:
        """What `str` gave; None of anything else.

        >>> Process.read(str(Process("desk", 17, "9 4"))).pid
        17
        """
        host, _, rest = text.partition(" ")
        pid, _, born = rest.partition(" ")
        return cls(host, int(pid), born) if host and pid.isdecimal() else None

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.born}".strip()

    @property
    def is_gone(self) -> bool:
        """Whether it has surely ended. Of another machine's nothing is known."""
        if self.host != socket.gethostname():
            return False
        if self.pid < 1:  # a group's, or everybody's
            return True
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):  # the second: no process has an id so large
            return True
        except PermissionError:
            pass  # somebody else's: perhaps a later one
        stat = read_stat(self.pid)
        if stat is not None and stat[0] == "Z":  # ended, and nobody has asked how
            return True
        return bool(self.born) and read_birth(self.pid) not in (None, self.born)


def read_birth(pid: int) -> str | None:
    """The boot and the tick at which a process began; None where the system doesn't say."""
    stat = read_stat(pid)
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return f"{boot} {stat[19]}" if stat else None


def read_stat(pid: int) -> list[str] | None:
    """What /proc tells of a process, from its state and its parent's id on; None where there is no such process, or
    no /proc."""
    try:
        # The command's name stands in parentheses before them, and may hold blanks and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
