"""Disks and shares that go away while a recording is processed: they are named, and no recording pays for it."""

from __future__ import annotations

import errno
import os

import pytest

from flows.fault import describe_machine_fault, is_shared
from tasks.errors import PermanentError, TransientError, is_transient

NUMBERS = [errno.ENOTCONN, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_disk_that_is_away_is_a_fault_of_all_and_is_named(number: int, wrapped: bool) -> None:
    error: Exception = OSError(number, os.strerror(number), "/mnt/nas/transcripts/words")
    assert is_transient(error)
    if wrapped:
        outer = TransientError("a step failed")
        outer.__cause__ = error
        error = outer
    else:
        assert describe_machine_fault(error) == f"/mnt/nas/transcripts/words: {os.strerror(number)}"
    assert is_shared(error)


def test_a_file_at_fault_stays_at_fault() -> None:
    error = PermanentError("a.wav: no sound")
    error.__cause__ = OSError(errno.ESTALE, "Stale file handle")
    assert not is_shared(error)
    assert not is_shared(OSError(errno.EIO, "Input/output error", "a.wav"))  # a bad sector of that file, maybe
