"""`daylong speakers rename`, `merge`, `split`, `enroll`, `apply`, `undo`, `forget`, `rebuild`: what people say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import interruptible, told
from flows.cli.run import Debug
from flows.cli.session import opened
from flows.cli.speakers import VOICE, Out, Settings, app, corrected, in_results, loaded, noted, report
from flows.cli.terminal import plain, terminal
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.voices.records import VoiceRegistry

Voice = Annotated[str, typer.Argument(metavar="VOICE", help=VOICE)]


@app.command(epilog='Example:  daylong speakers rename v3k2m7qa "Anna Berg"')
def rename(
    voice: Voice,
    name: Annotated[str, typer.Argument(metavar="NAME", help='What to call them; "" takes the name away.')],
    out: Out = None,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Give a voice a name, in all recordings, those to come too."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        kept, place = lookup.normalize_name(name) if name else None, in_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            voice_id = lookup.find_voice(registry, voice, place)
            return f"rename {display_name(registry, voice_id)} to {kept or 'nothing'}", correct.rename(
                registry, voice_id, kept
            )

        corrected(screen, voices_of(loaded(settings)), "rename", change)


@app.command(epilog="Example:  daylong speakers merge Anna v7q2mb4k")
def merge(
    into: Annotated[str, typer.Argument(metavar="VOICE", help=f"{VOICE} It keeps its name.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER…", help="Voices that are the same person.")],
    out: Out = None,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Voices that are one person."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        place = in_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            first, *rest = (lookup.find_voice(registry, text, place) for text in (into, *others))
            names = ", ".join(display_name(registry, v) for v in rest)
            return f"merge {names} into {display_name(registry, first)}", correct.merge(registry, first, rest)

        corrected(screen, voices_of(loaded(settings)), "merge", change)


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
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """A voice that is two people: in these recordings it is another one. They stay apart from then on."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from tasks.voices import correct, lookup
        from tasks.voices.invariants import display_name

        kept, place = lookup.normalize_name(name) if name else None, in_results(out)

        def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
            voice_id = lookup.find_voice(registry, voice, place)
            found = [key for text in recordings for key in lookup.find_hearings(registry, voice_id, text)]
            holder = lookup.find_by_name(registry, kept)
            what = f"split {display_name(registry, voice_id)} in {', '.join(recordings)}" + (
                f" as {kept}" if kept else ""
            )
            return what, correct.split(registry, found, holder, None if holder else kept)

        corrected(screen, voices_of(loaded(settings)), "split", change)


@app.command(epilog='Example:  daylong speakers enroll anna.wav --name "Anna Berg"')
def enroll(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording in which only this person speaks.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Who it is.")],
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="standard or demo.")] = None,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Learn a voice from a file, before it is met."""
    with opened(debug) as screen, told(screen), interruptible(screen):
        from flows.locations import voices_of
        from flows.speakers.corrections import make_enrolment as learn
        from flows.speakers.enrol import measure_voice
        from flows.speakers.published import make_match_rule
        from tasks.voices.lookup import normalize_name

        kept = normalize_name(name)
        chosen = loaded([*([f"profile={profile}"] if profile else []), *(settings or [])])
        hearing, sound = measure_voice(file, chosen)
        store = voices_of(chosen)
        corrected(screen, store, "enroll", learn(hearing, kept, make_match_rule(chosen)))
        from flows.speakers.clips import write_clip

        write_clip(store, hearing.hearing_id, *sound)


@app.command(epilog="Example:  daylong speakers apply monday-1f2e3d4c.corrections.json")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Corrections saved from a report.")],
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Take the names that were given in a report: all of them, or none.

    Who had no name is called so in all recordings. Another name for who had one says that it is somebody else in this
    recording; to spell a name otherwise everywhere there is `rename`.
    """
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from flows.speakers.corrections import read_changes

        corrected(screen, voices_of(loaded(settings)), "apply", *read_changes(file))


@app.command(epilog="Example:  daylong speakers undo")
def undo(
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Which, by daylong speakers log. [the last]")
    ] = None,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Take a correction back. What was forgotten stays forgotten."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from flows.speakers.corrections import undo_correction

        store = voices_of(loaded(settings))
        report(screen, undo_correction(store, number, noted(screen)), "undone: ")


@app.command(epilog="Example:  daylong speakers forget Anna")
def forget(
    voice: Voice,
    out: Out = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Remove a person for good: embeddings, clips and name, from tables, exports, cache and corrections."""
    screen = terminal(debug)
    with told(screen):
        from flows.locations import voices_of
        from flows.speakers.corrections import finish_pending
        from flows.speakers.corrections import forget as remove
        from flows.speakers.remains import list_remains
        from tasks.voices import lookup
        from tasks.voices.invariants import display_name
        from tasks.voices.store import read_current_registry

        chosen, place = loaded(settings), in_results(out)
        store = voices_of(chosen)
        registry = read_current_registry(store)
        with finish_pending(store, noted(screen)):
            who = display_name(registry, lookup.find_voice(registry, voice, place))
        if not yes and not typer.confirm(f"Forget {plain(who)} for good?", default=False):
            raise UsageError("nothing was forgotten.")
        heard, name, done = remove(store, lambda b: lookup.find_voice(b, voice, place), noted(screen), chosen)
        screen.say(f"Forgotten: {len(heard)} embeddings, their clips, the name, and the corrections that tell of it.")
        if not done.faults:
            screen.say("The results of the steps of these recordings left the cache: they are worked out anew.")
        for line in list_remains(name, heard):
            screen.say(plain(line))
        report(screen, done, "forgotten")


@app.command(epilog="Example:  daylong speakers rebuild")
def rebuild(out: Out = None, settings: Settings = None, debug: Debug = False) -> None:
    """Learn the voices of all recordings from their tables: where the store was lost, or results came from elsewhere.

    Voices and names that the tables tell stay. Where the speaker model has changed, process the recordings again: who
    spoke when tells who they are.
    """
    screen = terminal(debug)
    with told(screen):
        from flows.cli.export import results
        from flows.locations import voices_of
        from flows.speakers.rebuild import rebuild as learn

        chosen = loaded(settings)
        count, faults = learn(voices_of(chosen), results(out).resolve(), chosen, noted(screen))
        screen.say(f"{count} recordings learned.")
        for line in faults:
            screen.fail(plain(line))
        if faults:
            raise typer.Exit(1)
