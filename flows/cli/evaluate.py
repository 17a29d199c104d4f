"""`daylong evaluate`: compare transcripts with references."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.aside import written
from flows.cli.exit_status import open_terminal
from flows.cli.run import Debug
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.evaluation.hypotheses import SystemOutput
    from tasks.evaluation.references import Reference
    from tasks.evaluation.score import Score

EXAMPLES = """Examples:

daylong evaluate --reference meeting.rttm data/transcripts

daylong evaluate --reference meeting.stm meeting.rttm --uem meeting.uem data/transcripts --json scores.json
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
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Score transcripts against references: DER, JER, WER, cpWER, tcpWER.

    A reference finds its recording by the name that stands in it: the recorded file's, or the recording's id.
    """
    with open_terminal(debug) as screen:
        *more, folder = paths
        files = [*(reference or []), *more]
        if not files:
            raise UsageError("--reference: name at least one file that tells who spoke when, or who said what.")
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of results; it stands last.")
        from tasks.evaluation.references import read_references
        from tasks.evaluation.score import score_recording, to_json

        scores = [
            score_recording(truth, found)
            for truth, found in _match_references(read_references(files, uem), folder, screen)
        ]
        for one in scores:
            _show_score(one, screen)
        if json_file is not None:
            written(json_file, json.dumps([to_json(s) for s in scores], indent=1, ensure_ascii=False) + "\n")


def _match_references(
    references: dict[str, Reference], folder: Path, screen: Terminal
) -> Iterator[tuple[Reference, SystemOutput]]:
    """Yield each reference with the system output of its recording. Raises UsageError if none matches."""
    from tasks.evaluation.hypotheses import RTTM, matches_recording, read_from_exports, read_from_transcript

    if not references:
        raise UsageError("the references name no recording: they hold no turns and no utterances.")
    if (folder / RTTM).is_file():
        found = read_from_exports(folder)
        names = [n for n in references if matches_recording(n, found.recording_id, None)]
        # An exports folder is one recording: a single reference belongs to it, whatever its name.
        for name in names or (list(references) if len(references) == 1 else []):
            yield references[name], found
            return
        raise UsageError(f"{folder}: no reference for {found.recording_id}; they name {_join_names(references)}.")
    from tasks.dataset.read import read_transcript, recordings

    rows = recordings(folder)
    matched = [
        (name, row["recording_id"])
        for name in references
        for row in rows
        if matches_recording(name, row["recording_id"], row["source_name"])
    ]
    if not matched:
        there = _join_names([r["recording_id"] for r in rows]) if rows else "no recordings at all"
        raise UsageError(f"{folder} has no recording called {_join_names(references)}; there: {there}.")
    for name in sorted(references.keys() - {name for name, _ in matched}):
        screen.note(f"{escape(name)}: no such recording in {escape(folder)}; its reference is left out.")
    for name, recording in matched:
        yield references[name], read_from_transcript(read_transcript(folder, recording))


def _show_score(result: Score, screen: Terminal) -> None:
    from flows.cli.scores import show_score

    show_score(result, screen)


def _join_names(names: object) -> str:
    texts = [escape(n) for n in names]  # type: ignore[attr-defined]
    return ", ".join(texts[:8]) + (f", … ({len(texts)})" if len(texts) > 8 else "")
