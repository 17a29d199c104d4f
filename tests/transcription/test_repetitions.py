"""Spoken repetitions are kept; Whisper's loops are decoded again before they are cut."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.hallucinations import confirm_repetitions, min_repeats
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tasks.transcription.words import DecodedWord

Says = Callable[[Span], Sequence[DecodedWord]]
"""The words that an engine hears in a part."""


def spread(text: str, over: Span, confidence: float = 0.95) -> list[DecodedWord]:
    """The text's words, evenly over the span, with short gaps."""
    texts = text.split()
    each = over.duration_s / max(1, len(texts))
    starts = [over.start_s + i * each for i in range(len(texts))]
    return [DecodedWord(s, s + 0.9 * each, t, confidence) for s, t in zip(starts, texts, strict=True)]


def within(words: Sequence[DecodedWord]) -> Says:
    """An engine that hears what is really said, in whatever part it is asked for."""
    return lambda part: [w for w in words if w.middle_s in part]


def chunk(
    speech: Sequence[Span], first: Says, again: Says, logprobs: tuple[float, float] = (-0.2, -0.2)
) -> tuple[ChunkWords, list[list[Span]]]:
    """What the step makes of two hearings, and the parts that it asked for each time."""
    asked: list[list[Span]] = []

    def ask(_: str, samples: Any, parts: Any, language: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        says, logprob = (again, logprobs[1]) if asked else (first, logprobs[0])
        pieces = [find_pieces(samples, Span(*part)) for part in parts]
        asked.append([piece for window in pieces for piece, _ in window])
        return [
            {"start": w.start_s - piece.start_s + at, "end": min(w.end_s, piece.end_s) - piece.start_s + at}
            | {"word": w.text, "probability": w.confidence, "stretch": i, "avg_logprob": logprob}
            for i, window in enumerate(pieces)
            for piece, at in window
            for w in says(piece)
        ]

    clock = np.arange(int(16_000 * (speech[-1].end_s + 1)), dtype=np.float32) / 16_000
    return transcribe_chunk(clock, speech, "en", TranscriptionSettings(), ask), asked


def find_pieces(samples: Any, part: Span) -> list[tuple[Span, float]]:
    """The pieces of a recording that lie in a part of the sound that an engine is given, and where in that sound.

    The samples are the recording's time in seconds, so that they tell where they come from.
    """
    first, last = (round(t * 16_000) for t in (part.start_s, part.end_s))
    sound = samples[first:last]
    joints = [0, *(np.flatnonzero(np.abs(np.diff(sound)) > 0.01) + 1), len(sound)]
    return [
        (Span(float(sound[a]), float(sound[b - 1]) + 1 / 16_000), float(first + a) / 16_000)
        for a, b in itertools.pairwise(joints)
        if b > a
    ]


def texts(found: ChunkWords) -> str:
    return " ".join(w.text for w in found.words)


def refused(part: Span) -> Sequence[DecodedWord]:
    raise AssertionError(f"{part} needs no second hearing")


@given(st.integers(2, 30), st.floats(1.1, 60), st.sampled_from(["Yes.", "Mhm.", "Not guilty."]))
def test_what_is_said_again_after_a_pause_stays(times: int, pause_s: float, phrase: str) -> None:
    speech = [Span(5 + i * (1 + pause_s), 6 + i * (1 + pause_s)) for i in range(times)]
    said = [w for s in speech for w in spread(phrase, s)]
    found, _ = chunk(speech, within(said), refused)
    assert texts(found) == " ".join([phrase] * times)
    assert found.loops_removed == 0


@given(st.integers(8, 30), st.floats(0.2, 0.9))
def test_repetitions_within_a_stretch_that_both_hearings_have_stay(times: int, pause_s: float) -> None:
    speech = [Span(5 + i * (0.4 + pause_s), 5.4 + i * (0.4 + pause_s)) for i in range(times)]
    said = [DecodedWord(s.start_s, s.end_s, "No,", 0.9) for s in speech]
    found, asked = chunk(speech, within(said), within(said))
    assert texts(found) == " ".join(["No,"] * times)
    assert found.loops_removed == 0
    assert found.redecoded_s > 0
    longest = [max(part.duration_s for part in parts) for parts in asked]
    assert longest[1] < 0.6 * longest[0], "the second hearing is in pieces, where no loop goes on from before"


def test_the_second_hearing_may_say_the_repetitions() -> None:
    given_options: list[dict[str, Any]] = []

    def ask(_: str, samples: Any, parts: Any, language: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        given_options.append(options)
        start = {"probability": 0.9, "avg_logprob": -0.2, "stretch": 0}
        return [start | {"start": 1 + i / 2, "end": 1.3 + i / 2, "word": "no"} for i in range(9)]

    transcribe_chunk(np.zeros(16_000 * 7, np.float32), [Span(1, 5.5)], "en", TranscriptionSettings(), ask)
    assert len(given_options) == 2
    assert "no_repeat_ngram_size" not in given_options[1]


def test_a_loop_gives_way_to_what_the_second_hearing_says() -> None:
    speech = [Span(1.0, 9.0)]
    loop, truth = spread("thank you " * 20, speech[0]), spread("so the budget for next year is done", speech[0])
    found, _ = chunk(speech, within(loop), within(truth), (-0.1, -0.4))
    assert texts(found) == "so the budget for next year is done"
    assert found.loops_removed == 0, "nothing had to be cut"


@pytest.mark.parametrize(
    ("loop", "logprob"),
    [
        pytest.param(spread("thank you " * 150, Span(1, 9)), -0.05, id="too fast for a mouth"),
        pytest.param(spread("thank you " * 12, Span(1, 9), confidence=0.2), -0.3, id="unsure of its words"),
        pytest.param(spread("thank you " * 12, Span(1, 9)), -1.4, id="unsure of its text"),
        pytest.param(spread("and then we go " * 60, Span(8.5, 9)), -0.1, id="crowded into an instant"),
    ],
)
def test_a_loop_that_both_hearings_have_is_cut_and_counted(loop: list[DecodedWord], logprob: float) -> None:
    found, asked = chunk([Span(1.0, 9.0)], within(loop), within(loop), (logprob, logprob))
    assert len(asked) > 1
    assert texts(found) in ("thank you", "and then we go")
    assert found.loops_removed == 1


def test_a_second_hearing_of_less_than_half_does_not_confirm() -> None:
    speech = [Span(1.0, 21.0)]
    many, fewer = spread("thank you " * 40, speech[0]), spread("thank you " * 8, speech[0])
    found, _ = chunk(speech, within(many), within(fewer))
    assert texts(found) == "thank you"
    assert found.loops_removed == 1


@pytest.mark.parametrize("unit", ["000,", "bw", "na"])
def test_a_loop_without_blanks_is_one_word_and_is_cut_within_it(unit: str) -> None:
    speech = [Span(1.0, 9.0)]
    loop = spread(f"for 20,{unit * 90} in all", speech[0], confidence=0.6)
    found, _ = chunk(speech, within(loop), within(loop))
    assert texts(found) == f"for 20,{unit} in all"
    assert found.loops_removed == 1
    spoken = spread("no it was Nooooo or 1,000,000,000 hahahaha", speech[0])
    assert texts(chunk(speech, within(spoken), within(spoken))[0]) == "no it was Nooooo or 1,000,000,000 hahahaha"


def test_a_loop_that_fills_window_after_window_is_cut_once() -> None:
    phrase = "thanks for watching and see you in the next video bye"

    speech = [Span(1.0, 120.0)]
    _, (windows, *_) = chunk(speech, lambda _: [], lambda _: [])
    loop = [w for window in windows for w in spread(f"{phrase} {phrase}", window, confidence=0.47)]
    found, asked = chunk(speech, within(loop), within(loop))
    assert len(asked[1]) > len(windows) > 2, "twice in a window is no loop by itself"
    assert texts(found) == phrase
    assert found.loops_removed == 1


def test_a_chant_that_fills_window_after_window_stays() -> None:
    speech = [Span(1.0, 120.0)]
    chant = spread("four more years " * 60, speech[0])
    found, _ = chunk(speech, within(chant), within(chant))
    assert texts(found) == " ".join(["four more years"] * 60)
    assert found.loops_removed == 0


def test_a_loop_takes_nothing_from_the_stretches_around_it() -> None:
    speech = [Span(1, 2), Span(4, 12), Span(14, 15), Span(20, 21)]
    real = [w for s in (speech[0], speech[2], speech[3]) for w in spread("thank you", s)]
    loop = spread("thank you " * 12, speech[1], confidence=0.1)
    said = sorted([*real, *loop], key=lambda w: w.start_s)
    found, asked = chunk(speech, within(said), within(said))
    assert texts(found) == " ".join(["thank you"] * 4)
    assert {round(w.start_s, 3) for w in real} <= {round(w.start_s, 3) for w in found.words}
    assert len(asked) == 2, "what has words is heard again once"
    assert found.loops_removed == 1


def test_repetitions_in_speech_that_first_got_no_words_are_heard_again() -> None:
    speech = [Span(1.0, 9.0)]
    said = spread("no " * 12, speech[0])
    found, asked = chunk(speech, lambda _: [], within(said))
    assert texts(found) == " ".join(["no"] * 12)
    assert len(asked) == 3


@given(st.integers(1, 6), st.integers(0, 10), st.floats(0.15, 1.0))
def test_two_equal_sure_hearings_at_a_mouths_pace_confirm(unit: int, more: int, each_s: float) -> None:
    phrase = " ".join(f"w{i}" for i in range(unit))
    times = min_repeats(unit) + more
    said = spread(" ".join([phrase] * times), Span(0.0, each_s * unit * times))
    assert confirm_repetitions(said, said)
    assert confirm_repetitions(said, said[:-1])
    assert not confirm_repetitions(said, said[: len(said) // 2])
    assert not confirm_repetitions(said, [])
