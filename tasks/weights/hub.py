"""The hub's local cache of weights: checking that a repository is complete, and downloading it.

Only files that an engine reads are downloaded, and no pickles. A repository is named `owner/name` or, at a certain
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
from tasks.weights.downloads import Advance, compute_file_digest, download_file, explain_failure

Presence = Literal["yes", "no", "incomplete"]


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub lists it."""

    name: str
    size: int
    """Bytes."""
    sha256: str | None
    """Known for large files only, and absent from the listing stored in the cache."""

    def is_at(self, place: Path, deep: bool = False) -> bool:
        """Whether the file exists at `place` with the right size and, with `deep`, the right digest."""
        if not place.is_file() or place.stat().st_size != self.size:
            return False
        digest = self.sha256 or _read_digest_from_link(place)
        return not deep or digest is None or compute_file_digest(place) == digest


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository that an engine reads, as of its newest commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)

    def place(self, file: HubFile) -> Path:
        """Path of the file in the cache's snapshot folder."""
        return repository_folder(self.repository) / "snapshots" / self.commit / file.name

    def blob(self, file: HubFile) -> Path:
        """Path of the file's blob in the cache, named by its digest."""
        return repository_folder(self.repository) / "blobs" / (file.sha256 or "")

    def missing(self) -> int:
        """Bytes still to download."""
        return sum(f.size - self._begun(f) for f in self.files if not f.is_at(self.place(f)))

    def _begun(self, file: HubFile) -> int:
        if file.sha256 is None:
            return 0
        if file.is_at(self.blob(file)):
            return file.size
        partial = self.blob(file).with_name(f"{file.sha256}.incomplete")
        return min(partial.stat().st_size, file.size) if partial.is_file() else 0


def split_revision(repository: str) -> tuple[str, str | None]:
    """Split `owner/name@revision` into the name and the revision or None.

    >>> split_revision("someone/voice@main"), split_revision("someone/voice")
    (('someone/voice', 'main'), ('someone/voice', None))
    """
    name, _, revision = repository.partition("@")
    return name, revision or None


def is_mirror() -> bool:
    """Whether `HF_ENDPOINT` names another hub than huggingface.co."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT).rstrip("/") != "https://huggingface.co"


def _is_pinned(revision: str | None) -> bool:
    return revision in PINNED.values()


def find_commit(repository: str) -> str:
    """Ask the hub for the commit that would be downloaded. Raises what its client raises."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    name, revision = split_revision(repository)
    try:
        found = HfApi().model_info(name, revision=revision, timeout=10)
    except RevisionNotFoundError:
        if not _is_pinned(revision) or not is_mirror():
            raise
        found = HfApi().model_info(name, timeout=10)
    return found.sha or "main"


def list_files(repository: str, patterns: Iterable[str]) -> Listing:
    """Ask the hub for the repository's files. Raises `MissingWeights` with the reason."""
    from huggingface_hub import HfApi

    name, _ = split_revision(repository)
    try:
        commit = find_commit(repository)
        listed = HfApi().list_repo_tree(name, recursive=True, revision=commit)
        return Listing(name, commit, _select_files(listed, patterns))
    except Exception as error:  # network, permission, no such repository: the client raises many kinds
        raise _missing_weights(repository, error) from error


def fetch(repository: str, patterns: Iterable[str], advance: Advance = lambda _: None) -> Path:
    """Download the files of these patterns into the cache; `advance` receives the bytes of the large ones.

    Existing files are kept unless damaged; an interrupted download is resumed. Raises
    `MissingWeights` with the reason.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download

    wanted = list(patterns)
    found = list_files(repository, wanted)
    name, revision = split_revision(repository)
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
                download_file(url, found.blob(file), file.size, file.sha256, advance)
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # as above, and the disk
        raise _missing_weights(repository, error) from error
    problem = find_damage(name, folder, wanted, deep=True)
    if problem:
        raise MissingWeights(f"{name}: {problem}; try again")
    return folder


def find_cached(repository: str, patterns: Iterable[str], deep: bool = False) -> Path | None:
    """The repository's folder in the cache, if all files of these patterns are there with the right sizes; else None.

    If a pinned revision is missing and no hub offers it, the newest downloaded commit is used.
    `deep` also reads the large ones and compares their SHA-256, which takes seconds for each gigabyte.
    """
    name, revision = split_revision(repository)
    found = _find_cached_revision(name, revision, patterns, deep)
    if found is None and _is_pinned(revision):
        newest = _find_cached_revision(name, None, patterns, deep)
        return newest if newest and (is_mirror() or not is_reachable(repository)) else None
    return found


def _find_cached_revision(name: str, revision: str | None, patterns: Iterable[str], deep: bool) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = list(patterns)
    try:
        found = snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=True)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, ValueError):
        return None
    folder = Path(found)
    return None if find_damage(name, folder, wanted, deep) else folder


def is_begun(repository: str) -> bool:
    """Whether the cache holds anything of the repository, even a partial file."""
    blobs = repository_folder(repository) / "blobs"
    return blobs.is_dir() and any(blobs.iterdir())


def is_reachable(repository: str) -> bool:
    """Whether the hub offers this revision of the repository now."""
    return find_offered_commit(repository) is not None


def find_offered_commit(repository: str) -> str | None:
    """The commit that the hub would send now; None where it can't be fetched."""
    if is_offline():
        return None
    try:
        return find_commit(repository)
    except Exception:  # whatever is wrong with the network or the name, it cannot be fetched
        return None


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids the network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def find_damage(repository: str, folder: Path, patterns: Iterable[str], deep: bool = False) -> str | None:
    """Describe the first defect of the cached files, by the stored listing; None if they are intact."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        listed = get_cached_repo_tree(repository, revision=folder.name)
    except (CachedRepoTreeNotFoundError, OSError, ValueError):
        return None
    for file in _select_files(listed, patterns):
        place = folder / file.name
        if not file.is_at(place):
            return f"{file.name} is incomplete"
        if deep and not file.is_at(place, deep=True):
            return f"{file.name} is damaged"
    return None


def cache_folder() -> Path:
    """The folder of the hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def repository_folder(repository: str) -> Path:
    """The repository's folder in the cache."""
    return cache_folder() / ("models--" + split_revision(repository)[0].replace("/", "--"))


def _select_files(listed: Iterable[object], patterns: Iterable[str]) -> tuple[HubFile, ...]:
    from huggingface_hub.hf_api import RepoFile

    wanted = list(patterns)
    return tuple(
        HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None)
        for entry in listed
        if isinstance(entry, RepoFile) and any(fnmatch.fnmatch(entry.path, pattern) for pattern in wanted)
    )


def describe_file(place: Path) -> HubFile:
    """The cached file as a `HubFile`, with its digest if its blob is named by one."""
    return HubFile(place.name, place.stat().st_size, _read_digest_from_link(place))


def _read_digest_from_link(place: Path) -> str | None:
    """The SHA-256 in the name of the blob that a snapshot links to; None for small files (git's 40 digits)."""
    name = Path(os.readlink(place)).name if place.is_symlink() else ""
    return name if len(name) == 64 else None


def _discard_damaged(found: Listing) -> None:
    """Remove files that differ from the hub's listing: its client accepts any file with the right name."""
    for file in found.files:
        place = found.place(file)
        if place.is_file() and not file.is_at(place, deep=True):
            place.resolve().unlink()
            place.unlink(missing_ok=True)
        blob = found.blob(file)
        if file.sha256 and blob.is_file() and not file.is_at(blob):
            blob.unlink()


def _missing_weights(repository: str, error: Exception) -> MissingWeights:
    return MissingWeights(f"{repository}: cannot be fetched: {explain_failure(error)}")
