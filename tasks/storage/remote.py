"""Where values can lie: folders, and what fsspec reaches by a URL (`s3://bucket/daylong`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from tasks.errors import DaylongError, TransientError, UsageError


@lru_cache(maxsize=8)
def open_filesystem(root: str) -> tuple[Any, str]:
    """The fsspec filesystem of `root` and its path there. Raises `UsageError` where there is no such filesystem."""
    from fsspec.core import url_to_fs

    try:
        # A listing that is kept would show for minutes what another process has removed.
        files, path = url_to_fs(root, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        needs = "s3fs; pip install 'daylong[s3]'" if root.startswith("s3://") else error
        raise UsageError(f"cache.store = {root}: needs {needs}") from error
    return files, str(path).rstrip("/")


def check_store(root: str) -> None:
    """Raise `UsageError` where nothing can be kept at the URL `root`: found out by a small file, removed again.

    A bucket that isn't there is not made: its name may be mistyped.
    """
    files, base = open_filesystem(root)
    bucket, aside = base.split("/")[0], f"{base}/.{uuid.uuid4().hex}.part"
    try:
        if root.startswith("s3://"):
            files.call_s3("head_bucket", Bucket=bucket)
        files.makedirs(base, exist_ok=True)
        files.pipe_file(aside, b"")
        files.rm_file(aside)
    except FileNotFoundError as error:
        raise UsageError(f"cache.store = {root}: there is no bucket {bucket}.") from error
    except Exception as error:
        raise UsageError(
            f"cache.store = {root}: nothing can be kept there ({_format_error(error)}). See to its address and "
            "credentials (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …), or name a folder."
        ) from error


@contextmanager
def translate_store_errors(root: str) -> Iterator[None]:
    """Turn what a client library raises by its own names, when a store can't be reached, into `TransientError`."""
    try:
        yield
    except (OSError, DaylongError, ValueError, TypeError):
        raise
    except Exception as error:
        raise TransientError(f"{root}: can't be reached ({_format_error(error)})") from error


def _format_error(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
