"""Where weights come from: a folder, the bundled small ones, or a hub repository kept in the hub's own cache.

    demo:whisper                                  bundled under data/models/demo
    /models/whisper, ./voice.nemo                 taken as it is
    small, htdemucs                               short names of what the engines' makers publish
    nvidia/speakerverification_en_titanet_large   a hub repository
    someone/voice@main                            the same, at a certain commit, branch or tag

What profile `standard` needs by itself is pinned to a commit each (`tasks.weights.catalogue`).
Only files that an engine reads are fetched, and no pickles. `resolve` finds or fetches; `check` says before
a run what is neither here nor to be had.
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
from tasks.paths import advice
from tasks.settings.home import demo_models, home
from tasks.settings.load import merged
from tasks.settings.profiles import profile_settings
from tasks.settings.schema import Settings
from tasks.weights import hub
from tasks.weights.catalogue import DEMO as DEMO
from tasks.weights.catalogue import ESSENTIAL
from tasks.weights.catalogue import PATTERNS as PATTERNS
from tasks.weights.catalogue import PINNED as PINNED
from tasks.weights.catalogue import STANDARD as STANDARD
from tasks.weights.catalogue import Kind as Kind
from tasks.weights.catalogue import Published as Published
from tasks.weights.downloads import Advance

Want = tuple[Kind, str]
"""A kind and the name that the settings give."""

FETCH = "daylong models fetch"

CHOOSING = {
    "transcription": ("model",),
    "diarization": ("engine", "embedding_model", "model"),
    "separation": ("mode", "model"),
    "punctuation": ("mode", "model"),
}
"""Settings that choose weights."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights on this machine. `digest` says what they are: it enters cache keys; `path` says where they are
    now."""

    kind: Kind
    name: str
    path: Path
    digest: str

    def identity(self) -> str:
        return self.digest


def wanted(settings: Settings, device: str) -> list[Want]:
    """What a run with these settings needs on this device ("cpu" or "cuda")."""
    model = settings.transcription.model
    if model == "auto":
        model = "large-v3-turbo" if device == "cuda" else "small"
    wants: list[Want] = [("transcription", model)]
    if settings.knows_voices:
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarizes and settings.diarization.engine == "sortformer":
        wants.append(("diarization", settings.diarization.model))
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode != "never":
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def resolve(kind: Kind, name: str) -> Weights:
    """The weights on this machine, fetched if need be. Raises `MissingWeights`.

    The path is a `.nemo` file for NeMo's kinds, else a folder.
    """
    local = local_path(name)
    if local is not None:
        problem = _unfit_here(kind, local)
        if problem:
            raise MissingWeights(problem)
        path = _entry(kind, local)
        return Weights(kind, name, path, digest_of_files(kind, path))
    repository = repository_of(kind, name)
    folder = cached(kind, repository) or fetch(kind, repository)
    return Weights(kind, name, _entry(kind, folder), f"{hub.parted(repository)[0]}@{folder.name}")


def fetch(kind: Kind, repository: str, advance: Advance = lambda _: None) -> Path:
    """Download what an engine of this kind reads of the repository. Raises `MissingWeights` with the reason."""
    folder = hub.fetch(pinned(repository), PATTERNS[kind], advance)
    problem = unfit(kind, folder)
    if problem:
        raise MissingWeights(f"{repository} is not a {kind} model: {problem}")
    return folder


def check(wants: Iterable[Want], command: str = FETCH) -> None:
    """Raise `MissingWeights`, naming each of these that is neither on this machine nor reachable.

    `command`: what fetches them, as `fetch_command` gives it.
    """
    problems = [p for kind, name in dict.fromkeys(wants) if (p := problem_with(kind, name, command))]
    if problems:
        raise MissingWeights("\n".join(problems))


def problem_with(kind: Kind, name: str, command: str = FETCH) -> str | None:
    """Why these weights cannot be had, and what to do; None if they can."""
    try:
        local = local_path(name)
        if local is not None:
            return _unfit_here(kind, local)
        repository = repository_of(kind, name)
    except MissingWeights as error:
        return str(error)
    if cached(kind, repository) or hub.reachable(pinned(repository)):
        return None
    return (
        f"{kind} model {name}: not in the cache, and {repository} cannot be reached; "
        f"fetch it where there is a network with: {command}"
    )


def fetch_command(settings: Settings, device: str) -> str:
    """The command that fetches what a run with these settings needs on this device, from any machine."""
    plain = Settings.model_validate(merged(profile_settings(settings.profile), {"profile": settings.profile}))
    words = FETCH.split()
    if settings.profile != "standard":
        words += ["--profile", settings.profile]
    if settings.transcription.model == "auto" and device == "cuda":
        words += ["--set", "device=cuda"]
    for group, keys in CHOOSING.items():
        for key in keys:
            given = getattr(getattr(settings, group), key)
            if given != getattr(getattr(plain, group), key):
                words += ["--set", f"{group}.{key}={given}"]
    return shlex.join(words)


def local_path(name: str) -> Path | None:
    """Where a name that means a place on this machine points; None for names of the hub."""
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


def repository_of(kind: Kind, name: str) -> str:
    """The hub repository of a name."""
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


def pinned(repository: str) -> str:
    """The repository at the commit that this project has pinned, unless the name says another.

    >>> pinned("someone/voice"), pinned("adefossez/HTDemucs@main")
    ('someone/voice', 'adefossez/HTDemucs@main')
    """
    known = PINNED.get(repository)
    return f"{repository}@{known}" if known else repository


def cached(kind: Kind, repository: str, deep: bool = False) -> Path | None:
    """The repository's folder in the hub's cache, if it is whole there; `deep` reads it all, to be sure."""
    folder = hub.cached(pinned(repository), PATTERNS[kind], deep)
    return None if folder is None or unfit(kind, folder) else folder


def presence(kind: Kind, repository: str) -> hub.Presence:
    """Is it in the hub's cache?"""
    if cached(kind, repository):
        return "yes"
    return "incomplete" if hub.begun(repository) else "no"


def listed(kind: Kind, repository: str) -> hub.Listing:
    """What the hub holds for an engine of this kind. Raises `MissingWeights` with the reason."""
    return hub.listing(pinned(repository), PATTERNS[kind])


def files_of(kind: Kind, repository: str) -> tuple[hub.File, ...]:
    """The files that an engine of this kind reads, by the hub or, if it can't be asked, as they are in the cache.
    Raises `MissingWeights` where neither knows."""
    try:
        return listed(kind, repository).files
    except MissingWeights:
        folder = cached(kind, repository)
        if folder is None:
            raise
        return tuple(hub.file_at(path) for path in _read(kind, folder))


def size_of(kind: Kind, path: Path) -> int:
    """Bytes of what an engine of this kind reads of a file or folder; 0 where there is none."""
    files = [path] if path.is_file() else _read(kind, path) if path.is_dir() else []
    return sum(file.stat().st_size for file in files)


def _unfit_here(kind: Kind, path: Path) -> str | None:
    """The same of a place that somebody has named: what was meant, where there is none."""
    problem = unfit(kind, path)
    return f"{problem}. {advice(path)}" if problem and not path.exists() else problem


def unfit(kind: Kind, path: Path) -> str | None:
    """Why this place holds no model of this kind; None if it does."""
    if not path.exists():
        return f"{kind} model {path}: there is no such file or folder"
    if path.is_file():
        if kind in ("embedding", "diarization") and path.suffix == ".nemo":
            return None
        return f"{kind} model {path}: wanted a folder" + (" or a .nemo file" if "*.nemo" in PATTERNS[kind] else "")
    names = [p.name for p in path.iterdir() if p.is_file()]
    absent = [e for e in ESSENTIAL[kind] if not any(fnmatch.fnmatch(n, e) for n in names)]
    return f"{kind} model {path}: it has no {', '.join(absent)}" if absent else None


def _entry(kind: Kind, path: Path) -> Path:
    """What the engine is given: the folder, or its `.nemo` file."""
    if kind in ("embedding", "diarization") and path.is_dir():
        return min(path.glob("*.nemo"), key=lambda p: (p.stem != path.parent.name, p.name))
    return path


def digest_of_files(kind: Kind, path: Path) -> str:
    """`sha256:` and the digest of a file, or of the names and contents of what this kind reads in a folder."""
    if path.is_file():
        return _digest((_facts("", path),))
    return _digest(tuple(_facts(file.name, file) for file in _read(kind, path)))


def _read(kind: Kind, folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if any(fnmatch.fnmatch(file.name, p) for p in PATTERNS[kind])]
    return sorted(file for file in files if file.is_file())


def _facts(name: str, file: Path) -> tuple[str, str, int, int]:
    stat = file.stat()
    return name, str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _digest(files: tuple[tuple[str, str, int, int], ...]) -> str:
    # Sizes and times are in the key so that changed weights are read again.
    whole = hashlib.sha256()
    for name, place, _, _ in files:
        with open(place, "rb") as opened:
            whole.update(f"{name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"
