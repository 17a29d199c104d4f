"""`daylong corrections`: words and turns that people corrected, kept over every later run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.session import open_session
from flows.cli.speakers import Assignments
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from flows.corrections.enter import EntryResult

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Words and turns corrected once: later runs keep them."
)

Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The folder with the results. [data/transcripts]")
]
To = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to write. [stdout]")]


@app.command(epilog="Example:  daylong corrections apply monday-1f2e3d4c.corrections.json")
def apply(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Saved from a report, or exported.")],
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", help="Who says so, where a file doesn't tell. [the account]"),
    ] = None,
    out: Out = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Take corrections of words and turns, and names of speakers, out of files.

    They hold for the sound: the same recording has them after every run, whatever its weights and settings. With
    transcription.aligner, new words get times by it.
    """
    with open_terminal(debug) as screen:
        from flows.cli.export import find_results
        from flows.corrections.align import align_facts, open_aligner
        from flows.corrections.enter import apply_rows, find_user, read_corrections
        from tasks.settings.load import load

        results = find_results(out)
        held = [(path, read_corrections(path, results, by or find_user())) for path in files]
        for path, each in held:
            if each.has_names:
                _apply_names(path, screen)
        rows = [row for _, each in held for row in each.rows]
        chosen = load(assignments=settings or [])

        def say(line: str) -> None:
            screen.note(escape(line))

        if rows and chosen.transcription.aligns:
            with open_session(debug) as session:  # engines write where they like
                report(apply_rows(align_facts(rows, results, open_aligner(chosen)), results, say), session)
        elif rows:
            report(apply_rows(rows, results, say), screen)


@app.command(epilog="Example:  daylong corrections log")
def log(debug: Debug = False) -> None:
    """What was corrected, the latest last."""
    with open_terminal(debug) as screen:
        from flows.corrections.listing import describe, name_recordings
        from flows.locations import resolve_corrections
        from tasks.corrections.store import read_log

        held = read_log(resolve_corrections())
        names = name_recordings(held)
        for fact in held.facts:
            where = names.get(fact.sha256, fact.sha256[:8])
            undone = "  (undone)" if fact.undone else ""
            screen.say(escape(f"{fact.number:4}  {fact.at}  {fact.by}  {where}  {describe(fact)}{undone}"))
        if not held.facts:
            screen.say("Nothing was corrected yet.")


@app.command(epilog="Example:  daylong corrections undo")
def undo(
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Which, by daylong corrections log. [the last]")
    ] = None,
    debug: Debug = False,
) -> None:
    """Take a correction back: what the machine says is there again."""
    with open_terminal(debug) as screen:
        from flows.corrections.enter import undo_fact

        report(undo_fact(number, lambda line: screen.note(escape(line))), screen)


@app.command(epilog="Example:  daylong corrections conflicts")
def conflicts(debug: Debug = False) -> None:
    """Corrections that won although a later run says a third thing: neither what was there nor what is."""
    with open_terminal(debug) as screen:
        from flows.corrections.listing import describe, find_conflicts

        found, faults = find_conflicts()
        for recording_id, conflict in found:
            screen.say(escape(f"{conflict.fact.number:4}  {recording_id}  {describe(conflict.fact)}"))
            screen.say(escape(f"      the machine says now: “{conflict.machine}”"))
        if not found and not faults:
            screen.say("No conflicts.")
        elif found:
            screen.say("The corrections stand. To take one back: daylong corrections undo NUMBER")
        _fail(faults, screen)


@app.command(epilog="Example:  daylong corrections stats --to replacements.txt")
def stats(
    least: Annotated[int, typer.Option("--least", metavar="N", min=1, help="Only what was mended so often.")] = 1,
    to: To = None,
    debug: Debug = False,
) -> None:
    """How often which words were mended, the most frequent first, as a file for transcription.replacements."""
    with open_terminal(debug) as screen:
        from flows.locations import resolve_corrections
        from tasks.corrections.counts import count_mended, write_replacements
        from tasks.corrections.store import read_log

        mended = count_mended(read_log(resolve_corrections()).facts)
        if not mended:
            screen.say("No word was mended yet.")
            return
        _write(write_replacements(mended, least), to, screen)
        if to is not None:
            screen.say(escape(f"Use it with  --set transcription.replacements={to}"))


@app.command(epilog="Example:  daylong corrections export monday-1f2e3d4c --to monday.json")
def export(
    recording: Annotated[
        str | None, typer.Argument(metavar="[RECORDING]", help="Its id, how it begins, or its file's name. [all]")
    ] = None,
    to: To = None,
    out: Out = None,
    debug: Debug = False,
) -> None:
    """Write the corrections that hold to a file, for another machine that has the same recordings."""
    with open_terminal(debug) as screen:
        from flows.cli.export import find_results
        from flows.corrections.listing import write_file
        from flows.locations import resolve_corrections
        from tasks.corrections.store import read_log
        from tasks.dataset.read import find

        held = read_log(resolve_corrections())
        sha256 = None if recording is None else str(find(find_results(out), recording)["sha256"])
        facts = [f for f in held.facts if not f.undone and sha256 in (None, f.sha256)]
        if not facts:
            raise UsageError("there are no corrections to export.")
        _write(write_file(facts), to, screen)


def report(result: EntryResult, screen: Terminal) -> None:
    """Print what was entered, taken back and written again; exit status 1 if a recording could not be."""
    from flows.corrections.listing import describe

    for fact in result.entered:
        screen.say(escape(f"{describe(fact)}  (correction {fact.number})"))
    for fact in result.undone:
        screen.say(escape(f"undone: {describe(fact)}  (correction {fact.number})"))
    if not result.entered and not result.undone:
        screen.say("That was so already.")
    for sha256 in result.absent:
        screen.say(f"No results of the recording {sha256[:8]}… yet: it has them once it is processed.")
    if result.rewritten:
        count = len(result.rewritten)
        screen.say(f"{count} recording{'' if count == 1 else 's'} written again.")
    _fail(result.faults, screen)


def _fail(faults: list[str], screen: Terminal) -> None:
    for line in faults:
        screen.fail(escape(line))
    if faults:
        screen.note("They are tried again with the next correction.")
        raise typer.Exit(1)


def _apply_names(path: Path, screen: Terminal) -> None:
    from flows.cli.speakers import SpeakersCommand
    from flows.speakers.corrections_file import read_changes

    SpeakersCommand(screen, []).enter("apply", *read_changes(path))


def _write(text: str, to: Path | None, screen: Terminal) -> None:
    from tasks.storage.atomic import write_atomically

    if to is None:
        screen.write_file(text)
        return
    if not to.parent.is_dir():
        raise UsageError(f"--to {to}: there is no folder {to.parent}.")
    write_atomically(to, text, durable=False)
    screen.say(escape(to))
