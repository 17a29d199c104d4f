"""What a model's files on disk are: whether a path holds a model of a kind, its size and its digest."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tasks.engines.spec import WeightsFormat
from tasks.weights.catalogue import PUBLISHED, Kind, PublishedWeights, combine_digests
from tasks.weights.downloads import compute_file_digest
from tasks.weights.formats import find_engine, find_format, list_rivals


def measure_size(kind: Kind, path: Path) -> int:
    """Bytes that an engine of this kind reads of a file or folder; 0 if it does not exist."""
    if find_format(kind).suffixes and path.is_dir() and find_defect(kind, path) is None:
        path = find_entry_path(kind, path)
    files = [path] if path.is_file() else list_read_files(kind, path) if path.is_dir() else []
    return sum(file.stat().st_size for file in files)


def find_defect(kind: Kind, path: Path) -> str | None:
    """Explain why this path holds no model of this kind, and which engine reads it if one does; None if it does."""
    if not path.exists():
        return f"{kind} model {path}: there is no such file or folder"
    problem = _find_mismatch(find_format(kind), path)
    if problem is None:
        return None
    rivals = [each for each in list_rivals(kind) if not each.remote]
    fits = next((each for each in rivals if _find_mismatch(each, path) is None), None)
    advice = fits and f". It is one of {fits.maker}'s: set {fits.setting.partition('.')[0]}.engine = {_name(fits)}"
    return f"{kind} model {path}: {problem}{advice or ''}"


def _name(weights: WeightsFormat) -> str:
    return find_engine(weights.kind) or weights.maker


def _find_mismatch(wanted: WeightsFormat, path: Path) -> str | None:
    if path.is_file():
        if path.suffix in wanted.suffixes:
            return None
        return "wanted a folder" + (f" or a {' or '.join(wanted.suffixes)} file" if wanted.suffixes else "")
    if wanted.suffixes and _list_catalogued_files(wanted.kind, path):
        return None
    absent = [e.rpartition("/")[2] for e in wanted.essential if not any(p.is_file() for p in path.glob(e))]
    return f"it has no {', '.join(absent)}" if absent else None


def find_entry_path(kind: Kind, path: Path) -> Path:
    """The path handed to the engine: the folder, or the file in it for kinds of one file."""
    wanted = find_format(kind)
    if wanted.suffixes and path.is_dir():
        files = [file for pattern in wanted.essential for file in path.glob(pattern)]
        files = files or _list_catalogued_files(kind, path)
        return min(files, key=lambda p: (p.stem != path.parent.name, p.name))
    return path


def _list_catalogued_files(kind: Kind, folder: Path) -> list[Path]:
    """The files in a folder that are named as the catalogue's of this kind."""
    names = {file.name for published in PUBLISHED if published.kind == kind for file in published.files}
    return sorted(path for path in folder.iterdir() if path.name in names)


def compute_digest(kind: Kind, path: Path) -> str:
    """`sha256:` and the digest of a file, or of the names and contents of the files of this kind in a folder."""
    if path.is_file():
        return _compute_digest((_stat_file("", path),))
    return _compute_digest(
        tuple(_stat_file(file.relative_to(path).as_posix(), file) for file in list_read_files(kind, path))
    )


def list_read_files(kind: Kind, folder: Path) -> list[Path]:
    """The files in a folder that an engine of this kind reads; patterns with a slash find those of its folders."""
    found = {file for pattern in find_format(kind).patterns for file in folder.glob(pattern)}
    return sorted(file for file in found if file.is_file())


def _stat_file(name: str, file: Path) -> tuple[str, str, int, int]:
    stat = file.stat()
    return name, str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _compute_digest(files: tuple[tuple[str, str, int, int], ...]) -> str:
    # Sizes and times are in the key so that changed weights are read again.
    return combine_digests((name, compute_file_digest(Path(place))) for name, place, _, _ in files)


def find_identity(kind: Kind, digest: str) -> str:
    """What cache keys know a folder's or file's weights by: if they are catalogued ones, as from anywhere else."""
    known: dict[str, PublishedWeights] = {p.files_digest: p for p in PUBLISHED if p.kind == kind and p.files}
    return known[digest].identity if digest in known else digest
