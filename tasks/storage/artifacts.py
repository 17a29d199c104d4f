"""The content-addressed store of large values: audio, embeddings, words.

A value's name is its step, its SHA-256 and what it is: `embedding/3f/3f9a….npz`. So equal values are kept once, a
value never changes, and one that is damaged is known by its name. The store is a folder or an fsspec URL. Whatever
else lies there belongs to others: it is neither listed nor removed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.errors import FULL, NoRoom, TransientError
from tasks.records import SAMPLE_RATE_HZ, as_dict
from tasks.storage.remote import open_filesystem, translate_store_errors

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

KINDS = (".json", ".npz", ".flac", ".bin")
"""What values are kept as. The last: bytes of any other kind."""
_COMPLETE = re.compile(rf"[a-z]+(-[a-z]+)*/([0-9a-f]{{2}})/\2[0-9a-f]{{62}}({'|'.join(map(re.escape, KINDS))})")
_TEMPORARY = re.compile(r"[a-z]+(-[a-z]+)*/[0-9a-f]{2}/\.[0-9a-f]{32}\.part")


def is_artifact_name(name: object) -> bool:
    """Whether this is how a value is named.

    >>> is_artifact_name(f"words/3f/3f{'0' * 62}.json"), is_artifact_name("../thesis.docx")
    (True, False)
    """
    return isinstance(name, str) and _COMPLETE.fullmatch(name) is not None


class DamagedArtifact(TransientError):
    """A value is gone, or isn't what its name says: whoever made it makes it again."""


@dataclass(frozen=True, slots=True)
class ArtifactStore:
    """Values under `root`, a folder or an fsspec URL (`s3://bucket/daylong`, `memory://x`)."""

    root: str

    def put(self, step: str, data: bytes, suffix: str) -> str:
        """Keep `data`; its name is returned. Written aside, then renamed: a reader sees all or nothing.

        From now on it counts as just made, also where it was there before: pruning leaves it alone.
        """
        digest = hashlib.sha256(data).hexdigest()
        name = f"{step}/{digest[:2]}/{digest}{suffix}"
        if not is_artifact_name(name):
            raise ValueError(f"{name}: not of the form by which a value is known as ours: step, digest, {KINDS}")
        if self._renewed(name) and self.has(name, len(data)) and self.intact(name):
            return name
        files, base = self._files()
        target, aside = f"{base}/{name}", f"{base}/{step}/{digest[:2]}/.{uuid.uuid4().hex}.part"
        _unfinished[aside] = files
        try:
            with translate_store_errors(self.root):
                files.makedirs(os.path.dirname(target), exist_ok=True)
                with files.open(aside, "wb") as file:
                    file.write(data)
                files.mv(aside, target)
        except BaseException as error:
            with contextlib.suppress(Exception):
                files.rm(aside)
            if isinstance(error, OSError) and error.errno in FULL:
                raise NoRoom(
                    f"{self.root}: the disk is full. Make room, or prune the cache (daylong cache prune); "
                    "the same command then goes on from here."
                ) from error
            raise
        finally:
            _unfinished.pop(aside, None)
        return name

    def get(self, name: str) -> bytes:
        """Read a value. Raises `DamagedArtifact` if it is missing or damaged (a rerun makes it again), another
        TransientError or OSError if the store can't be read now."""
        files, base = self._files()
        try:
            with translate_store_errors(self.root), files.open(f"{base}/{name}", "rb") as file:
                data: bytes = file.read()
        except OSError as error:
            if not isinstance(error, FileNotFoundError) and error.errno != errno.EIO:  # a bad sector stays bad
                raise
            raise DamagedArtifact(f"{name} is gone from the cache; run again to make it anew") from error
        if hashlib.sha256(data).hexdigest() != _digest_in_name(name):
            raise DamagedArtifact(f"{name} in the cache is damaged; run again to make it anew")
        return data

    def has(self, name: str, size: int | None = None) -> bool:
        """Whether the value is there (and, where `size` in bytes is given, whole)."""
        files, base = self._files()
        path = f"{base}/{name}"
        try:
            with translate_store_errors(self.root):
                return bool(files.exists(path)) and (size is None or files.size(path) == size)
        except FileNotFoundError:
            return False

    def intact(self, name: str) -> bool:
        """Whether the value is there and has the digest that its name tells. Raises what `get` raises where the store
        can't be read now: that says nothing of the value."""
        try:
            self.get(name)
        except DamagedArtifact:
            return False
        return True

    def discard(self, name: str) -> None:
        files, base = self._files()
        with contextlib.suppress(FileNotFoundError), translate_store_errors(self.root):
            files.rm_file(f"{base}/{name}")

    def made_at(self, name: str) -> float | None:
        """When it was made or last put, seconds since the epoch, as `listing` tells; None where it is gone."""
        files, base = self._files()
        try:
            with translate_store_errors(self.root):
                return _modification_time(files.info(f"{base}/{name}"))
        except FileNotFoundError:
            return None

    def listing(self) -> Iterator[tuple[str, int, float]]:
        """(name, bytes, seconds since the epoch when it was made or last put) of our values here, and of what is left
        of those that were being written.

        Anything else that lies here (the store may be a folder of other people's files, too) isn't ours to tell.
        """
        files, base = self._files()
        try:
            found = files.find(base, detail=True, withdirs=False)
        except FileNotFoundError:
            return
        for path, facts in sorted(found.items()):
            name = path[len(base) :].lstrip("/")
            if facts.get("type") == "file" and (is_artifact_name(name) or _TEMPORARY.fullmatch(name)):
                yield name, int(facts["size"] or 0), _modification_time(facts)

    def put_json(self, step: str, value: Any) -> str:
        return self.put(step, canonical_json(value), ".json")

    def get_json(self, name: str) -> Any:
        return json.loads(self.get(name))

    def put_records(self, step: str, records: Iterable[object]) -> str:
        """Keep flat records (of `tasks.records`) as a JSON list, one by one: a day's words as plain values, all at
        once, are a hundred MB."""
        data = io.BytesIO()
        for number, record in enumerate(records):
            data.write(b"," if number else b"[")
            data.write(canonical_json(as_dict(record)))
        data.write(b"]" if data.tell() else b"[]")
        return self.put(step, data.getvalue(), ".json")

    def get_records(self, name: str, kind: Callable[..., T]) -> list[T]:
        """What `put_records` kept, each made anew by `kind`."""
        found: list[T] = json.loads(self.get(name), object_hook=lambda fields: kind(**fields))
        return found

    def put_arrays(self, step: str, **arrays: np.ndarray[Any, Any]) -> str:
        """Keep named arrays (no object arrays: nothing here is ever unpickled)."""
        import numpy as np

        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes only bool for **kwds
        return self.put(step, buffer.getvalue(), ".npz")

    def get_arrays(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        import numpy as np

        with np.load(io.BytesIO(self.get(name)), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    def put_audio(self, step: str, samples: np.ndarray[Any, Any]) -> str:
        """Keep mono float32 samples at 16 kHz as FLAC (16 bit)."""
        import soundfile

        buffer = io.BytesIO()
        soundfile.write(buffer, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        return self.put(step, buffer.getvalue(), ".flac")

    def get_audio(self, name: str) -> np.ndarray[Any, Any]:
        """Mono float32 samples at 16 kHz, shape (n,)."""
        import soundfile

        samples, _ = soundfile.read(io.BytesIO(self.get(name)), dtype="float32")
        return samples  # type: ignore[no-any-return]

    def _renewed(self, name: str) -> bool:
        """Let the value's time be now; False where it isn't there, or where only writing it again does so."""
        from fsspec.implementations.local import LocalFileSystem

        files, base = self._files()
        try:
            if isinstance(files, LocalFileSystem):
                os.utime(f"{base}/{name}")
                return True
        except OSError:
            pass
        return False

    def _files(self) -> tuple[Any, str]:
        return open_filesystem(self.root)


_unfinished: dict[str, Any] = {}
"""What is being written now, and where."""


def discard_unfinished() -> None:
    """Remove what is half-written: for a process that ends while its threads write."""
    for aside, files in list(_unfinished.items()):
        with contextlib.suppress(Exception):
            files.rm(aside)


def _modification_time(facts: Mapping[str, Any]) -> float:
    """Where the file system doesn't tell: never, so that it doesn't count as old."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        at = facts.get(key)
        if isinstance(at, datetime):
            return at.timestamp()
        if isinstance(at, (int, float)):
            return float(at)
    return math.inf


def _digest_in_name(name: str) -> str:
    return os.path.basename(name).partition(".")[0]


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
"""Made once: `json.dumps` makes one for every call, and a day has a million records."""


def canonical_json(value: Any) -> bytes:
    """One spelling for equal values: sorted keys, no spaces, no NaN."""
    return _CANONICAL.encode(value).encode()


def compute_json_digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, hexadecimal.

    >>> compute_json_digest({"a": 1, "b": 2}) == compute_json_digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()
