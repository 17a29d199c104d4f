"""Errors in another process: what they are, and what they were caused by, stays."""

from __future__ import annotations

import errno
import pickle
from itertools import pairwise

import pytest

from flows.fault import is_shared
from flows.recording.chunk_result import ChunkResult
from flows.recording.error_transfer import pack_error, unpack_error
from tasks.errors import NoRoom, PermanentError, TransientError, UnreadableAudio, is_transient
from tasks.intervals import Span
from tasks.records import Chunk


class TwoArguments(UnreadableAudio):
    """Pickles, and can't be unpickled: its message is no argument of its own."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")


class HoldsAFunction(OSError):
    """Can't be pickled."""

    def __init__(self) -> None:
        super().__init__(errno.EIO, "I/O error")
        self.again = lambda: None


def chain(*errors: Exception) -> Exception:
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def cross(error: Exception) -> Exception:
    chunk = Chunk(0, Span(0, 1), Span(0, 1), ())
    result: ChunkResult = pickle.loads(pickle.dumps(ChunkResult(chunk, cause=error)))
    assert result.chunk == chunk
    assert result.cause is not None
    return result.cause


def test_a_cause_two_steps_away_decides_as_before_whose_fault_it_is() -> None:
    full = chain(ValueError("a"), RuntimeError("b"), OSError(errno.EACCES, "denied", "/x"))
    assert is_shared(full)
    assert is_shared(cross(full))
    assert not is_shared(cross(ValueError("a")))
    denied = cross(full).__cause__.__cause__  # type: ignore[union-attr]
    assert isinstance(denied, PermissionError)
    assert denied.filename == "/x"


def test_a_full_disk_counts_where_another_error_came_of_it() -> None:
    error = KeyError("x")
    error.__context__ = NoRoom("full")
    assert is_shared(error)
    assert is_shared(cross(error))


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (TwoArguments("a.wav", "no audio"), UnreadableAudio, "a.wav: no audio"),
        (HoldsAFunction(), TransientError, "HoldsAFunction: [Errno 5] I/O error"),
        (PermanentError("never"), PermanentError, "never"),
    ],
)
def test_an_error_that_can_not_be_pickled_keeps_its_kind_and_message(error, kind, says) -> None:
    crossed = cross(error)
    assert isinstance(crossed, kind)  # tblib, which Dask imports, lets more kinds cross as they are
    assert str(crossed) == says
    assert is_transient(crossed) == is_transient(error)


def test_a_circle_of_causes_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert str(unpack_error(pack_error(one))) == "one"
