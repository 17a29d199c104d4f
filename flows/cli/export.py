"""`daylong export`: write an export again from the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.aside import written
from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import escape
from tasks.errors import UsageError


def export(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A recording's id, how it begins, or its file's name.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="F",
            help="srt, vtt, txt, json, rttm, ctm, seglst, report, timeline.png or timeline.svg.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder with the results. [data/transcripts]"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FILE", help="Where to write; - for stdout. [the recording's folder of exports]"
        ),
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option("--audio", metavar="FILE", help="Where the recording is now, for the report to play it."),
    ] = None,
    embed_audio: Annotated[
        bool,
        typer.Option("--embed-audio", help="Carry the sound in the report, as Opus of 11 MB an hour; needs --audio."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Write a transcript file, the report or a picture of who spoke when, from the tables."""
    with open_terminal(debug) as screen:
        from flows.report_audio import embed_audio_in_report, set_audio_paths
        from tasks.exports import EXPORTS, PICTURES, timeline

        if form not in EXPORTS and form not in PICTURES:
            there = ", ".join([*EXPORTS, *PICTURES])
            raise UsageError(f"--format {form}: there is no such format; there are {there}.")
        if embed_audio and (form != "report" or audio is None):
            raise UsageError("--embed-audio: goes with --format report and --audio FILE, the recording.")
        from tasks.dataset.publish import EXPORTS_FOLDER
        from tasks.dataset.read import read_transcript
        from tasks.exports import render

        folder = find_results(out)
        transcript = read_transcript(folder, recording)
        name = form if form in PICTURES else EXPORTS[form].file_name
        target = to or folder / EXPORTS_FOLDER / transcript.recording.recording_id / name
        if audio is not None:
            transcript = set_audio_paths(transcript, audio)
        if embed_audio:
            transcript = embed_audio_in_report(transcript)
        content: str | bytes
        if form in PICTURES:
            content = timeline.write(transcript, PICTURES[form])
        else:
            content = render(transcript, [form], folder=target.parent)[name]
        if to is not None and str(to) == "-":
            screen.write_file(content)
            return
        written(target, content)
        screen.say(escape(target))


def find_results(out: Path | None) -> Path:
    """Find the folder of results: `out`, else as the settings say. Raises UsageError if there is none."""
    from tasks.settings.home import home, transcripts
    from tasks.settings.load import load

    if out is None:
        out_setting = load().out
        out = home() / Path(out_setting).expanduser() if out_setting else transcripts()
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder of results; --out says where they are.")
    return out
