"""Whether a process has a file open for writing: on local file systems Linux then refuses a read lease."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from functools import lru_cache
from pathlib import Path

_OWN_DISKS = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "zfs", "overlay"))
"""Local file systems; on others (network shares) writers on other machines don't break leases."""


def is_being_written(path: Path) -> bool | None:
    """Whether any process has the file open for writing; None where it can't be known:
    not on Linux, not a local file system, or neither owner of the file nor root.
    """
    if sys.platform != "linux":
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _find_file_system(os.fstat(descriptor).st_dev) not in _OWN_DISKS:
            return None
        # Should somebody open it in the moment that we hold the lease, the kernel tells us by a signal: by one that
        # is ignored where nobody asks for it, not by SIGIO, which ends a process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


@lru_cache(maxsize=64)
def _find_file_system(device: int) -> str:
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    kinds = {}
    for line in lines:
        fields, _, after = line.partition(" - ")
        kinds[fields.split()[2]] = after.split()[0] if after else ""
    return kinds.get(wanted, "")
