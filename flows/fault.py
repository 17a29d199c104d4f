"""Whose fault an error is: the recording's, or of what all recordings need (disks, rights, devices, Prefect)."""

from __future__ import annotations

from collections.abc import Sequence

from flows.reporting.run_names import make_printable
from tasks.errors import (
    FULL,
    RIGHTS,
    DeviceBroken,
    MachineFault,
    NoRoom,
    PermanentError,
    TransientError,
    UsageError,
)

_ABOUT_THE_REQUEST = frozenset((400, 405, 409, 411, 413, 414, 415, 422, 431))
"""What a server that is well answers to what it doesn't want: the next request may be another."""
_TOLD = (
    "Failed to reach API",
    "Timed out while attempting to connect to ephemeral",
    "Unable to find an available port",
    "Found incompatible versions",
)
"""What Prefect raises as plain RuntimeErrors begins so."""


def is_shared(error: Exception) -> bool:
    """Whether what all recordings need is at fault, so that the others would fail in the same way."""
    if _no_room(error):
        return True
    if isinstance(error, PermanentError):  # said of the file, whatever it was found out by
        return False
    behind: BaseException | None = error
    while behind is not None:
        rights = isinstance(behind, PermissionError) or (isinstance(behind, OSError) and behind.errno in RIGHTS)
        if rights or isinstance(behind, (UsageError, MachineFault, DeviceBroken)):
            return True
        behind = behind.__cause__
    return prefect_unwell(error) is not None


def of_all(name: str, first: str, causes: Sequence[Exception | None]) -> Exception:
    """The error of a recording of which every chunk failed; `first`: the first of them, in a line.

    Lasting only where each is said of the recording: what all recordings need isn't this one's fault, and what an
    engine says in its own words may pass.
    """
    shared = next((c for c in causes if c is not None and is_shared(c)), None)
    if shared is not None:
        return shared
    kind = PermanentError if all(isinstance(c, PermanentError) for c in causes) else TransientError
    error = kind(f"{name}: every chunk failed; the first: {first}")
    error.__cause__ = causes[0]
    return error


def prefect_unwell(error: BaseException | None) -> str | None:
    """One line where Prefect is behind an error, its server being away, restarting or too busy; else None.

    >>> prefect_unwell(RuntimeError("Failed to reach API at http://127.0.0.1:4200/api/"))
    "Prefect doesn't answer (Failed to reach API at http://127.0.0.1:4200/api/). Is its server well?"
    >>> prefect_unwell(RuntimeError("something else"))
    """
    while error is not None:
        if _is_prefects(error):
            said = make_printable(next(iter(str(error).strip().splitlines()), ""))[:200] or type(error).__name__
            return f"Prefect doesn't answer ({said}). Is its server well?"
        error = error.__cause__
    return None


def _no_room(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_prefects(error: BaseException) -> bool:
    import httpx
    from prefect import exceptions

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code not in _ABOUT_THE_REQUEST
    runs = (exceptions.CrashedRun, exceptions.CancelledRun, exceptions.PausedRun, exceptions.UnfinishedRun)
    if isinstance(error, (httpx.HTTPError, exceptions.ObjectNotFound, *runs)):
        return True
    return isinstance(error, RuntimeError) and str(error).startswith(_TOLD)
