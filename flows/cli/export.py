"""`daylong export`: write an export again from the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.subtitle_options import SubtitleProfileName, SubtitleValues, read_subtitle_options
from flows.cli.terminal import escape
from tasks.errors import UsageError
from tasks.storage.atomic import write_atomically

EXAMPLES = """Examples:

daylong export meeting-1f2e3d4c --format srt --to meeting.srt

daylong export meeting-1f2e3d4c --format srt --profile netflix

daylong export meeting-1f2e3d4c --format srt --language fr

daylong export meeting-1f2e3d4c --template minutes.md.j2 --to minutes.md
"""


def export(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A recording's id, how it begins, or its file's name.")
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="F",
            help="srt, vtt, txt, json, rttm, ctm, seglst, report, ass, ttml, docx, md, csv, lrc, timeline.png or "
            "timeline.svg.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="A Jinja2 template of your own, instead of a format."),
    ] = None,
    profile: SubtitleProfileName = None,
    mode: Annotated[
        str | None,
        typer.Option("--mode", metavar="M", help="Times of subtitles: of the words (accurate), or by length (fast)."),
    ] = None,
    values: SubtitleValues = None,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="xx", help="A language that it is translated to. [as it was spoken]"),
    ] = None,
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
        from tasks.exports import ALL_EXPORTS, PICTURES, timeline
        from tasks.exports import template as templates
        from tasks.exports.translated import name_translated, read_translated

        if (form is None) == (template is None):
            raise UsageError("name one of --format F and --template FILE.")
        if form is not None and form not in ALL_EXPORTS and form not in PICTURES:
            there = ", ".join([*ALL_EXPORTS, *PICTURES])
            raise UsageError(f"--format {form}: there is no such format; there are {there}.")
        code = read_language(language, form)
        written = templates.read_template(template) if template else ""
        if embed_audio and (form != "report" or audio is None):
            raise UsageError("--embed-audio: goes with --format report and --audio FILE, the recording.")
        from tasks.dataset.publish import EXPORTS_FOLDER
        from tasks.dataset.read import read_transcript
        from tasks.exports import render

        folder = find_results(out)
        transcript = read_translated(read_transcript(folder, recording), code)
        style = read_subtitle_options(profile, mode, values or (), transcript.run.settings.get("subtitles") or {})
        if style is not None and form is not None and not (form in ALL_EXPORTS and ALL_EXPORTS[form].has_cues):
            there = ", ".join(name for name, export in ALL_EXPORTS.items() if export.has_cues)
            raise UsageError(
                f"--profile, --mode and --set go with subtitles ({there}) and templates, not with {form}."
            )
        if template is not None:
            # Named as the others are: a later publication of the recording, without a forgotten person, removes it.
            name = f"transcript.{templates.name_output(template)}"
        else:
            name = str(form) if form in PICTURES else ALL_EXPORTS[str(form)].file_name
        target = to or folder / EXPORTS_FOLDER / transcript.recording.recording_id / name_translated(name, code)
        if audio is not None:
            transcript = set_audio_paths(transcript, audio)
        if embed_audio:
            transcript = embed_audio_in_report(transcript)
        content: str | bytes
        if template is not None:
            content = templates.write(transcript, written, template.name, style)
        elif form in PICTURES:
            content = timeline.write(transcript, PICTURES[form])
        else:
            content = render(transcript, [str(form)], folder=target.parent, style=style)[name]
        if to is not None and str(to) == "-":
            screen.write_file(content)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content, durable=False)
        screen.say(escape(target))


def read_language(given: str | None, form: str | None) -> str | None:
    """Read the code of a language. Raises UsageError for one that is unknown, and for formats that are not written in
    other languages."""
    from tasks.exports import ALL_EXPORTS, PICTURES
    from tasks.languages import parse_language

    if given is None:
        return None
    code = parse_language(given)
    if code is None:
        raise UsageError(f"--language {given}: no language that is known. Write a code or a name (de, German).")
    if form in PICTURES or (form is not None and not ALL_EXPORTS[form].translates):
        raise UsageError(f"--language: {form} is the same in every language, or for scoring what was heard.")
    return code


def find_results(out: Path | None) -> Path:
    """Find the folder of results: `out`, else as the settings say. Raises UsageError if there is none."""
    from flows.locations import resolve_out
    from tasks.settings.load import load

    if out is None:
        out = resolve_out(load())
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder of results; --out says where they are.")
    return out
