"""`daylong compare`: several recognisers on the same recordings."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.comparison_output import show_comparison, to_json
from flows.cli.exit_status import FAILED, handle_interrupts, open_terminal
from flows.cli.processing import check_before_start, explain_failure
from flows.cli.progress import show_progress
from flows.cli.run import Debug, Out, parse_settings, read_log_format
from flows.cli.session import open_session
from flows.cli.sources import find_recordings
from flows.cli.terminal import Terminal, escape
from flows.environment import import_prefect
from flows.serving.own_server import RunServer
from tasks.audio.folder import encode_path, name_recording
from tasks.errors import UsageError
from tasks.storage.atomic import write_atomically

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
        paths = find_all(files)
        references = join_to_files(reference or [], uem, paths)
        server = RunServer()
        asked = list_asked(engines, base, assignments or [], server)
    with open_session(debug, read_log_format(asked[0][1])) as screen, handle_interrupts(screen):
        found = []
        for number, path in enumerate(paths, start=1):
            position = f"{number} of {len(paths)}" if len(paths) > 1 else ""
            one = _compare_one(path, asked, references.get(path), screen, position, server, fresh=fresh)
            found += [one] if one else []
        if json_file is not None:
            text = json.dumps([to_json(one) for one in found], indent=1, ensure_ascii=False) + "\n"
            json_file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(json_file, text, durable=False)
    if len(found) < len(paths) or any(run.errors for one in found for run in one.runs):
        raise typer.Exit(FAILED)


def list_asked(
    engines: str, base: dict[str, Any], assignments: list[str], server: RunServer
) -> list[tuple[Candidate, dict[str, Any]]]:
    """List the candidates with the settings of each. Raises UsageError, with a line for each that can't run here,
    before anything is started."""
    from tasks.comparison.candidates import parse_candidates
    from tasks.settings.load import load

    usual = load(base, assignments).transcription.engine
    asked, problems = [], []
    for candidate in parse_candidates(engines):
        try:
            own = parse_settings(base, [*assignments, *candidate.list_assignments(usual)])
            check_candidate(own, server)
            asked.append((candidate, own))
        except UsageError as error:
            problems.append(f"{candidate.label}: {' '.join(str(error).splitlines())}")
    if problems:
        raise UsageError("\n".join(problems))
    return asked


def find_all(names: Sequence[str]) -> list[str]:
    """Find the recordings that were named. Raises the error of those that can't be found."""
    found, errors = find_recordings(names)
    if errors:
        raise UsageError("\n".join(map(str, errors)))
    return found


def join_to_files(files: Sequence[Path], uem: Path | None, recordings: Sequence[str]) -> dict[str, Reference]:
    """Join references with the recordings, by name; the only reference with the only recording whatever its name."""
    from tasks.evaluation.recording_names import RecordingName
    from tasks.evaluation.references import join_references, join_single, read_side_files

    if not files:
        if uem is not None:
            raise UsageError(f"--uem {uem}: regions of a reference; name it with --reference")
        return {}
    side = read_side_files(files, uem)
    if len(recordings) == 1:
        name = Path(recordings[0]).name
        return {recordings[0]: join_single(side, RecordingName(name, name), Path(name))}
    names = {Path(path).name: path for path in recordings}
    joined = join_references(side, [RecordingName(name, name) for name in names], Path("the command line"))
    return {names[name]: reference for name, reference in joined}


def check_candidate(settings: dict[str, Any], server: RunServer) -> None:
    """Refuse settings that can't run on this machine. Raises UsageError."""
    from flows.locations import resolve_device
    from tasks.settings.load import load
    from tasks.weights.requirements import format_fetch_command, list_required
    from tasks.weights.resolve import check_available

    check_before_start(settings, 1, server)
    loaded = load(settings)
    device = resolve_device(loaded)
    check_available(list_required(loaded, device), format_fetch_command(loaded, device))


def _compare_one(
    path: str,
    asked: Sequence[tuple[Candidate, dict[str, Any]]],
    reference: Reference | None,
    screen: Terminal,
    position: str,
    server: RunServer,
    *,
    fresh: bool,
) -> Comparison | None:
    """Compare on one recording, print and write the result; None where it failed, which is said."""
    from tasks.settings.load import load

    settings = load(asked[0][1])
    try:
        with show_progress(screen, position) as show:
            found = _run_flow(
                path, asked, show, server, reference, settings.transcription.fixed_language, fresh=fresh
            )
    except UsageError:
        raise
    except Exception as error:  # a recording must not stop the rest, whatever the cause
        if screen.debug:
            raise
        screen.fail(explain_failure(error, escape(name_recording([path])))[0])
        return None
    from flows.locations import resolve_out
    from tasks.comparison.page import render_page
    from tasks.comparison.words_file import FOLDER, SUFFIX, write_runs

    page = resolve_out(settings) / FOLDER / f"{found.recording_id}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    words = json.dumps(write_runs(found.runs), ensure_ascii=False)
    write_atomically(page.with_name(found.recording_id + SUFFIX), words, durable=False)
    write_atomically(page, render_page(found, Path(path)), durable=False)
    show_comparison(found, screen)
    screen.say(f"Page  {escape(page)}")
    return found


def _run_flow(
    path: str,
    asked: Sequence[tuple[Candidate, dict[str, Any]]],
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
        candidates = [Asked(candidate.label, settings) for candidate, settings in asked]
        recording, runs = compare_engines([encode_path(path)], candidates, fresh)
    return compare_runs(
        recording.recording_id, recording.source_name, recording.duration_s, runs, reference, language
    )
