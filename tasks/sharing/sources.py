"""Recordings that lie in a bucket: fetched to a file of this machine, since decoders read files."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tasks.errors import UnreadableAudio, UsageError
from tasks.settings.home import cache
from tasks.storage.atomic import stage
from tasks.storage.files import is_plain_name, make_folder


def is_in_bucket(name: str) -> bool:
    return name.startswith("s3://")


def fetch_source(url: str) -> Path:
    """Fetch the recording at `s3://bucket/key`; return the file, which has the object's name and time. One that was
    fetched before is taken as it is, unless the object has changed.

    Raises UnreadableAudio where there is none, and what the bucket raises.
    """
    try:
        from tasks.sharing.bucket import Bucket
    except ImportError as error:
        raise UsageError(f"{url}: needs boto3; pip install 'daylong[s3]'") from error
    bucket, _, key = url.removeprefix("s3://").partition("/")
    name = PurePosixPath(key).name
    if not bucket or not is_plain_name(name):
        raise UnreadableAudio(f"{url}: no name of a recording in a bucket; write s3://bucket/folder/meeting.wav")
    objects = Bucket(f"s3://{bucket}")
    facts = objects.find(key)
    if facts is None:
        raise UnreadableAudio(f"{url}: there is no such object.")
    version = hashlib.sha256(f"{url} {facts.size} {facts.modified_at}".encode()).hexdigest()[:16]
    target = cache() / "sources" / version / name
    if not target.is_file():
        make_folder(target.parent)
        with stage(target) as staged:
            objects.download(key, staged)
            os.utime(staged, (facts.modified_at, facts.modified_at))
            os.replace(staged, target)
    return target


def discard_source(path: Path) -> None:
    """Remove a fetched recording."""
    if path.is_relative_to(cache() / "sources"):
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
