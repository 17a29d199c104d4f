"""Take an error to another process with what it was caused by, which pickling an exception leaves out."""

from __future__ import annotations

import copyreg
import io
import pickle
from dataclasses import dataclass

from tasks import errors
from tasks.errors import DaylongError, TransientError, is_transient
from tasks.text import read_first_line

MAX_CAUSES = 8


@dataclass(frozen=True, slots=True)
class PackedError:
    """`pickled`: the exception by itself; `cause`, `context`: its `__cause__` and `__context__`."""

    pickled: bytes
    cause: PackedError | None = None
    context: PackedError | None = None


def pack_error(error: BaseException | None, depth: int = MAX_CAUSES) -> PackedError | None:
    """Pack an error and what caused it. One that can't be pickled is replaced by one that is tried again, or not,
    just as it is, with its type and the first line of its message."""
    if error is None or depth == 0:
        return None
    cause = pack_error(error.__cause__, depth - 1)
    is_shown = error.__cause__ is None and not error.__suppress_context__
    context = pack_error(error.__context__, depth - 1) if is_shown else None
    return PackedError(_pickle(error), cause, context)


def unpack_error(packed: PackedError | None) -> Exception | None:
    """Unpack an error and what caused it."""
    if packed is None:
        return None
    error: Exception = pickle.loads(packed.pickled)
    if packed.context is not None:
        error.__context__ = unpack_error(packed.context)
    if packed.cause is not None:
        error.__cause__ = unpack_error(packed.cause)
    return error


def _pickle(error: BaseException) -> bytes:
    try:
        pickled = _dump(error)
        copy = pickle.loads(pickled)
        if type(copy) is type(error) and isinstance(copy, Exception) and str(copy) == str(error):
            return pickled
    except Exception:  # whatever the exception's own code raises
        pass
    return pickle.dumps(_replace(error))


def _dump(error: BaseException) -> bytes:
    """Pickle an exception as Python does: tblib, which Dask imports, would take its causes along, without an end
    where they go in a circle."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.dispatch_table = {
        kind: reduce for kind, reduce in copyreg.dispatch_table.items() if not issubclass(kind, BaseException)
    }
    pickler.dump(error)
    return buffer.getvalue()


def _replace(error: BaseException) -> Exception:
    if isinstance(error, DaylongError):
        known = (kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        return next(known)(str(error))  # type: ignore[no-any-return]
    line = f"{type(error).__name__}: {read_first_line(error)}"
    return TransientError(line) if is_transient(error) else RuntimeError(line)
