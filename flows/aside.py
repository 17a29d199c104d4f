"""Files that a command writes: aside first, then put in place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def written(target: Path, content: str | bytes) -> None:
    """Write a file aside, then put it in place, so that no reader sees half of it."""
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".writing")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        os.chmod(aside, 0o666 & ~_umask())
        os.replace(aside, target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
