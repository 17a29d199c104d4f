"""`daylong compare`: several recognisers on the same recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.comparison_input import find_named, join_to_files, list_candidates
from flows.cli.comparison_output import show_comparison, write_json, write_page
from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.processing import explain_failure
from flows.cli.progress import show_progress
from flows.cli.run import Debug, Out, read_log_format
from flows.cli.session import open_session
from flows.cli.terminal import Terminal, escape
from flows.environment import import_prefect
from flows.serving.own_server import RunServer
from tasks.audio.folder import encode_path, name_recording
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.comparison.candidates import Candidate
    from tasks.comparison.records import Comparison
    from tasks.evaluation.references import Reference

EXAMPLES = """Examples:

daylong compare talk.mp3 --engines faster-whisper,parakeet

daylong compare talk.mp3 --engines "faster-whisper[compute_type=int8],faster-whisper[compute_type=float16]"

daylong compare call.flac --engines faster-whisper:base,whisper-cpp:models/ggml-base.bin --reference call.stm
"""


def compare(
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR", help="Recordings, or folders of recordings.")],
    engines: Annotated[
        str,
        typer.Option(
            metavar="A,B,…",
            help="Recognisers: engine, engine:model, engine[compute_type=int8,batch_size=4], with any setting of "
            "transcription in the brackets.",
        ),
    ],
    reference: Annotated[
        list[Path] | None,
        typer.Option("--reference", "-r", metavar="REF", help="Who said what, as in daylong evaluate. Repeatable."),
    ] = None,
    uem: Annotated[
        Path | None, typer.Option(metavar="F", help="The regions of the reference to score. [all]")
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="xx", help="Spoken language. [each engine finds it out]")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard, light or demo: which weights to use. [standard]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, for all of them. Repeatable."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Transcribe anew what the cache has, to measure it.")
    ] = False,
    out: Out = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Compare recognisers on your own recordings: speed, memory, errors, and where they hear different words.

    Each transcribes the same chunks, one after another, alone in memory. With a reference their error rates are
    printed, and always how far they agree with each other, and the ten places where they differ most, to listen to;
    a page beside it has the same. Exit status: 0 all done, 1 something failed, 2 wrong usage, or an engine that can't
    run here: nothing was transcribed then.
    """
    with open_terminal(debug):
        base = {
            "profile": profile,
            "out": os.path.abspath(out.expanduser()) if out else None,
            "transcription": {"language": language},
        }
        paths = find_named(files)
        references = join_to_files(reference or [], uem, paths)
        server = RunServer()
        candidates = list_candidates(engines, base, assignments or [], server)
    with open_session(debug, read_log_format(candidates[0][1])) as screen, handle_interrupts(screen):
        found = []
        for number, path in enumerate(paths, start=1):
            position = f"{number} of {len(paths)}" if len(paths) > 1 else ""
            one = _compare_one(path, candidates, references.get(path), screen, position, server, fresh=fresh)
            found += [one] if one else []
        if json_file is not None:
            write_json(found, json_file)
    if len(found) < len(paths) or any(run.errors for one in found for run in one.runs):
        raise typer.Exit(FAILED)


def _compare_one(
    path: str,
    candidates: Sequence[tuple[Candidate, dict[str, Any]]],
    reference: Reference | None,
    screen: Terminal,
    position: str,
    server: RunServer,
    *,
    fresh: bool,
) -> Comparison | None:
    """Compare on one recording, print and write the result; None where it failed, which is said."""
    from flows.locations import resolve_out
    from tasks.settings.load import load

    settings = load(candidates[0][1])
    try:
        with show_progress(screen, position) as show:
            found = _run_flow(
                path, candidates, show, server, reference, settings.transcription.fixed_language, fresh=fresh
            )
    except UsageError:
        raise
    except Exception as error:  # a recording must not stop the rest, whatever the cause
        if screen.debug:
            raise
        screen.fail(explain_failure(error, escape(name_recording([path])))[0])
        return None
    page = write_page(found, Path(path), resolve_out(settings))
    show_comparison(found, screen)
    screen.say(f"Page  {escape(page)}")
    return found


def _run_flow(
    path: str,
    candidates: Sequence[tuple[Candidate, dict[str, Any]]],
    show: Any,
    server: RunServer,
    reference: Reference | None,
    language: str | None,
    *,
    fresh: bool,
) -> Comparison:
    server.begin()  # it starts while Prefect is imported
    import_prefect()
    from flows.compare_engines import Asked, compare_engines
    from flows.reporting.progress import subscribe
    from tasks.comparison.compare import compare_runs

    server.wait()
    with subscribe(show):
        asked = [Asked(candidate.label, settings) for candidate, settings in candidates]
        recording, runs = compare_engines([encode_path(path)], asked, fresh)
    return compare_runs(
        recording.recording_id, recording.source_name, recording.duration_s, runs, reference, language
    )
