"""Open the shared storage that a URL names, and check that it keeps what it must."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import lru_cache

from tasks.errors import MachineFault, TransientError, UsageError
from tasks.sharing.folder import Folder
from tasks.sharing.objects import OTHER, Conflict, Objects


@lru_cache(maxsize=8)
def open_objects(url: str) -> Objects:
    """Open the store at `s3://bucket/prefix`, or in a folder (`file:///mnt/shared/daylong`) that all machines mount.

    One connection pool a process and URL. Raises UsageError for another URL, or where boto3 isn't installed.
    """
    scheme, _, rest = url.rstrip("/").partition("://")
    if scheme == "s3" and rest and not rest.startswith("/"):
        try:
            from tasks.sharing.bucket import Bucket
        except ImportError as error:
            raise UsageError(f"storage = {url}: needs boto3; pip install 'daylong[s3]'") from error
        return Bucket(f"{scheme}://{rest}")
    if scheme == "file" and rest.startswith("/"):
        return Folder(f"{scheme}://{rest}")
    raise UsageError(f"storage = {url}: write s3://bucket/prefix, or file:///folder for one that all machines mount")


@lru_cache(maxsize=8)
def check_objects(url: str) -> None:
    """Raise UsageError where the store can't be reached or written, or doesn't know conditional writes: then two
    machines would undo each other's work without knowing. Asked once a process."""
    objects, name = open_objects(url), f".probe-{uuid.uuid4().hex}"
    try:
        objects.put_new(name, b"1")
        try:
            if not (
                _is_refused(lambda: objects.put_new(name, b"2"))
                and _is_refused(lambda: objects.replace(name, b"3", OTHER))
            ):
                raise UsageError(
                    f"storage = {url}: this store ignores conditions (If-None-Match, If-Match) on writing, so "
                    "machines can't share it safely. AWS and newer versions of MinIO and Ceph heed them."
                )
        finally:
            objects.delete(name)
    except (TransientError, MachineFault) as error:
        raise UsageError(f"storage = {url}: {_strip_url(str(error), url)}") from error


def _is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except Conflict:
        return True
    return False


def _strip_url(message: str, url: str) -> str:
    return message.removeprefix(f"{url}: ")
