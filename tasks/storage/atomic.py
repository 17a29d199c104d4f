"""Files that appear whole: written under a hidden temporary name beside their own, then renamed.

A process that dies in between leaves `.<32 hexadecimal digits>.part`, which no reader looks for. Two things have
steps of their own: the journal (`journal.py`) replaces many files as one, and `artifacts.py` also writes to stores
that are no folders.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.storage import files


def write_atomically(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Create or replace a file in one step; text is stored as UTF-8. Its folder must exist.

    `durable`: flush the content to the disk before the file gets its name, so that a power cut can't leave it empty.
    """
    data = content.encode() if isinstance(content, str) else content
    with stage(path) as staged:
        if durable:
            files.write_durably(staged, data)
        else:
            staged.write_bytes(data)
        os.replace(staged, path)


@contextmanager
def stage(path: Path) -> Iterator[Path]:
    """A temporary name in the folder of `path`, for a block that writes a file or folder there and renames it.

    What has that name when the block fails is removed.
    """
    staged = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        yield staged
    except BaseException:
        if staged.is_dir() and not staged.is_symlink():
            shutil.rmtree(staged, ignore_errors=True)
        else:
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(staged)
        raise
