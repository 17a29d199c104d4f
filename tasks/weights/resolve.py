"""Resolving names of weights: a folder, bundled demo weights, or a hub repository in the hub's local cache.

    demo:whisper                                  bundled under data/models/demo
    /models/whisper, ./voice.nemo                 taken as it is
    small, htdemucs                               short names of what the engines' makers publish
    nvidia/speakerverification_en_titanet_large   a hub repository
    someone/voice@main                            the same, at a certain commit, branch or tag

What profile `standard` needs by itself is pinned to a commit each (`tasks.weights.catalogue`).
Only files that an engine reads are downloaded, and no pickles. `resolve` finds or downloads weights;
`check_available` refuses a run whose weights are neither on this machine nor reachable.
"""

from __future__ import annotations

import fnmatch
import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from tasks.errors import MissingWeights
from tasks.paths import suggest_path
from tasks.settings.home import demo_models, home
from tasks.settings.load import merged
from tasks.settings.profiles import profile_settings
from tasks.settings.schema import Settings
from tasks.weights import hub
from tasks.weights.catalogue import DEMO, ESSENTIAL, PATTERNS, PINNED, Kind
from tasks.weights.downloads import Advance

Requirement = tuple[Kind, str]
"""The kind of weights and their name in the settings."""

FETCH = "daylong models fetch"

MODEL_SETTINGS = {
    "transcription": ("model",),
    "diarization": ("engine", "embedding_model", "model"),
    "separation": ("mode", "model"),
    "punctuation": ("mode", "model"),
}
"""Settings, by group, that select weights."""


@dataclass(frozen=True, slots=True)
class ResolvedWeights:
    """Weights on this machine. `digest` identifies them and enters cache keys; `path` is their location."""

    kind: Kind
    name: str
    path: Path
    digest: str

    def identity(self) -> str:
        return self.digest


def list_required(settings: Settings, device: str) -> list[Requirement]:
    """List the weights that a run with these settings needs on this device ("cpu" or "cuda")."""
    model = settings.transcription.model
    if model == "auto":
        model = "large-v3-turbo" if device == "cuda" else "small"
    wants: list[Requirement] = [("transcription", model)]
    if settings.knows_voices:
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarizes and settings.diarization.engine == "sortformer":
        wants.append(("diarization", settings.diarization.model))
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode != "never":
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def resolve(kind: Kind, name: str) -> ResolvedWeights:
    """Find the weights on this machine, or download them. Raises `MissingWeights`.

    The path is a `.nemo` file for NeMo's kinds, else a folder.
    """
    local = find_local_path(name)
    if local is not None:
        problem = _find_defect_with_advice(kind, local)
        if problem:
            raise MissingWeights(problem)
        path = _find_entry_path(kind, local)
        return ResolvedWeights(kind, name, path, compute_digest(kind, path))
    repository = find_repository(kind, name)
    folder = find_cached(kind, repository) or fetch(kind, repository)
    return ResolvedWeights(
        kind, name, _find_entry_path(kind, folder), f"{hub.split_revision(repository)[0]}@{folder.name}"
    )


def fetch(kind: Kind, repository: str, advance: Advance = lambda _: None) -> Path:
    """Download what an engine of this kind reads of the repository. Raises `MissingWeights` with the reason."""
    folder = hub.fetch(pin_revision(repository), PATTERNS[kind], advance)
    problem = find_defect(kind, folder)
    if problem:
        raise MissingWeights(f"{repository} is not a {kind} model: {problem}")
    return folder


def check_available(wants: Iterable[Requirement], command: str = FETCH) -> None:
    """Raise `MissingWeights`, naming each of these that is neither on this machine nor reachable.

    `command`: the command that downloads them, as returned by `format_fetch_command`.
    """
    problems = [p for kind, name in dict.fromkeys(wants) if (p := find_problem(kind, name, command))]
    if problems:
        raise MissingWeights("\n".join(problems))


def find_problem(kind: Kind, name: str, command: str = FETCH) -> str | None:
    """Explain why these weights are unavailable and what to do; None if they are available."""
    try:
        local = find_local_path(name)
        if local is not None:
            return _find_defect_with_advice(kind, local)
        repository = find_repository(kind, name)
    except MissingWeights as error:
        return str(error)
    if find_cached(kind, repository) or hub.is_reachable(pin_revision(repository)):
        return None
    return (
        f"{kind} model {name}: not in the cache, and {repository} cannot be reached; "
        f"fetch it where there is a network with: {command}"
    )


def format_fetch_command(settings: Settings, device: str) -> str:
    """Format the command that downloads, on any machine, what a run with these settings needs on this device."""
    plain = Settings.model_validate(merged(profile_settings(settings.profile), {"profile": settings.profile}))
    words = FETCH.split()
    if settings.profile != "standard":
        words += ["--profile", settings.profile]
    if settings.transcription.model == "auto" and device == "cuda":
        words += ["--set", "device=cuda"]
    for group, keys in MODEL_SETTINGS.items():
        for key in keys:
            given = getattr(getattr(settings, group), key)
            if given != getattr(getattr(plain, group), key):
                words += ["--set", f"{group}.{key}={given}"]
    return shlex.join(words)


def find_local_path(name: str) -> Path | None:
    """The path that a name refers to on this machine; None for names of the hub."""
    if name.startswith("demo:"):
        if name not in DEMO:
            raise MissingWeights(f"{name}: no such bundled model; there are {', '.join(sorted(DEMO))}")
        return demo_models() / DEMO[name]
    path = Path(name).expanduser()
    is_place = path.is_absolute() or name.startswith((".", "~")) or name.endswith(".nemo")
    for place in (path, home() / path):
        if place.exists() and (is_place or "/" in name):
            return place
    return path if is_place else None


def find_repository(kind: Kind, name: str) -> str:
    """The hub repository that a model name refers to. Raises `MissingWeights` for unknown names."""
    if "/" in name:
        if name.count("/") > 1:
            raise MissingWeights(f"{kind} model {name}: there is no such file or folder")
        return name
    if kind == "transcription":
        from faster_whisper.utils import _MODELS as known

        if name in known:
            return str(known[name])
        raise MissingWeights(
            f"transcription.model = {name}: faster-whisper knows {', '.join(known)}, or a repository or folder"
        )
    if kind == "separation":
        from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

        published = sorted(f.name[:-5] for f in (files("demucs") / "remote").iterdir() if f.name.endswith(".yaml"))
        if name not in published:
            raise MissingWeights(
                f"separation.model = {name}: Demucs knows {', '.join(published)}, or a repository or folder"
            )
        return f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    raise MissingWeights(f"{kind} model {name}: name a hub repository (owner/name), a file or a folder")


def pin_revision(repository: str) -> str:
    """Append the commit that this project pins to a repository, unless the name has a revision.

    >>> pin_revision("someone/voice"), pin_revision("adefossez/HTDemucs@main")
    ('someone/voice', 'adefossez/HTDemucs@main')
    """
    known = PINNED.get(repository)
    return f"{repository}@{known}" if known else repository


def find_cached(kind: Kind, repository: str, deep: bool = False) -> Path | None:
    """The repository's folder in the hub's cache if it is complete; `deep` verifies the digests, too."""
    folder = hub.find_cached(pin_revision(repository), PATTERNS[kind], deep)
    return None if folder is None or find_defect(kind, folder) else folder


def check_presence(kind: Kind, repository: str) -> hub.Presence:
    """Whether the repository is in the hub's cache."""
    if find_cached(kind, repository):
        return "yes"
    return "incomplete" if hub.is_begun(repository) else "no"


def list_hub_files(kind: Kind, repository: str) -> hub.Listing:
    """Ask the hub for the files that an engine of this kind reads. Raises `MissingWeights` with the reason."""
    return hub.list_files(pin_revision(repository), PATTERNS[kind])


def list_files(kind: Kind, repository: str) -> tuple[hub.HubFile, ...]:
    """List the files that an engine of this kind reads, from the hub or, if unreachable, from the cache.
    Raises `MissingWeights` if neither has them."""
    try:
        return list_hub_files(kind, repository).files
    except MissingWeights:
        folder = find_cached(kind, repository)
        if folder is None:
            raise
        return tuple(hub.describe_file(path) for path in _list_read_files(kind, folder))


def measure_size(kind: Kind, path: Path) -> int:
    """Bytes that an engine of this kind reads of a file or folder; 0 if it does not exist."""
    files = [path] if path.is_file() else _list_read_files(kind, path) if path.is_dir() else []
    return sum(file.stat().st_size for file in files)


def _find_defect_with_advice(kind: Kind, path: Path) -> str | None:
    """`find_defect` with a suggestion of the path that may have been meant if there is none."""
    problem = find_defect(kind, path)
    return f"{problem}. {suggest_path(path)}" if problem and not path.exists() else problem


def find_defect(kind: Kind, path: Path) -> str | None:
    """Explain why this path holds no model of this kind; None if it does."""
    if not path.exists():
        return f"{kind} model {path}: there is no such file or folder"
    if path.is_file():
        if kind in ("embedding", "diarization") and path.suffix == ".nemo":
            return None
        return f"{kind} model {path}: wanted a folder" + (" or a .nemo file" if "*.nemo" in PATTERNS[kind] else "")
    names = [p.name for p in path.iterdir() if p.is_file()]
    absent = [e for e in ESSENTIAL[kind] if not any(fnmatch.fnmatch(n, e) for n in names)]
    return f"{kind} model {path}: it has no {', '.join(absent)}" if absent else None


def _find_entry_path(kind: Kind, path: Path) -> Path:
    """The path handed to the engine: the folder, or its `.nemo` file."""
    if kind in ("embedding", "diarization") and path.is_dir():
        return min(path.glob("*.nemo"), key=lambda p: (p.stem != path.parent.name, p.name))
    return path


def compute_digest(kind: Kind, path: Path) -> str:
    """`sha256:` and the digest of a file, or of the names and contents of the files of this kind in a folder."""
    if path.is_file():
        return _compute_digest((_stat_file("", path),))
    return _compute_digest(tuple(_stat_file(file.name, file) for file in _list_read_files(kind, path)))


def _list_read_files(kind: Kind, folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if any(fnmatch.fnmatch(file.name, p) for p in PATTERNS[kind])]
    return sorted(file for file in files if file.is_file())


def _stat_file(name: str, file: Path) -> tuple[str, str, int, int]:
    stat = file.stat()
    return name, str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _compute_digest(files: tuple[tuple[str, str, int, int], ...]) -> str:
    # Sizes and times are in the key so that changed weights are read again.
    whole = hashlib.sha256()
    for name, place, _, _ in files:
        with open(place, "rb") as opened:
            whole.update(f"{name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"
