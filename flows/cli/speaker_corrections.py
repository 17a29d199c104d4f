"""`daylong speakers rename`, `merge`, `split`, `enroll`, `apply`, `undo`, `forget`, `rebuild`: correct voices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import handle_interrupts
from flows.cli.run import Debug
from flows.cli.session import open_session
from flows.cli.speakers import VOICE, Assignments, Out, SpeakersCommand, app, open_command, resolve_results
from flows.cli.terminal import escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.voices.records import VoiceRegistry

Voice = Annotated[str, typer.Argument(metavar="VOICE", help=VOICE)]


@app.command(epilog='Example:  daylong speakers rename v3k2m7qa "Anna Berg"')
def rename(
    voice: Voice,
    name: Annotated[str, typer.Argument(metavar="NAME", help='What to call them; "" takes the name away.')],
    out: Out = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Give a voice a name, in all recordings, those to come too."""
    with open_command(debug, settings) as command:
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        new_name, place = lookup.normalize_name(name) if name else None, resolve_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            voice_id = lookup.find_voice(registry, voice, place)
            return f"rename {display_name(registry, voice_id)} to {new_name or 'nothing'}", correct.rename(
                registry, voice_id, new_name
            )

        command.enter("rename", change)


@app.command(epilog="Example:  daylong speakers merge Anna v7q2mb4k")
def merge(
    into: Annotated[str, typer.Argument(metavar="VOICE", help=f"{VOICE} It keeps its name.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER…", help="Voices that are the same person.")],
    out: Out = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Voices that are one person."""
    with open_command(debug, settings) as command:
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        place = resolve_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            first, *rest = (lookup.find_voice(registry, text, place) for text in (into, *others))
            names = ", ".join(display_name(registry, v) for v in rest)
            return f"merge {names} into {display_name(registry, first)}", correct.merge(registry, first, rest)

        command.enter("merge", change)


@app.command(epilog="Example:  daylong speakers split Anna monday-1f2e3d4c --name Berta")
def split(
    voice: Voice,
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="RECORDING…", help="Where it is somebody else: ids, how they begin, or with /SPEAKER_00."
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Who it is there, if you know.")] = None,
    out: Out = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """A voice that is two people: in these recordings it is another one. They stay apart from then on."""
    with open_command(debug, settings) as command:
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        new_name, place = lookup.normalize_name(name) if name else None, resolve_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            voice_id = lookup.find_voice(registry, voice, place)
            found = [key for text in recordings for key in lookup.find_hearings(registry, voice_id, text)]
            holder = lookup.find_by_name(registry, new_name)
            what = f"split {display_name(registry, voice_id)} in {', '.join(recordings)}" + (
                f" as {new_name}" if new_name else ""
            )
            return what, correct.split(registry, found, holder, None if holder else new_name)

        command.enter("split", change)


@app.command(epilog='Example:  daylong speakers enroll anna.wav --name "Anna Berg"')
def enroll(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording in which only this person speaks.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Who it is.")],
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="standard, light or demo.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="As of the other commands; nothing in it changes.")
    ] = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Learn a voice from a file, before it is met."""
    with open_session(debug) as screen, handle_interrupts(screen):
        from flows.speakers.clips import write_clip
        from flows.speakers.corrections import make_enrolment
        from flows.speakers.enrol import measure_voice
        from flows.speakers.published import make_match_rule
        from tasks.voices.lookup import normalize_name

        new_name = normalize_name(name)
        command = SpeakersCommand(screen, [*([f"profile={profile}"] if profile else []), *(settings or [])])
        hearing, sound = measure_voice(file, command.settings)
        command.enter("enroll", make_enrolment(hearing, new_name, make_match_rule(command.settings)))
        write_clip(command.store, hearing.hearing_id, hearing.source_name, *sound)


@app.command(epilog="Example:  daylong speakers apply monday-1f2e3d4c.corrections.json")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Corrections saved from a report.")],
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Take the names that were given in a report: all of them, or none.

    Who had no name is called so in all recordings. Another name for who had one says that it is somebody else in this
    recording; to spell a name otherwise everywhere there is `rename`.
    """
    with open_command(debug, settings) as command:
        from flows.speakers.corrections_file import read_changes

        command.enter("apply", *read_changes(file))


@app.command(epilog="Example:  daylong speakers undo")
def undo(
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Which, by daylong speakers log. [the last]")
    ] = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Take a correction back. What was forgotten stays forgotten."""
    with open_command(debug, settings) as command:
        from flows.speakers.corrections import undo_correction

        command.report(undo_correction(command.store, number, command.note), "undone: ")


@app.command(epilog="Example:  daylong speakers forget Anna")
def forget(
    voice: Voice,
    out: Out = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Remove a person for good: embeddings, clips and name, from tables, exports, cache and corrections.

    What a run under way uses goes when it ends, without another command.
    """
    with open_command(debug, settings) as command:
        from flows.speakers.corrections import finish_forgetting, finish_pending
        from flows.speakers.corrections import forget as forget_voice
        from flows.speakers.remains import list_remains
        from tasks.voices import lookup
        from tasks.voices.invariants import display_name
        from tasks.voices.store import read_current_registry

        chosen, place = command.settings, resolve_results(out)
        store, screen = command.store, command.screen
        registry = read_current_registry(store)
        try:
            who = display_name(registry, lookup.find_voice(registry, voice, place))
        except UsageError:
            with finish_pending(store, command.note):
                left = finish_forgetting(store, voice, place, command.note, chosen)
                if left is None:
                    raise
            screen.say("Being forgotten already." if left.waiting or left.faults else "Forgotten: the rest is gone.")
            command.report_forgetting(left)
            return
        if not yes and not typer.confirm(f"Forget {escape(who)} for good?", default=False):
            raise UsageError("nothing was forgotten.")
        heard, name, result = forget_voice(
            store, lambda registry: lookup.find_voice(registry, voice, place), command.note, chosen, asked=voice
        )
        finished = not (result.faults or result.waiting)
        screen.say(
            f"{'Forgotten' if finished else 'Being forgotten'}: {len(heard)} "
            f"embedding{'' if len(heard) == 1 else 's'}, their clips, the name, and "
            "the corrections that tell of it."
        )
        if finished:
            screen.say("The results of the steps of these recordings left the cache: they are worked out anew.")
        for line in list_remains(name, heard):
            screen.say(escape(line))
        command.report_forgetting(result)


@app.command(epilog="Example:  daylong speakers rebuild")
def rebuild(out: Out = None, settings: Assignments = None, debug: Debug = False) -> None:
    """Learn the voices of all recordings from their tables: where the store was lost, or results came from elsewhere.

    Voices and names that the tables tell stay. Where the speaker model has changed, process the recordings again: who
    spoke when tells who they are.
    """
    with open_command(debug, settings) as command:
        from flows.cli.export import find_results
        from flows.speakers.rebuild import rebuild as rebuild_registry

        chosen = command.settings
        count, faults = rebuild_registry(command.store, find_results(out).resolve(), chosen, command.note)
        command.screen.say(f"{count} recordings learned.")
        for line in faults:
            command.screen.fail(escape(line))
        if faults:
            raise typer.Exit(1)
