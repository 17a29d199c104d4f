"""The tree of errors. Every message is one or two lines: what, which file, what to do next.

DaylongError
├── UsageError            wrong command line or settings; nothing was started (exit status 2)
│   └── MissingWeights    a model is neither cached nor to be had (exit status 2)
├── MachineFault          what all recordings share is broken (a store, weights, rights): no file is at fault, and
│                         none is tried until it is mended (exit status 1)
├── PermanentError        the file is at fault: never retried (exit status 1)
│   └── UnreadableAudio   no audio in it, or not decodable
└── TransientError        the world is at fault: retried (exit status 1)
    ├── EngineDied        an engine's process ended or hung in the middle of a call
    │   └── DeviceBroken  it can't use its device any more; no file is at fault
    ├── OutOfMemory       of the device or the machine, in pieces as small as can be
    └── NoRoom            a disk is full, or will be
"""

from __future__ import annotations

import errno

RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""Missing rights: who runs this must see to it."""
LASTING = RIGHTS | frozenset({
    errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL,
})  # fmt: skip
"""What the system refuses now it refuses in ten seconds: a wrong place, missing rights."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No room: on the disk, in one's share of it, or for so large a file."""

GONE = frozenset({errno.ENOTCONN, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN})
"""A disk or a share that is away: unplugged, unmounted, its server down."""


class DaylongError(Exception):
    """Root of all errors that are meant to be read by people."""


class UsageError(DaylongError):
    """Wrong usage or settings, found before any work."""


class MissingWeights(UsageError):
    """Weights that a profile needs are neither cached nor reachable."""


class MachineFault(DaylongError):
    """What all recordings share is broken: another recording would fail in the same way."""


class PermanentError(DaylongError):
    """Trying again would fail in the same way."""


class UnreadableAudio(PermanentError):
    """A file without audio, or with audio that cannot be decoded."""


class TransientError(DaylongError):
    """Trying again may succeed."""


class EngineDied(TransientError):
    """The process that held an engine ended, or did not answer in time, or is good for nothing any more."""


class DeviceBroken(EngineDied):
    """A device failed, and with it whatever else the process has there: only another process may use it again. What
    fails so in a fresh process, too, is no recording's fault."""


class OutOfMemory(TransientError):
    """Not enough memory, even for the smallest piece of work."""


class NoRoom(TransientError):
    """Not enough room on a disk."""


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help."""
    if isinstance(error, OSError):
        # Stores on a network raise them by class alone, without the system's number.
        return error.errno not in LASTING and not isinstance(error, (PermissionError, FileNotFoundError))
    return isinstance(error, (TransientError, MemoryError))
