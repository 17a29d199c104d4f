"""The hub's own cache of weights: what is in it, whole, and fetching what isn't.

Only files that an engine reads are fetched, and no pickles. huggingface_hub is imported where it is used: it
reads the environment (`HF_ENDPOINT`, `HF_HUB_OFFLINE`) once, when it is imported.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from pathlib import Path

from tasks.errors import MissingWeights


def cached(repository: str, patterns: Iterable[str], deep: bool = False) -> Path | None:
    """The repository's folder in the cache, if all files of these patterns are there, as long as they should
    be.

    `deep` also reads them and compares their SHA-256, which takes seconds for each gigabyte.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(repository, allow_patterns=list(patterns), local_files_only=True)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, ValueError):
        return None
    folder = Path(found)
    return None if damage(repository, folder, patterns, deep) else folder


def fetch(repository: str, patterns: Iterable[str]) -> Path:
    """Download the files of these patterns into the cache. Raises `MissingWeights` with the reason."""
    from huggingface_hub import snapshot_download

    wanted = list(patterns)
    try:
        folder = Path(snapshot_download(repository, allow_patterns=wanted))
        if damage(repository, folder, wanted):
            # The hub's client believes any file that bears the right name.
            folder = Path(snapshot_download(repository, allow_patterns=wanted, force_download=True))
    except Exception as error:  # network, permission, disk, no such repository: the client raises many kinds
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise MissingWeights(f"{repository}: cannot be fetched: {reason}") from error
    problem = damage(repository, folder, wanted)
    if problem:
        raise MissingWeights(f"{repository}: {problem}; try again with: daylong models fetch")
    return folder


def reachable(repository: str) -> bool:
    """Does the hub answer for this repository?"""
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        HfApi().model_info(repository, timeout=10)
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
    wanted = list(patterns)
    for entry in listed:
        if not any(fnmatch.fnmatch(entry.path, p) for p in wanted):
            continue
        file = folder / entry.path
        if not file.is_file() or file.stat().st_size != entry.size:
            return f"{entry.path} is incomplete"
        if deep and not _is_its_name(file.resolve()):
            return f"{entry.path} is damaged"
    return None


def _is_its_name(blob: Path) -> bool:
    """Large files are stored under their SHA-256; of others (40 digits of git) it isn't known."""
    if len(blob.name) != 64:
        return True
    with open(blob, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == blob.name
