"""`daylong evaluate`: compare transcripts with references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import Terminal
from tasks.errors import UsageError
from tasks.storage.atomic import write_atomically

if TYPE_CHECKING:
    from tasks.evaluation.hypotheses import SystemOutput
    from tasks.evaluation.references import Reference, SideFiles
    from tasks.evaluation.score import Score

EXAMPLES = """Examples:

daylong evaluate --reference meeting.rttm data/transcripts

daylong evaluate --reference meeting.stm meeting.rttm --uem meeting.uem data/transcripts --json scores.json

daylong evaluate --reference interview.stm --language de data/transcripts
"""


def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="The folder of results, or of one recording's exports; it stands last.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            "-r",
            metavar="REF…",
            help="Who spoke when, who said what: .rttm, .stm, .ctm, SegLST (.json), .TextGrid, labels (.txt).",
        ),
    ] = None,
    uem: Annotated[
        Path | None, typer.Option(metavar="F", help="The regions to score. [from 0 to the last end of either side]")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="xx",
            help="The reference's language, a code: it decides how texts are normalised. [the transcript's]",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Score transcripts against references: DER, JER, WER, cpWER, tcpWER; CER where words are not parted by blanks.

    A reference and a UEM find their recording by the name that stands in them: the recorded file's, or the
    recording's id; folders, endings and capitals do not matter. What fits no recording, or several, is refused.
    """
    with open_terminal(debug) as screen:
        *more, folder = paths
        files = [*(reference or []), *more]
        if not files:
            raise UsageError("--reference: name at least one file that tells who spoke when, or who said what.")
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of results; it stands last.")
        from tasks.evaluation.references import read_side_files
        from tasks.evaluation.score import score_recording, to_json

        spoken = None if language is None else read_language(language)
        scores = [
            score_recording(truth, found, spoken)
            for truth, found in _join_references(read_side_files(files, uem), folder)
        ]
        for one in scores:
            _show_score(one, screen)
        if json_file is not None:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps([to_json(s) for s in scores], indent=1, ensure_ascii=False) + "\n"
            write_atomically(json_file, text, durable=False)


def _join_references(side: SideFiles, folder: Path) -> list[tuple[Reference, SystemOutput]]:
    """Join each reference with the system output of its recording. Raises UsageError for what fits none."""
    from tasks.evaluation.hypotheses import RTTM, read_from_exports, read_from_transcript
    from tasks.evaluation.recording_names import RecordingName
    from tasks.evaluation.references import join_references, join_single

    if (folder / RTTM).is_file():
        found = read_from_exports(folder)
        return [(join_single(side, RecordingName(found.recording_id, found.source_name), folder), found)]
    from tasks.dataset.read import read_transcript, recordings

    names = [RecordingName(row["recording_id"], row["source_name"]) for row in recordings(folder)]
    return [
        (reference, read_from_transcript(read_transcript(folder, one)))
        for one, reference in join_references(side, names, folder)
    ]


def read_language(given: str) -> str:
    """Whisper's code of a language given as a code, a name or a tag. Raises UsageError for an unknown one."""
    from tasks.languages import parse_language, suggest_language

    code = parse_language(given)
    if code is None:
        near = suggest_language(given)
        hint = f"did you mean {near}?" if near else "write a code or a name (de, German, de-AT)"
        raise UsageError(f"--language {given}: no language that Whisper knows; {hint}")
    return code


def _show_score(result: Score, screen: Terminal) -> None:
    from flows.cli.scores import show_score

    show_score(result, screen)
