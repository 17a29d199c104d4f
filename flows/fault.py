"""Classify an error: the recording's own, or of what all recordings need (disks, permissions, devices, Prefect)."""

from __future__ import annotations

from collections.abc import Sequence

from flows.reporting.run_names import make_printable
from tasks.errors import (
    FULL,
    GONE,
    RIGHTS,
    DaylongError,
    DeviceBroken,
    MachineFault,
    NoRoom,
    PermanentError,
    TransientError,
    UsageError,
)
from tasks.text import read_first_line

_REQUEST_STATUSES = frozenset((400, 405, 409, 411, 413, 414, 415, 422, 431))
"""HTTP statuses that reject one request; the server itself works."""
_PREFECT_MESSAGES = (
    "Failed to reach API",
    "Timed out while attempting to connect to ephemeral",
    "Unable to find an available port",
    "Found incompatible versions",
)
"""How the messages of Prefect's plain RuntimeErrors begin."""


def is_shared(error: Exception) -> bool:
    """Whether the error lies in what all recordings need, so that the others would fail in the same way."""
    if _is_disk_full(error):
        return True
    if isinstance(error, PermanentError):  # the file's own fault, whatever its cause is
        return False
    cause: BaseException | None = error
    while cause is not None:
        is_denied = isinstance(cause, PermissionError) or (isinstance(cause, OSError) and cause.errno in RIGHTS)
        is_gone = isinstance(cause, OSError) and cause.errno in GONE
        if is_denied or is_gone or isinstance(cause, (UsageError, MachineFault, DeviceBroken)):
            return True
        cause = cause.__cause__
    return describe_prefect_fault(error) is not None


def combine_chunk_errors(name: str, first: str, causes: Sequence[Exception | None]) -> Exception:
    """Combine the errors of a recording of which every chunk failed; `first`: the first of them, in one line.

    A shared fault among `causes` is returned as it is. Otherwise a PermanentError if all are, else a TransientError:
    an engine's own exception may be temporary.
    """
    shared = next((c for c in causes if c is not None and is_shared(c)), None)
    if shared is not None:
        return shared
    kind = PermanentError if all(isinstance(c, PermanentError) for c in causes) else TransientError
    error = kind(f"{name}: every chunk failed; the first: {first}")
    error.__cause__ = causes[0]
    return error


def describe_prefect_fault(error: BaseException | None) -> str | None:
    """Describe an error in one line where Prefect is its cause (its server away, restarting or too busy); else None.

    >>> describe_prefect_fault(RuntimeError("Failed to reach API at http://127.0.0.1:4200/api/"))
    "Prefect doesn't answer (Failed to reach API at http://127.0.0.1:4200/api/). Is its server well?"
    >>> describe_prefect_fault(RuntimeError("something else"))
    """
    while error is not None:
        if _is_prefect_error(error):
            reason = make_printable(read_first_line(error))[:200] or type(error).__name__
            return f"Prefect doesn't answer ({reason}). Is its server well?"
        error = error.__cause__
    return None


def describe_machine_fault(error: BaseException) -> str | None:
    """Describe an error of disks, rights, memory or Prefect in one line; None where none of them is its cause.

    >>> describe_machine_fault(OSError(28, "No space left on device", "/data/out"))
    '/data/out: No space left on device'
    >>> describe_machine_fault(ValueError("something else"))
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror and cause.errno in (*RIGHTS, *FULL, *GONE):
            return f"{make_printable(str(cause.filename))}: {cause.strerror}" if cause.filename else cause.strerror
        if isinstance(cause, MemoryError):
            return "not enough memory. Set chunks_in_flight = 1 and models.keep = one, or use smaller weights."
        if isinstance(cause, DaylongError):
            return read_first_line(cause)
        cause = cause.__cause__
    return describe_prefect_fault(error)


def _is_disk_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_prefect_error(error: BaseException) -> bool:
    import httpx
    from prefect import exceptions

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code not in _REQUEST_STATUSES
    runs = (exceptions.CrashedRun, exceptions.CancelledRun, exceptions.PausedRun, exceptions.UnfinishedRun)
    if isinstance(error, (httpx.HTTPError, exceptions.ObjectNotFound, *runs)):
        return True
    return isinstance(error, RuntimeError) and str(error).startswith(_PREFECT_MESSAGES)
