"""`daylong demo`: the whole pipeline on a bundled sample, offline.

Public weights on the meeting in natural voices, if those of profile `light` are on this machine; else the small
bundled ones on the meeting that they know.
"""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import FAILED, open_terminal
from flows.cli.processing import process
from flows.cli.run import Debug, Out, parse_settings, read_log_format
from flows.cli.session import open_session
from flows.cli.terminal import Terminal, escape
from tasks.errors import MissingWeights, UsageError
from tasks.settings.home import natural_sample, sample, transcripts

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome
    from tasks.records import Transcript

EXCERPT_LINES = 12
"""Segments of the transcript that are shown."""

FETCH = "daylong models fetch --profile light"
BUNDLED = f"With the small bundled weights, which know 278 English words. Public ones (215 MB): {FETCH}"


class DemoProfile(StrEnum):
    LIGHT = "light"
    DEMO = "demo"


def demo(
    out: Out = None,
    profile: Annotated[
        DemoProfile | None,
        typer.Option(
            help="light: public weights and natural voices; demo: the small bundled weights and the voices that they "
            "know. [light if its weights are on this machine]",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """The whole pipeline on a bundled sample, offline: transcript, speakers, and how right they are."""
    with open_terminal(debug):
        settings = choose_settings(profile, out or transcripts())
        recording = choose_sample(settings["profile"])
        if not recording.is_file():
            raise UsageError(f"{recording}: the bundled sample is missing; run daylong from its clone.")
    with open_session(debug, read_log_format(settings)) as screen:
        if profile is None and settings["profile"] == DemoProfile.DEMO:
            screen.note(BUNDLED)
        done = process([str(recording)], settings, screen)
        for outcome in done.outcomes:
            _show_results(outcome, recording, screen)
            _suggest_commands(outcome, recording, settings["profile"], screen)
    if done.failed:
        raise typer.Exit(FAILED)


def choose_settings(asked: DemoProfile | None, out: Path) -> dict[str, Any]:
    """Choose the profile, and set what the demo sets: it downloads nothing, whatever it lacks.

    Raises `MissingWeights` where profile `light` is asked for and its weights are not on this machine.
    """
    place = {"out": os.path.abspath(out)}
    if asked != DemoProfile.DEMO:
        # Light's recogniser punctuates: punctuation weights would be asked for, over the network, and hardly used.
        settings = parse_settings({"profile": "light", "punctuation": {"mode": "never"}, **place}, [])
        if not (absent := _list_absent_weights(settings)):
            return settings
        if asked == DemoProfile.LIGHT:
            raise MissingWeights(f"profile light: {', '.join(absent)} not on this machine; {FETCH} fetches them.")
    return parse_settings({"profile": "demo", **place}, [])


def choose_sample(profile: str) -> Path:
    """The recording that suits the weights of a profile."""
    return sample() if profile == DemoProfile.DEMO else natural_sample()


def _list_absent_weights(settings: dict[str, Any]) -> list[str]:
    from flows.locations import resolve_device
    from tasks.settings.load import load
    from tasks.weights.requirements import list_required
    from tasks.weights.resolve import list_absent

    loaded = load(settings)
    return [" ".join(want) for want in list_absent(list_required(loaded, resolve_device(loaded)))]


def _show_results(outcome: Outcome, recording: Path, terminal: Terminal) -> None:
    from tasks.dataset.read import read_transcript

    transcript = read_transcript(Path(outcome["out"]), outcome["recording_id"])
    _show_excerpt(transcript, terminal)
    if references := _list_references(recording):
        _show_score(transcript, references, terminal)


def _show_excerpt(transcript: Transcript, terminal: Terminal) -> None:
    from tasks.exports.text import to_ms
    from tasks.intervals import format_timestamp
    from tasks.text import to_one_line

    terminal.say()
    for segment in transcript.segments[:EXCERPT_LINES]:
        who = f"{segment.speaker}: " if segment.speaker else ""
        terminal.say(f"[{format_timestamp(to_ms(segment.start_s), '')}] {who}{escape(to_one_line(segment.text))}")
    if len(transcript.segments) > EXCERPT_LINES:
        terminal.say(f"… {len(transcript.segments) - EXCERPT_LINES} more in transcript.txt")


def _show_score(transcript: Transcript, references: list[Path], terminal: Terminal) -> None:
    from flows.cli.scores import format_score
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.references import read_references
    from tasks.evaluation.score import score_recording

    for reference in read_references(references).values():
        score = score_recording(reference, read_from_transcript(transcript))
        terminal.say()
        terminal.say(f"Against the exact script: {format_score(score)}")


def _suggest_commands(outcome: Outcome, recording: Path, profile: str, terminal: Terminal) -> None:
    references = [shlex.quote(_shorten_path(path)) for path in _list_references(recording)]
    folder = _shorten_path(outcome["out"])
    terminal.say()
    if references:
        terminal.say("How right is it?   daylong evaluate --reference " + " ".join([*references, folder]))
    terminal.say("Who is that?       daylong speakers list")
    option = "" if profile == DemoProfile.DEMO else f" --profile {profile}"
    terminal.say(f"Your own:          daylong run your.mp3{option}")


def _list_references(recording: Path) -> list[Path]:
    """What was said, and who sounds when, in files beside the recording."""
    return [path for path in map(recording.with_suffix, (".stm", ".rttm")) if path.is_file()]


def _shorten_path(path: Path | str) -> str:
    """Shorten a path below the working directory to its relative form."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative
