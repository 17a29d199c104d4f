"""`daylong run`: process recordings now."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.exit_status import FAILED, open_terminal
from flows.cli.processing import process
from flows.cli.session import open_session
from tasks.errors import UsageError

EXAMPLES = """Examples:

daylong run meeting.mp3

daylong run recordings/ --language en --speakers 2-6

daylong run call.wav --set transcription.beam_size=1 --out /tmp/calls

daylong run --together monday/*.wav

daylong run -- -odd-name.wav
"""

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results. [data/transcripts]")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks and what the libraries say.")]


def run(
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR", help="Recordings, or folders of recordings.")],
    out: Out = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="standard, light or demo: which weights to use. [standard]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as chunking.max_minutes=12. Repeatable."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="xx",
            help="Spoken language (en, English, en-US, …); per-chunk or per-segment: found in every chunk, or for "
            "every stretch of speech. [found once for each recording]",
        ),
    ] = None,
    speakers: Annotated[
        str | None, typer.Option(metavar="N or MIN-MAX", help="How many people speak. [found out]")
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="The files are one recording, split by the recorder; a folder's, too.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Process recordings now, one after another; no server to start.

    Steps that were done before come from the cache. Exit status: 0 all done, 1 some recording failed (the others
    are done), 2 wrong usage or settings.
    """
    with open_terminal(debug):
        settings = parse_settings(
            {
                "profile": profile,
                "out": os.path.abspath(out.expanduser()) if out else None,
                "transcription": {"language": language},
                "diarization": parse_num_speakers(speakers) if speakers is not None else {},
            },
            assignments or [],
        )
    with open_session(debug, read_log_format(settings)) as screen:
        failed = process(files, settings, screen, together=together).failed
    if failed:
        raise typer.Exit(FAILED)


def parse_settings(parameters: dict[str, Any], assignments: list[str]) -> dict[str, Any]:
    """Parse the settings of the command line into the flow's nested parameters. Raises UsageError for a wrong one."""
    from tasks.settings.load import as_parameters, load

    load(parameters, assignments)
    return as_parameters(parameters, assignments)


def read_log_format(settings: dict[str, Any]) -> str:
    """Read `logging.format` from these settings over those of the other sources."""
    from tasks.settings.load import load

    return load(settings).logging.format


def parse_num_speakers(speakers: str) -> dict[str, int]:
    """Parse `--speakers` into settings. Raises UsageError for another form.

    >>> parse_num_speakers("4"), parse_num_speakers("2-6")
    ({'num_speakers': 4}, {'min_speakers': 2, 'max_speakers': 6})
    """
    match = re.fullmatch(r"\s*(\d{1,4})\s*(?:[-–]\s*(\d{1,4})\s*)?", speakers)
    if not match:
        raise UsageError(f"--speakers {speakers}: write a number (4) or a range (2-6).")
    least, most = match.groups()
    if most is None:
        return {"num_speakers": int(least)}
    return {"min_speakers": int(least), "max_speakers": int(most)}
