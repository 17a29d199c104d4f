"""Write files atomically: under a temporary name first, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(target: Path, content: str | bytes) -> None:
    """Write a file under a temporary name and rename it, so that no reader sees a partial file.

    The folder is created; the file gets the permissions of the umask.
    """
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".writing")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        os.chmod(temporary, 0o666 & ~_read_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
