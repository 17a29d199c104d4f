"""`daylong models`: which weights each profile needs, and fetching them ahead."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.downloading import format_size, show_download
from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.run import Debug
from flows.cli.session import open_session
from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.errors import MissingWeights

if TYPE_CHECKING:
    from tasks.weights.catalogue import Kind

EXAMPLES = """Examples:

daylong models fetch

daylong models fetch --set device=cuda

daylong models fetch --set separation.mode=always --set punctuation.mode=never

HF_HOME=/mnt/large/hf daylong models fetch
"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The weights: which each profile needs, and fetching them ahead.",
    epilog="Example:  daylong models list",
)


@app.command("list", epilog="Example:  daylong models list")
def list_models(
    files: Annotated[
        bool, typer.Option("--files", help="Each file too: its size and digest, as the hub tells them.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Which weights each profile needs, where they come from, how big they are and whether they are here."""
    with open_terminal(debug) as screen:
        from tasks.weights import hub
        from tasks.weights.catalogue import STANDARD

        table = make_table(
            screen, "profile", "size", "for", "name in the settings", "from", "revision", "licence", "needed", "here"
        )
        for column in table.columns[2:]:
            column.justify, column.no_wrap, column.overflow = "left", False, "fold"
        for row in (*_standard(), *_demo()):
            table.add_row(*row)
        if not screen.out.is_terminal:
            screen.out.width = 240  # lines for grep, not folded
        screen.print_table(table)
        screen.say()
        turbo = next(p for p in STANDARD if p.name == "large-v3-turbo")
        screen.say(
            "Short names are those of the engine's makers: large-v3-turbo, to faster-whisper, is "
            f"{turbo.repository}. A hub repository (owner/name) or a folder does as well."
        )
        if files:
            _tell_files(screen)
        screen.say(f"Cache: {escape(hub.cache_folder())} (HF_HOME moves it). Fetch ahead: daylong models fetch")


def _standard() -> Iterator[tuple[str, ...]]:
    from tasks.weights.catalogue import ENGINES, STANDARD
    from tasks.weights.resolve import check_presence

    for p in STANDARD:
        what = f"{p.kind} ({ENGINES[p.kind]})"
        here = check_presence(p.kind, p.repository)
        licence, revision = p.licence or "not known", p.revision[:12]
        yield "standard", format_size(p.size_gb * 1e9), what, p.name, p.repository, revision, licence, p.needed, here


def _tell_files(screen: Terminal) -> None:
    """What a hub lists; where none can be asked, the files that are here, large ones named by their digest."""
    from tasks.weights import resolve
    from tasks.weights.catalogue import STANDARD

    for p in STANDARD:
        screen.say(f"{p.repository} at {p.revision}")
        try:
            for file in resolve.list_files(p.kind, p.repository):
                screen.say(f"  {escape(file.name)}  {format_size(file.size)}  {file.sha256 or 'no digest told'}")
        except MissingWeights as error:
            screen.say(f"  not known here: {error}")
        screen.say()


def _demo() -> Iterator[tuple[str, ...]]:
    from tasks.settings.home import demo_models
    from tasks.weights.catalogue import BUNDLED_LICENCES, DEMO, DEMO_KINDS, ENGINES, STANDARD
    from tasks.weights.resolve import find_defect, measure_size

    for name, place in DEMO.items():
        kind, path = DEMO_KINDS[name], demo_models() / place
        needed = "always" if kind == "transcription" else next(p.needed for p in STANDARD if p.kind == kind)
        how_much, licence, here = "–", "–", "absent"
        if find_defect(kind, path) is None:
            how_much, licence, here = (
                format_size(measure_size(kind, path)),
                BUNDLED_LICENCES.get(name, "MIT"),
                "bundled",
            )
        what, where = f"{kind} ({ENGINES[kind]})", f"data/models/demo/{place}"
        yield "demo", how_much, what, name, where, "–", licence, needed, here


@app.command("fetch", epilog=EXAMPLES)
def fetch_models(
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard or demo: which weights to use. [standard]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as for `daylong run`. Repeatable."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Download the weights that runs with these settings need, so that they need no network.

    What is there already is checked and left; an interrupted download goes on where it stopped. The hub is
    huggingface.co or HF_ENDPOINT, the token HF_TOKEN, the cache under HF_HOME. Exit status: 0 all is there, 1 some
    could not be fetched (the others are there), 2 wrong usage or settings.
    """
    with open_session(debug) as screen, handle_interrupts(screen):
        from tasks.settings.load import load
        from tasks.weights import resolve

        settings = load({"profile": profile}, assignments or [])
        if settings.device == "cuda":
            device = "cuda"  # for another machine, it may be
        else:
            from flows.locations import resolve_device

            device = resolve_device(settings)
        failed = fetch(resolve.list_required(settings, device), screen)
    if failed:
        raise typer.Exit(FAILED)


def fetch(wants: Iterable[tuple[Kind, str]], screen: Terminal) -> int:
    """Have each of these on this machine, whole; how many could not be had."""
    from tasks.weights import catalogue, resolve

    here: list[tuple[Kind, str, Path]] = []
    remote: list[tuple[Kind, str, str]] = []
    for kind, name in dict.fromkeys(wants):
        local = resolve.find_local_path(name)
        if local is not None:
            here.append((kind, name, local))
        else:
            remote.append((kind, name, resolve.find_repository(kind, name)))
    failed = _local(here, screen) + _remote(remote, screen)
    if not failed:
        bundled = all(name in catalogue.DEMO for _, name, _ in here) and not remote
        screen.say("All of these come with Daylong: nothing to fetch." if bundled else "All is here.")
    return failed


def _local(here: list[tuple[Kind, str, Path]], screen: Terminal) -> int:
    from tasks.weights import catalogue, resolve

    failed = 0
    for kind, name, path in here:
        bundled = name in catalogue.DEMO
        problem = resolve.find_defect(kind, path)
        if problem:
            screen.fail(problem + ("; it comes with the clone: git checkout -- data/models/demo" if bundled else ""))
            failed += 1
        else:
            what = "bundled" if bundled else "taken as it is"
            screen.say(f"{kind} {escape(name)}: {what}, {format_size(resolve.measure_size(kind, path))}")
    return failed


def _remote(wants: list[tuple[Kind, str, str]], screen: Terminal) -> int:
    from tasks.weights import catalogue, hub, resolve

    failed, due = 0, []
    for kind, name, repository in wants:
        label = f"{kind} {escape(name)}" + (f" ({escape(repository)})" if name != repository else "")
        if found := resolve.find_cached(kind, repository, deep=True):
            screen.say(f"{label}: already there, {format_size(resolve.measure_size(kind, found))}")
            continue
        try:
            due.append((label, kind, repository, resolve.list_hub_files(kind, repository)))
        except MissingWeights as error:
            screen.fail(f"{kind} {error}")
            failed += 1
    needs, free = sum(files.missing() for *_, files in due), _free(hub.cache_folder())
    if needs > free:
        screen.fail(
            f"needs {format_size(needs)}, free {format_size(free)} at {hub.cache_folder()}; "
            "make room, or let HF_HOME name a folder on a larger disk"
        )
        return failed + len(due)
    for label, kind, repository, files in due:
        try:
            with show_download(screen, label, files.missing()) as advance:
                resolve.fetch(kind, repository, advance)
        except MissingWeights as error:
            screen.fail(f"{kind} {error}")
            failed += 1
        else:
            screen.say(f"{label}: fetched and checked, {format_size(files.size)}")
            wanted = hub.split_revision(resolve.pin_revision(repository))[1]
            if wanted and wanted in catalogue.PINNED.values() and wanted != files.commit:
                screen.note(f"{label}: this mirror has no revision {wanted[:12]}; its newest commit was taken")
    return failed


def _free(folder: Path) -> int:
    """Bytes free where this folder is, or will be."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
