"""The local store of weights that came out of a package index or a folder: `data/models/fetched/KIND/NAME/FILE`.

A file gets its name once its SHA-256 is the catalogue's, so that what is there is whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.errors import MissingWeights
from tasks.settings.home import fetched_models
from tasks.storage.atomic import stage
from tasks.storage.files import make_folder, sync_folders
from tasks.weights.catalogue import PublishedWeights, WeightsFile
from tasks.weights.downloads import compute_file_digest

BLOCK = 1024 * 1024


def folder_of(weights: PublishedWeights) -> Path:
    """The weights' folder, which may not be there yet."""
    return fetched_models() / weights.kind / weights.name


def find(weights: PublishedWeights, deep: bool = False) -> Path | None:
    """The weights' folder if all their files are there; `deep` verifies the digests, too."""
    return folder_of(weights) if weights.files and not list_missing(weights, deep) else None


def list_missing(weights: PublishedWeights, deep: bool = False) -> list[WeightsFile]:
    """The files that are not there in their full size or, with `deep`, not with their digest."""
    folder = folder_of(weights)
    return [file for file in weights.files if not is_whole(folder / file.name, file, deep)]


def is_whole(path: Path, file: WeightsFile, deep: bool = False) -> bool:
    """Whether there is a file of this size and, with `deep`, of this digest at `path`."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return not deep or compute_file_digest(path) == file.sha256


def add(weights: PublishedWeights, file: WeightsFile, data: Iterable[bytes], origin: str) -> None:
    """Write one of the weights' files; `origin` says in an error where the data came from.

    No more is taken of the data than the file is large. Raises `MissingWeights` if they are of another digest, and
    what reading them or the disk raises; then nothing is left.
    """
    folder, found = folder_of(weights), hashlib.sha256()
    make_folder(folder)
    with stage(folder / file.name) as staged:
        with open(staged, "wb") as opened:
            for block in _bounded(data, file.size):
                opened.write(block)
                found.update(block)
            opened.flush()
            os.fsync(opened.fileno())
        if found.hexdigest() != file.sha256:
            raise MissingWeights(
                f"{weights.kind} model {weights.name}: {file.name} of {origin} was refused: its SHA-256 is "
                f"{found.hexdigest()}, not {file.sha256}"
            )
        os.replace(staged, folder / file.name)
    sync_folders([folder])


def _bounded(data: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The data's first `size` bytes and one more block at most: an archive's word about sizes is not taken."""
    read = 0
    for block in data:
        read += len(block)
        yield block
        if read > size:
            return


def read_blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes, a block at a time."""
    with open(path, "rb") as opened:
        while block := opened.read(BLOCK):
            yield block
