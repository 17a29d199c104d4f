"""`daylong speakers review`: what is in doubt, for people to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.run import Debug
from flows.cli.speakers import Assignments, Out, app, find_clip_name, open_command, resolve_results
from flows.cli.terminal import escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from flows.speakers.corrections import Change
    from tasks.voices.records import VoiceRegistry


@app.command(epilog="Example:  daylong speakers review\n\n          daylong speakers review --yes 3f2a --no 91bc")
def review(
    yes: Annotated[
        list[str] | None, typer.Option("--yes", metavar="OFFER", help="They are one person. Repeatable.")
    ] = None,
    no: Annotated[
        list[str] | None, typer.Option("--no", metavar="OFFER", help="They are two people. Repeatable.")
    ] = None,
    out: Out = None,
    settings: Assignments = None,
    debug: Debug = False,
) -> None:
    """Doubtful matches: what may be somebody known, for you to say. They are never taken for it unasked."""
    with open_command(debug, settings) as command:
        from flows.cli.summary import make_table
        from tasks.voices.invariants import display_name
        from tasks.voices.lookup import list_offers, list_possible_duplicates
        from tasks.voices.store import CLIPS, read_current_registry

        store, screen = command.store, command.screen
        if yes or no:
            decisions = [*(decide(text, True) for text in yes or ()), *(decide(text, False) for text in no or ())]
            command.enter("review", *decisions)
            return
        registry, place = read_current_registry(store), resolve_results(out)
        table = make_table(screen, "offer", "who", "of", "perhaps", "similar", "listen", texts=4)
        rows = 0
        for h in list_offers(registry):
            if place in (None, h.out):
                near = f"{h.maybe_similarity:.2f}" if h.maybe_similarity is not None else ""
                maybe, clip = escape(display_name(registry, h.maybe or "")), find_clip_name(store, [h.hearing_id])
                table.add_row(h.hearing_id[:8], h.speaker, escape(h.recording_id), maybe, near, clip)
                rows += 1
        for one, other in list_possible_duplicates(registry) if place is None else ():
            clip = find_clip_name(store, [h.hearing_id for h in registry.of_voice(one)])
            table.add_row(
                f"{one}+{other}",
                escape(display_name(registry, one)),
                "",
                escape(display_name(registry, other)),
                "",
                clip,
            )
            rows += 1
        if not rows:
            screen.say("Nothing to review: no match is in doubt.")
            return
        screen.print_table(table)
        screen.say(f"Listen      {escape(str(store / CLIPS))}")
        screen.say("Say which   daylong speakers review --yes OFFER --no OFFER")


def decide(text: str, same: bool) -> Change:
    """Make the change that accepts (`same`) or denies the offer whose id begins with `text`.

    It raises UsageError unless exactly one offer fits.
    """

    def change(registry: VoiceRegistry) -> tuple[str, VoiceRegistry]:
        from tasks.voices import correct
        from tasks.voices.invariants import display_name
        from tasks.voices.lookup import list_offers, list_possible_duplicates

        verb = "is" if same else "is not"
        hearings = [h for h in list_offers(registry) if h.hearing_id.startswith(text)]
        pairs = [p for p in list_possible_duplicates(registry) if "+".join(p).startswith(text)]
        if not text or len(hearings) + len(pairs) != 1:
            raise UsageError(
                f"{text!r} fits {len(hearings) + len(pairs)} offers; daylong speakers review tells them."
            )
        for h in hearings:
            what = f"{h.voice_id} {verb} {display_name(registry, h.maybe or '')}"
            return what, (correct.accept if same else correct.deny)(registry, h.hearing_id)
        ((one, other),) = pairs
        what = f"{display_name(registry, one)} {verb} {display_name(registry, other)}"
        return what, correct.merge(registry, one, [other]) if same else correct.separate(registry, one, other)

    return change
