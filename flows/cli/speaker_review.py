"""`daylong speakers review`: what is in doubt, for people to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import told
from flows.cli.run import Debug
from flows.cli.speakers import Out, Settings, app, clip_of, corrected, in_results, loaded
from flows.cli.terminal import plain, terminal
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.voices.records import Book


@app.command(epilog="Example:  daylong speakers review\n\n          daylong speakers review --yes 3f2a --no 91bc")
def review(
    yes: Annotated[
        list[str] | None, typer.Option("--yes", metavar="OFFER", help="They are one person. Repeatable.")
    ] = None,
    no: Annotated[
        list[str] | None, typer.Option("--no", metavar="OFFER", help="They are two people. Repeatable.")
    ] = None,
    out: Out = None,
    settings: Settings = None,
    debug: Debug = False,
) -> None:
    """Doubtful matches: what may be somebody known, for you to say. They are never taken for it unasked."""
    screen = terminal(debug)
    with told(screen):
        from flows.cli.summary import columns
        from flows.locations import voices_of
        from tasks.voices.book import called
        from tasks.voices.lookup import offers, twins
        from tasks.voices.store import CLIPS, look

        store = voices_of(loaded(settings))
        if yes or no:
            corrected(
                screen, store, "review", *[said(t, True) for t in yes or ()], *[said(t, False) for t in no or ()]
            )
            return
        book, place = look(store), in_results(out)
        table = columns(screen, "offer", "who", "of", "perhaps", "similar", "listen", texts=4)
        rows = 0
        for h in offers(book):
            if place in (None, h.out):
                near = f"{h.maybe_similarity:.2f}" if h.maybe_similarity is not None else ""
                maybe, clip = plain(called(book, h.maybe or "")), clip_of(store, [h.hearing_id])
                table.add_row(h.hearing_id[:8], h.speaker, plain(h.recording_id), maybe, near, clip)
                rows += 1
        for one, other in twins(book) if place is None else ():
            clip = clip_of(store, [h.hearing_id for h in book.of_voice(one)])
            table.add_row(f"{one}+{other}", plain(called(book, one)), "", plain(called(book, other)), "", clip)
            rows += 1
        if not rows:
            screen.say("Nothing to review: no match is in doubt.")
            return
        screen.table(table)
        screen.say(f"Listen      {plain(str(store / CLIPS))}")
        screen.say("Say which   daylong speakers review --yes OFFER --no OFFER")


def said(text: str, right: bool) -> Callable[[Book], tuple[str, Book]]:
    """What somebody says of an offer, as a change of the book."""

    def change(book: Book) -> tuple[str, Book]:
        from tasks.voices import correct
        from tasks.voices.book import called
        from tasks.voices.lookup import offers, twins

        verb = "is" if right else "is not"
        hearings = [h for h in offers(book) if h.hearing_id.startswith(text)]
        pairs = [p for p in twins(book) if "+".join(p).startswith(text)]
        if not text or len(hearings) + len(pairs) != 1:
            raise UsageError(
                f"{text!r} fits {len(hearings) + len(pairs)} offers; daylong speakers review tells them."
            )
        for h in hearings:
            what = f"{h.voice_id} {verb} {called(book, h.maybe or '')}"
            return what, (correct.accept if right else correct.deny)(book, h.hearing_id)
        ((one, other),) = pairs
        what = f"{called(book, one)} {verb} {called(book, other)}"
        return what, correct.merge(book, one, [other]) if right else correct.part(book, one, other)

    return change
