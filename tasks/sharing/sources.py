"""Recordings that lie in a bucket: fetched to a file of this machine, since decoders read files."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.errors import UnreadableAudio, UsageError
from tasks.settings.home import cache
from tasks.storage.atomic import stage
from tasks.storage.files import is_plain_name, make_folder
from tasks.suffixes import is_recording

if TYPE_CHECKING:
    from tasks.sharing.bucket import Bucket

KEPT_S = 7 * 24 * 3600.0
"""A recording that was fetched is removed once it hasn't been asked for in so many seconds."""


def is_in_bucket(name: str) -> bool:
    return name.startswith("s3://")


def list_sources(url: str) -> list[str]:
    """List the recordings that `s3://bucket/key` or `s3://bucket/folder/` names: itself, or those directly in it.

    Raises UnreadableAudio for a folder without recordings, and what the bucket raises.
    """
    if not url.endswith("/"):
        return [url]
    objects, folder = open_source(url)
    names = [facts.name.removeprefix(folder) for facts in objects.list(folder)]
    found = [f"{url}{name}" for name in names if "/" not in name and is_recording(name)]
    if not found:
        raise UnreadableAudio(f"{url}: a folder without recordings (its own folders are not searched).")
    return found


def fetch_source(url: str) -> Path:
    """Fetch the recording at `s3://bucket/key`; return the file, which has the object's name and time. One that was
    fetched before is taken as it is, unless the object has changed.

    Raises UnreadableAudio where there is none, and what the bucket raises.
    """
    objects, key = open_source(url)
    name = PurePosixPath(key).name
    if not is_plain_name(name):
        raise UnreadableAudio(f"{url}: no name of a recording in a bucket; write s3://bucket/folder/meeting.wav")
    facts = objects.find(key)
    if facts is None:
        raise UnreadableAudio(f"{url}: there is no such object.")
    version = hashlib.sha256(f"{url} {facts.size} {facts.modified_at}".encode()).hexdigest()[:16]
    folder = cache() / "sources" / version
    _discard_old(folder.parent)
    if not (folder / name).is_file():
        make_folder(folder)
        with stage(folder / name) as staged:
            objects.download(key, staged)
            os.utime(staged, (facts.modified_at, facts.modified_at))  # it may tell when it was recorded
            os.replace(staged, folder / name)
    os.utime(folder)
    return folder / name


def open_source(url: str) -> tuple[Bucket, str]:
    """Open the bucket of `s3://bucket/key`; return it, and the key.

    Raises UsageError without boto3, UnreadableAudio for an address without a bucket.
    """
    try:
        from tasks.sharing.bucket import Bucket
    except ImportError as error:
        raise UsageError(f"{url}: needs boto3; pip install 'daylong[s3]'") from error
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise UnreadableAudio(f"{url}: no name of a recording in a bucket; write s3://bucket/folder/meeting.wav")
    return Bucket(f"s3://{bucket}"), key


def _discard_old(folder: Path) -> None:
    for kept in folder.glob("*"):
        with suppress(OSError):
            if time.time() - kept.stat().st_mtime > KEPT_S:
                shutil.rmtree(kept)
