"""The hub's own cache of weights: what is in it, whole, and fetching what isn't.

Only files that an engine reads are fetched, and no pickles. A repository is named `owner/name` or, at a certain
commit, branch or tag, `owner/name@revision`. A mirror may keep a repository under commits of its own: where it
hasn't a commit that this project pinned, its newest is taken; never so on the hub itself, nor for a revision that
somebody asked for.

huggingface_hub is imported where it is used: it reads the environment (`HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_TOKEN`)
once, when it is imported.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.errors import MissingWeights
from tasks.weights.catalogue import PINNED
from tasks.weights.downloads import Advance, bring, digest_of, reason

Presence = Literal["yes", "no", "incomplete"]


@dataclass(frozen=True, slots=True)
class File:
    """A file as the hub lists it."""

    name: str
    size: int
    """Bytes."""
    sha256: str | None
    """Told of large files only, and not by the listing that is kept in the cache."""

    def is_at(self, place: Path, deep: bool = False) -> bool:
        """Is it there, as long as it should be, and with `deep` the same by its digest?"""
        if not place.is_file() or place.stat().st_size != self.size:
            return False
        digest = self.sha256 or _digest_in_name(place)
        return not deep or digest is None or digest_of(place) == digest


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository that an engine reads, as of its newest commit."""

    repository: str
    commit: str
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)

    def place(self, file: File) -> Path:
        """Where the cache shows it to readers."""
        return storage(self.repository) / "snapshots" / self.commit / file.name

    def blob(self, file: File) -> Path:
        """Where the cache keeps it, under its digest."""
        return storage(self.repository) / "blobs" / (file.sha256 or "")

    def missing(self) -> int:
        """Bytes that are still to come."""
        return sum(f.size - self._begun(f) for f in self.files if not f.is_at(self.place(f)))

    def _begun(self, file: File) -> int:
        if file.sha256 is None:
            return 0
        if file.is_at(self.blob(file)):
            return file.size
        partial = self.blob(file).with_name(f"{file.sha256}.incomplete")
        return min(partial.stat().st_size, file.size) if partial.is_file() else 0


def parted(repository: str) -> tuple[str, str | None]:
    """The name without and with its revision.

    >>> parted("someone/voice@main"), parted("someone/voice")
    (('someone/voice', 'main'), ('someone/voice', None))
    """
    name, _, revision = repository.partition("@")
    return name, revision or None


def is_mirror() -> bool:
    """Does `HF_ENDPOINT` name another hub than huggingface.co?"""
    from huggingface_hub import constants

    return str(constants.ENDPOINT).rstrip("/") != "https://huggingface.co"


def _is_pinned(revision: str | None) -> bool:
    return revision in PINNED.values()


def commit_of(repository: str) -> str:
    """The commit that would be fetched, by the hub. Raises what its client raises."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    name, revision = parted(repository)
    try:
        found = HfApi().model_info(name, revision=revision, timeout=10)
    except RevisionNotFoundError:
        if not _is_pinned(revision) or not is_mirror():
            raise
        found = HfApi().model_info(name, timeout=10)
    return found.sha or "main"


def listing(repository: str, patterns: Iterable[str]) -> Listing:
    """Ask the hub what the repository holds. Raises `MissingWeights` with the reason."""
    from huggingface_hub import HfApi

    name, _ = parted(repository)
    try:
        commit = commit_of(repository)
        listed = HfApi().list_repo_tree(name, recursive=True, revision=commit)
        return Listing(name, commit, _files(listed, patterns))
    except Exception as error:  # network, permission, no such repository: the client raises many kinds
        raise _missing(repository, error) from error


def fetch(repository: str, patterns: Iterable[str], advance: Advance = lambda _: None) -> Path:
    """Download the files of these patterns into the cache; `advance` is told of bytes of the large ones.

    What is there already stays, unless it is damaged; a download that was interrupted goes on. Raises
    `MissingWeights` with the reason.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download

    wanted = list(patterns)
    found = listing(repository, wanted)
    name, revision = parted(repository)
    if _is_pinned(revision) and found.commit != revision:
        revision = None
    try:
        _discard_damaged(found)
        for file in found.files:
            if file.sha256 is None or found.place(file).is_file():
                continue
            url = hf_hub_url(name, file.name, revision=found.commit)
            # A mirror may know a file by another name than its digest; its client then fetches it in its own way.
            if get_hf_file_metadata(url).etag == file.sha256:
                bring(url, found.blob(file), file.size, file.sha256, advance)
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # as above, and the disk
        raise _missing(repository, error) from error
    problem = damage(name, folder, wanted, deep=True)
    if problem:
        raise MissingWeights(f"{name}: {problem}; try again")
    return folder


def cached(repository: str, patterns: Iterable[str], deep: bool = False) -> Path | None:
    """The repository's folder in the cache, if all files of these patterns are there, as long as they should
    be.

    Where a pinned revision isn't, the newest commit that was fetched does, if there is no hub that has it.
    `deep` also reads the large ones and compares their SHA-256, which takes seconds for each gigabyte.
    """
    name, revision = parted(repository)
    found = _cached(name, revision, patterns, deep)
    if found is None and _is_pinned(revision):
        newest = _cached(name, None, patterns, deep)
        return newest if newest and (is_mirror() or not reachable(repository)) else None
    return found


def _cached(name: str, revision: str | None, patterns: Iterable[str], deep: bool) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = list(patterns)
    try:
        found = snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=True)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, ValueError):
        return None
    folder = Path(found)
    return None if damage(name, folder, wanted, deep) else folder


def begun(repository: str) -> bool:
    """Is anything of the repository in the cache, if only half a file?"""
    blobs = storage(repository) / "blobs"
    return blobs.is_dir() and any(blobs.iterdir())


def reachable(repository: str) -> bool:
    """Does the hub answer for this repository, and this revision of it?"""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        commit_of(repository)
    except Exception:  # whatever is wrong with the network or the name, it cannot be fetched
        return False
    return True


def damage(repository: str, folder: Path, patterns: Iterable[str], deep: bool = False) -> str | None:
    """What is wrong with the cached files, by the listing that came with them; None for nothing."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        listed = get_cached_repo_tree(repository, revision=folder.name)
    except (CachedRepoTreeNotFoundError, OSError, ValueError):
        return None
    for file in _files(listed, patterns):
        place = folder / file.name
        if not file.is_at(place):
            return f"{file.name} is incomplete"
        if deep and not file.is_at(place, deep=True):
            return f"{file.name} is damaged"
    return None


def cache_folder() -> Path:
    """The cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def storage(repository: str) -> Path:
    """The repository's part of the cache."""
    return cache_folder() / ("models--" + parted(repository)[0].replace("/", "--"))


def _files(listed: Iterable[object], patterns: Iterable[str]) -> tuple[File, ...]:
    from huggingface_hub.hf_api import RepoFile

    wanted = list(patterns)
    return tuple(
        File(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None)
        for entry in listed
        if isinstance(entry, RepoFile) and any(fnmatch.fnmatch(entry.path, pattern) for pattern in wanted)
    )


def file_at(place: Path) -> File:
    """A file of the cache; its digest where the cache has it from the hub."""
    return File(place.name, place.stat().st_size, _digest_in_name(place))


def _digest_in_name(place: Path) -> str | None:
    """The cache shows links to blobs; large ones are named by their SHA-256, others by 40 digits of git."""
    name = Path(os.readlink(place)).name if place.is_symlink() else ""
    return name if len(name) == 64 else None


def _discard_damaged(found: Listing) -> None:
    """Remove what is not what the hub lists: its client believes any file that bears the right name."""
    for file in found.files:
        place = found.place(file)
        if place.is_file() and not file.is_at(place, deep=True):
            place.resolve().unlink()
            place.unlink(missing_ok=True)
        blob = found.blob(file)
        if file.sha256 and blob.is_file() and not file.is_at(blob):
            blob.unlink()


def _missing(repository: str, error: Exception) -> MissingWeights:
    return MissingWeights(f"{repository}: cannot be fetched: {reason(error)}")
