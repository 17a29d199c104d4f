"""`daylong translate`: a published transcript in other languages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.export import find_results
from flows.cli.progress import MIN_INTERVAL_S
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from flows.translations import OnSentences
    from tasks.records import Transcript
    from tasks.translation.translate import Translated

EXAMPLES = """Examples:

daylong translate meeting-1f2e3d4c --to de,fr

daylong translate meeting-1f2e3d4c --to ja --set translation.model=qwen3:8b --set translation.glossary=terms.txt

daylong export meeting-1f2e3d4c --format srt --profile netflix --language de
"""


def translate(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A recording's id, how it begins, or its file's name.")
    ],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="xx,yy", help="Languages: codes or names. [translation.languages]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder with the results. [data/transcripts]"),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting: translation.model=qwen3:8b. May be repeated."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Translate a transcript by a language model, by default Ollama's on this machine, and write it in each language.

    Sentences that are translated are kept: after an interruption the same command goes on. Sentences that the model
    doesn't translate properly stay as they were said, and are marked in the table translations.
    """
    with open_terminal(debug) as screen, handle_interrupts(screen):
        from flows.translations import check_translation, describe, translate_to
        from tasks.dataset.read import read_transcript
        from tasks.pruning import usage
        from tasks.pruning.prune import runs_folder
        from tasks.settings.load import load

        settings = load({"translation": {"languages": to}} if to is not None else {}, values or ()).translation
        if not settings.languages:
            raise UsageError("--to: name a language at least, --to de,fr.")
        check_translation(settings)
        folder = find_results(out)
        transcript = read_transcript(folder, recording)
        found: list[Translated] = []
        with usage.mark_running(runs_folder()) as mark, show_sentences(screen) as show:
            mark.name_recording(transcript.recording.recording_id)
            found.extend(translate_to(transcript, settings, settings.languages, show))
        files = publish_all(folder, transcript, found)
        for one in found:
            screen.say(escape(describe(one)))
        for path in files:
            screen.say(escape(path))
        if fault := next((one.fault for one in found if one.fault), None):
            screen.fail(f"{fault} What is translated is kept: the same command goes on from there.")
            raise typer.Exit(FAILED)


def publish_all(folder: Path, transcript: Transcript, found: Sequence[Translated]) -> list[Path]:
    """Add translations to the recording's tables and exports; return the exports' paths. Names of speakers may have
    changed since the transcript was read, and segments been corrected: it is read again."""
    from flows.corrections.publication import carry_over
    from flows.locations import resolve_corrections
    from flows.report_audio import restore_part_paths
    from tasks.corrections.store import open_store
    from tasks.dataset.publish import EXPORTS_FOLDER, Superseded, publish_translations
    from tasks.dataset.read import read_transcript
    from tasks.exports import EXPORTS, render, render_translations
    from tasks.exports.translated import list_translations, name_translated

    recording_id, run_id = transcript.recording.recording_id, transcript.run.run_id
    with open_store(resolve_corrections()):  # no segment changes meanwhile
        now = read_transcript(folder, recording_id)
        if now.run.run_id != run_id:
            raise Superseded(f"{recording_id}: another run has published it since; translate it again.")
        exports = folder / EXPORTS_FOLDER / recording_id
        made = replace(transcript, translations=tuple(t for one in found for t in one.translations))
        transcript = restore_part_paths(carry_over(now, made, now), exports)
        files = render_translations(transcript, [one.language for one in found], folder=exports)
        name = EXPORTS["report"].file_name  # every report leads to the others
        for language in (None, *list_translations(transcript)):
            own = name_translated(name, language)
            if own not in files and (exports / own).exists():
                files |= render(transcript, ["report"], folder=exports, language=language)
        return publish_translations(transcript, folder, exports=files, instead_of=run_id)


@contextmanager
def show_sentences(screen: Terminal) -> Iterator[OnSentences]:
    """Yield a function that shows how many sentences are translated: a bar where it can be drawn, else lines."""
    from tasks.languages import format_language

    if screen.live:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=screen.err, transient=True) as bar:
            tasks = {}

            def draw(language: str, done: int, total: int) -> None:
                if language not in tasks:
                    tasks[language] = bar.add_task(format_language(language), total=total)
                bar.update(tasks[language], completed=done)

            yield draw
        return
    last: dict[str, float] = {}

    def note(language: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - last.get(language, now - MIN_INTERVAL_S) >= MIN_INTERVAL_S:
            last[language] = now
            screen.note(f"{format_language(language)}: {done} of {total} sentences")

    yield note
