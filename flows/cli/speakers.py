"""`daylong speakers`: people across recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import told
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, plain, terminal

if TYPE_CHECKING:
    from flows.speakers.corrections import CorrectionResult
    from tasks.voices.lookup import VoiceSummary
    from tasks.voices.records import VoiceRegistry

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="People across recordings: names that last.")

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Speak of the voices heard in these results. [all results]"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another setting, as voices.store=/there. Repeatable."),
]
VOICE = "A voice: its name, its id or how that begins, or RECORDING/SPEAKER_00."


@app.command("list", epilog="Example:  daylong speakers list")
def list_(out: Out = None, settings: Settings = None, debug: Debug = False) -> None:
    """Who is known: how sure, from how many recordings, who is most like them, a clip to listen to."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from tasks.voices.lookup import summarize_voices
        from tasks.voices.store import read_current_registry

        store = voices_of(loaded(settings))
        rows = summarize_voices(read_current_registry(store), in_results(out))
        if not rows:
            screen.say("No voice is known yet: they are remembered as recordings are processed.")
            return
        _table(rows, read_current_registry(store), store, screen)
        offered = sum(row.offers for row in rows)
        if offered:
            screen.say(f"{offered} may be somebody known: daylong speakers review")


@app.command(epilog="Example:  daylong speakers log")
def log(settings: Settings = None, debug: Debug = False) -> None:
    """What was corrected, the latest last."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from tasks.voices.store import read_current_registry

        entries = read_current_registry(voices_of(loaded(settings))).corrections
        for entry in entries:
            undone = "  (undone)" if entry.undone else ""
            screen.say(f"{entry.number:4}  {entry.at}  {plain(entry.what)}{undone}")
        if not entries:
            screen.say("Nothing was corrected yet.")


def loaded(settings: list[str] | None) -> Any:
    """The settings, as a run would have them."""
    from tasks.settings.load import load

    return load(assignments=settings or ())


def corrected(screen: Terminal, store: Path, kind: str, *changes: Any) -> None:
    """Enter corrections and tell what came of it; exit status 1 where a recording could not be written again."""
    from flows.speakers.corrections import enter_corrections

    report(screen, enter_corrections(store, kind, *changes, say=noted(screen)))


def noted(screen: Terminal) -> Callable[[str], None]:
    """Progress, as it is told beside the results."""
    return lambda line: screen.note(plain(line))


def report(screen: Terminal, done: CorrectionResult, verb: str = "") -> None:
    for entry in done.entries:
        screen.say(f"{verb}{plain(entry.what)}  (correction {entry.number})")
    if not done.entries and not verb:
        screen.say("That was so already.")
    recordings = "recording" if len(done.rewritten) == 1 else "recordings"
    if done.rewritten:
        screen.say(f"{len(done.rewritten)} {recordings} written again.")
    if done.faults:
        for line in done.faults:
            screen.fail(plain(line))
        screen.note("They are tried again with the next correction.")
        raise typer.Exit(1)


def in_results(out: Path | None) -> str | None:
    from flows.cli.export import results

    return None if out is None else str(results(out).resolve())


def _table(rows: list[VoiceSummary], registry: VoiceRegistry, store: Path, screen: Terminal) -> None:
    from flows.cli.summary import columns
    from tasks.voices.invariants import display_name
    from tasks.voices.store import CLIPS, select_hearings_with_clips

    kept = select_hearings_with_clips(registry)
    table = columns(screen, "voice", "name", "recordings", "minutes", "last", "alike", "nearest", "listen", texts=2)
    for row in rows:
        clips = [h.hearing_id for h in registry.of_voice(row.voice_id) if h.hearing_id in kept]
        near = f"{plain(display_name(registry, row.nearest))} {row.nearest_similarity:.2f}" if row.nearest else ""
        table.add_row(
            row.voice_id,
            plain(row.name or ""),
            f"{row.recordings:,}",
            f"{row.seconds / 60:.1f}",
            row.last,
            "" if row.alike is None else f"{row.alike:.2f}",
            near,
            clip_of(store, clips),
        )
    screen.table(table)
    screen.say(f"Listen      {plain(str(store / CLIPS))}")
    screen.say("Name one    daylong speakers rename VOICE NAME")


def clip_of(store: Path, hearing_ids: list[str]) -> str:
    from tasks.voices.store import CLIPS

    there = [p for key in hearing_ids if (p := store / CLIPS / f"{key}.ogg").exists()]
    return there[-1].name if there else ""
