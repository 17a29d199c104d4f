"""`daylong speakers`: people across recordings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, escape

if TYPE_CHECKING:
    from flows.speakers.corrections import Change, CorrectionResult
    from tasks.settings.schema import Settings
    from tasks.voices.lookup import VoiceSummary
    from tasks.voices.records import VoiceRegistry

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="People across recordings: names that last.")

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Speak of the voices heard in these results. [all results]"),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another setting, as voices.store=/there. Repeatable."),
]
VOICE = "A voice: its name, its id or how that begins, or RECORDING/SPEAKER_00."


@dataclass(frozen=True)
class SpeakersCommand:
    """What the `speakers` commands share: the terminal, the settings, the voice registry's folder, corrections."""

    screen: Terminal
    assignments: list[str]
    """KEY=VALUE, over the settings of the other sources."""

    @cached_property
    def settings(self) -> Settings:
        """The settings as a run would have them, loaded on first use. Raises UsageError for a wrong one."""
        from tasks.settings.load import load

        return load(assignments=self.assignments)

    @cached_property
    def store(self) -> Path:
        """The folder of the voice registry."""
        from flows.locations import resolve_voices

        return resolve_voices(self.settings)

    def note(self, line: str) -> None:
        """Print a line of progress on stderr."""
        self.screen.note(escape(line))

    def enter(self, kind: str, *changes: Change) -> None:
        """Enter corrections and report them."""
        from flows.speakers.corrections import enter_corrections

        self.report(enter_corrections(self.store, kind, *changes, say=self.note))

    def report(self, result: CorrectionResult, prefix: str = "") -> None:
        """Print what was corrected and republished; exit status 1 if a recording could not be republished."""
        for entry in result.entries:
            self.screen.say(f"{prefix}{escape(entry.what)}  (correction {entry.number})")
        if not result.entries and not prefix:
            self.screen.say("That was so already.")
        recordings = "recording" if len(result.rewritten) == 1 else "recordings"
        if result.rewritten:
            self.screen.say(f"{len(result.rewritten)} {recordings} written again.")
        if result.faults:
            for line in result.faults:
                self.screen.fail(escape(line))
            self.screen.note("They are tried again with the next correction.")
            raise typer.Exit(1)

    def report_forgetting(self, result: CorrectionResult) -> None:
        """Print what is left of a forgotten voice and who removes it, then as `report`."""
        if result.waiting:
            self.screen.say("Not gone yet:")
            for line in result.waiting:
                self.screen.say(f"  {escape(line)}")
            self.screen.say("It goes without another command: when that run ends, or with the next run or pruning.")
        self.report(result, "forgotten")


@contextmanager
def open_command(debug: bool, assignments: list[str] | None) -> Iterator[SpeakersCommand]:
    """Yield the frame of a `speakers` command that loads no engine; errors in the `with` block are translated."""
    with open_terminal(debug) as screen:
        yield SpeakersCommand(screen, assignments or [])


@app.command("list", epilog="Example:  daylong speakers list")
def list_voices(out: Out = None, settings: Assignments = None, debug: Debug = False) -> None:
    """Who is known: how sure, from how many recordings, who is most like them, a clip to listen to."""
    with open_command(debug, settings) as command:
        from flows.speakers.remains import list_waiting
        from tasks.voices.lookup import summarize_voices
        from tasks.voices.store import read_current_registry

        store, screen = command.store, command.screen
        for line in list_waiting(store):
            screen.note(escape(f"Of a forgotten voice, not gone yet: {line}"))
        rows = summarize_voices(read_current_registry(store), resolve_results(out))
        if not rows:
            screen.say("No voice is known yet: they are remembered as recordings are processed.")
            return
        _show_voices(rows, read_current_registry(store), store, screen)
        offered = sum(row.offers for row in rows)
        if offered:
            screen.say(f"{offered} may be somebody known: daylong speakers review")


@app.command(epilog="Example:  daylong speakers log")
def log(settings: Assignments = None, debug: Debug = False) -> None:
    """What was corrected, the latest last."""
    with open_command(debug, settings) as command:
        from tasks.voices.store import read_current_registry

        entries = read_current_registry(command.store).corrections
        for entry in entries:
            undone = "  (undone)" if entry.undone else ""
            command.screen.say(f"{entry.number:4}  {entry.at}  {escape(entry.what)}{undone}")
        if not entries:
            command.screen.say("Nothing was corrected yet.")


def resolve_results(out: Path | None) -> str | None:
    """Resolve the folder of results as the registry stores it; None for all. Raises UsageError for a missing one."""
    from flows.cli.export import find_results
    from tasks.sharing.copies import name_place

    return None if out is None else name_place(find_results(out))


def _show_voices(rows: list[VoiceSummary], registry: VoiceRegistry, store: Path, screen: Terminal) -> None:
    from flows.cli.summary import make_table
    from tasks.voices.invariants import display_name
    from tasks.voices.store import CLIPS, select_hearings_with_clips

    kept = select_hearings_with_clips(registry)
    table = make_table(
        screen, "voice", "name", "recordings", "minutes", "last", "alike", "nearest", "listen", texts=2
    )
    for row in rows:
        clips = [h.hearing_id for h in registry.of_voice(row.voice_id) if h.hearing_id in kept]
        near = f"{escape(display_name(registry, row.nearest))} {row.nearest_similarity:.2f}" if row.nearest else ""
        table.add_row(
            row.voice_id,
            escape(row.name or ""),
            f"{row.recordings:,}",
            f"{row.seconds / 60:.1f}",
            row.last,
            "" if row.alike is None else f"{row.alike:.2f}",
            near,
            find_clip_name(store, clips),
        )
    screen.print_table(table)
    screen.say(f"Listen      {escape(str(store / CLIPS))}")
    screen.say("Name one    daylong speakers rename VOICE NAME")


def find_clip_name(store: Path, hearing_ids: list[str]) -> str:
    """Find the file name of the latest clip of these hearings; empty without one."""
    from tasks.voices.store import CLIPS

    clips = [p for key in hearing_ids if (p := store / CLIPS / f"{key}.ogg").exists()]
    return clips[-1].name if clips else ""
