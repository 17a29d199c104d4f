"""Recordings in a bucket (`s3://bucket/key`) that a job names: whether it may, and how they come onto the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from flows.http.errors import ApiError
from flows.http.uploads import make_file_name
from tasks.errors import DaylongError, TransientError, UsageError

SCHEME = "s3://"
PIECE_BYTES = 1 << 23


def check_object(url: str, roots: Sequence[str]) -> str:
    """Check that an object lies below one of the roots that are buckets, or below a key of one; return its file name.

    Raises ApiError (403), the same whatever the address is of.

    >>> check_object("s3://recordings/2026/day.wav", ["/srv", "s3://recordings/2026"])
    'day.wav'
    """
    prefixes = [root.rstrip("/") + "/" for root in roots if root.startswith(SCHEME) and root != SCHEME]
    parts = url.removeprefix(SCHEME).split("/")
    is_plain = url.isprintable() and len(parts) > 1 and not {"", ".", ".."} & {*parts}
    if not is_plain or not any(url.startswith(prefix) for prefix in prefixes):
        raise ApiError(403, "No recording below the folders and buckets that serve.roots names.", param="path")
    return make_file_name(PurePosixPath(url).name)


def measure(_report: Callable[[dict[str, Any]], None], *, url: str) -> dict[str, Any]:
    """Ask for the size of an object: `size_bytes`. Raises UsageError where there is none, TransientError."""
    files, path = _open(url)
    return {"size_bytes": int(_ask(url, lambda: files.size(path)) or 0)}


def fetch(_report: Callable[[dict[str, Any]], None], *, url: str, target: str, most_bytes: int) -> dict[str, Any]:
    """Copy an object of at most so many bytes into the file `target`: `size_bytes` and `sha256`. Raises as
    `measure`."""
    files, path = _open(url)

    def copy() -> dict[str, Any]:
        digest, size = hashlib.sha256(), 0
        with files.open(path, "rb", block_size=PIECE_BYTES, cache_type="none") as source, open(target, "wb") as file:
            while piece := source.read(PIECE_BYTES):
                size += len(piece)
                if size > most_bytes:
                    raise TransientError(f"{Path(path).name}: it grew while it was fetched.")
                digest.update(piece)
                file.write(piece)
        return {"size_bytes": size, "sha256": digest.hexdigest()}

    return dict(_ask(url, copy))


def _open(url: str) -> tuple[Any, str]:
    from tasks.storage.remote import open_filesystem

    try:
        return open_filesystem(url)
    except UsageError:
        raise UsageError("Recordings in buckets need s3fs here: pip install 'daylong[s3]'") from None


def _ask(url: str, ask: Callable[[], Any]) -> Any:
    """Ask a bucket; whatever its client raises is told without its words, which may name hosts and keys."""
    try:
        return ask()
    except FileNotFoundError:
        raise UsageError(f"path = {url}: there is no such object.") from None
    except DaylongError:
        raise
    except Exception as error:
        raise TransientError(f"path = {url}: it can't be fetched now ({type(error).__name__}).") from error
