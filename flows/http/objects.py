"""Recordings in a bucket (`s3://bucket/key`) that a job names: whether it may, and how they come onto the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flows.http.errors import ApiError
from flows.http.uploads import make_file_name
from tasks.errors import DaylongError, TransientError, UsageError

if TYPE_CHECKING:
    from tasks.sharing.bucket import Bucket

SCHEME = "s3://"


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
    return {"size_bytes": _ask(url, lambda bucket, key: _measure(url, bucket, key))}


def fetch(_report: Callable[[dict[str, Any]], None], *, url: str, target: str, most_bytes: int) -> dict[str, Any]:
    """Copy an object of at most so many bytes into the file `target`: `size_bytes` and `sha256`. Raises as
    `measure`."""

    def copy(bucket: Bucket, key: str) -> int:
        if _measure(url, bucket, key) <= most_bytes:
            bucket.download(key, Path(target))
            return Path(target).stat().st_size
        return most_bytes + 1

    size = _ask(url, copy)
    if size > most_bytes:
        Path(target).unlink(missing_ok=True)
        raise TransientError(f"path = {url}: it grew while it was fetched.")
    with open(target, "rb") as file:
        return {"size_bytes": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _measure(url: str, bucket: Bucket, key: str) -> int:
    facts = bucket.find(key)
    if facts is None:
        raise UsageError(f"path = {url}: there is no such object.")
    return facts.size


def _ask(url: str, ask: Callable[[Bucket, str], int]) -> int:
    """Ask the bucket of an object; its errors are told without their words, which may name hosts and keys."""
    from tasks.sharing.sources import open_source

    bucket, key = open_source(url)
    try:
        return ask(bucket, key)
    except UsageError:
        raise
    except (DaylongError, OSError) as error:
        reason = type(error.__cause__ or error).__name__
        raise TransientError(f"path = {url}: it can't be fetched now ({reason}).") from error
