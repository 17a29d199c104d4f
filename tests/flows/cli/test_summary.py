"""The lines that `daylong run` prints of a recording's outcome."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flows.cli.summary import show_outcome
from flows.cli.terminal import Terminal
from flows.reporting.outcome import Outcome


def make_outcome(
    *, language: str | None, confidence: float | None, words: int = 12, speech_s: float = 40.0
) -> Outcome:
    return {
        "recording_id": "talk-01234567",
        "run_id": "r",
        "source_name": "talk.wav",
        "status": "complete",
        "out": "/out",
        "exports": "/out/exports/talk-01234567",
        "duration_s": 60.0,
        "speech_s": speech_s,
        "wall_s": 10.0,
        "num_words": words,
        "num_speakers": 1,
        "num_chunks": 1,
        "chunks_failed": 0,
        "errors": [],
        "language": language,
        "language_confidence": confidence,
        "languages": [language] if language and words else [],
        "engine_calls": 3,
        "steps": 4,
        "steps_cached": 0,
        "speakers": [],
    }


def show(outcome: Outcome) -> str:
    text = io.StringIO()
    show_outcome(outcome, Terminal(Console(file=text, width=200), Console(file=io.StringIO())))
    return text.getvalue()


def test_alarms_are_lines_of_their_own_and_no_name_leaves_them() -> None:
    outcome = make_outcome(language=None, confidence=None)
    outcome["alarms"] = ["a\x1b[2J\nb.wav: from 14:00 on nothing but −70 dBFS: is the microphone dead?"]
    err = io.StringIO()
    show_outcome(outcome, Terminal(Console(file=io.StringIO()), Console(file=err, width=200)))
    assert "a\\x1b[2J\\nb.wav: from 14:00 on nothing but −70 dBFS: is the microphone dead?\n" in err.getvalue()


@pytest.mark.parametrize("confidence", [None, 0.5, 0.97])
def test_the_summary_names_the_language(confidence: float | None) -> None:
    assert "\nLanguage    German (de)\n" in show(make_outcome(language="de", confidence=confidence))


@pytest.mark.parametrize("confidence", [0.0, 0.31, 0.49])
def test_below_a_half_it_says_that_it_is_not_sure_and_what_to_do(confidence: float) -> None:
    (line,) = [x for x in show(make_outcome(language="cy", confidence=confidence)).splitlines() if "Language" in x]
    assert line == f"Language    Welsh (cy); not sure ({confidence:.0%}). If it is another one: --language xx"


def test_where_speech_gave_no_words_the_language_may_be_why() -> None:
    text = show(make_outcome(language="la", confidence=0.36, words=0))
    assert "No words were recognised.\nLanguage    Latin (la); not sure (36%). If it is another one" in text


def test_no_language_is_named_without_speech_or_without_one() -> None:
    assert "Language" not in show(make_outcome(language="en", confidence=0.9, words=0, speech_s=0.0))
    assert "Language" not in show(make_outcome(language=None, confidence=None))
