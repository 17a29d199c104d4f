"""Transcribing with recognisers that can do less than Whisper, and tell less: the step asks what they can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.decoding import estimate_logprob
from tasks.transcription.limits import check_settings
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tests.helpers.other_engines import register

SPEECH = [Span(1.0, 5.0), Span(6.0, 10.0)]
FULL = Capabilities(prompt=True, hotwords=True, context=True, beams=True, batches=True, redecodes=True)


class Recogniser:
    """Says `text` evenly over each stretch; `facts`: what it tells of every word beside that."""

    def __init__(self, text: str, times: bool = True, probability: float | None = None, **facts: Any) -> None:
        self.texts, self.times, self.probability, self.facts = text.split(), times, probability, facts
        self.options: list[dict[str, Any]] = []
        self.longest_s = 0.0

    def ask(self, _: str, samples: Any, stretches: Sequence[Any], language: str, options: Any) -> list[RawWord]:
        self.options.append(options)
        self.longest_s = max(self.longest_s, *(b - a for a, b in stretches))
        out: list[RawWord] = []
        for i, (start, end) in enumerate(stretches):
            each = (end - start) / len(self.texts)
            for k, text in enumerate(self.texts):
                word = RawWord(start=None, end=None, word=f" {text}", probability=self.probability, stretch=i)
                if self.times:
                    word["start"], word["end"] = start + k * each, start + (k + 1) * each
                out.append({**word, **self.facts})  # type: ignore[typeddict-item]
        return out


def transcribe(recogniser: Recogniser, can: Capabilities, **settings: Any) -> ChunkWords:
    with register(capabilities=can):
        chosen = TranscriptionSettings(engine="other", **settings)
        return transcribe_chunk(np.zeros(16_000 * 12, np.float32), SPEECH, "en", chosen, recogniser.ask)


def test_a_recogniser_that_tells_nothing_of_its_words_is_believed() -> None:
    recogniser = Recogniser("so we begin with the minutes of last week")
    found = transcribe(recogniser, Capabilities())
    assert len(found.words) == 9
    assert {word.confidence for word in found.words} == {None}
    assert recogniser.options == [{}]


@pytest.mark.parametrize("can", [FULL, Capabilities(batches=True), Capabilities(prompt=True), Capabilities()])
def test_a_recogniser_is_given_the_options_that_it_takes_and_no_others(can: Capabilities) -> None:
    recogniser = Recogniser("no " * 40)  # a loop: decoded again, in pieces
    transcribe(recogniser, can)
    assert len(recogniser.options) > 1
    named = {
        "initial_prompt": can.prompt,
        "hotwords": can.hotwords,
        "condition_on_previous_text": can.context,
        "beam_size": can.beams,
        "batch_size": can.batches,
    }
    for options in recogniser.options:
        assert options.keys() == {key for key, taken in named.items() if taken}


@pytest.mark.parametrize(("redecodes", "calls"), [(True, 2), (False, 1)])
def test_doubtful_text_is_decoded_again_by_recognisers_that_may_find_other_text(redecodes: bool, calls: int) -> None:
    recogniser = Recogniser("perhaps this is what was said", probability=0.7, avg_logprob=-1.0)
    transcribe(recogniser, Capabilities(redecodes=redecodes, confidences=True))
    assert len(recogniser.options) == calls


@pytest.mark.parametrize("facts", [{"probability": 0.6}, {"probability": None, "avg_logprob": -0.6}])
@pytest.mark.parametrize("redecodes", [True, False])
def test_doubtful_text_is_kept_where_no_other_decoding_differs(redecodes: bool, facts: dict[str, Any]) -> None:
    recogniser = Recogniser("perhaps this is what was said", **facts)
    assert len(transcribe(recogniser, Capabilities(redecodes=redecodes)).words) == 6


@pytest.mark.parametrize(("probability", "kept"), [(0.9, True), (0.3, False)])
def test_words_that_are_more_likely_wrong_than_right_are_dropped_without_whispers_facts(
    probability: float, kept: bool
) -> None:
    recogniser = Recogniser("thanks for watching this video", probability=probability)
    assert bool(transcribe(recogniser, Capabilities(confidences=True)).words) == kept


def test_a_loop_is_cut_without_any_probabilities() -> None:
    found = transcribe(Recogniser("thank you " * 30), Capabilities())
    assert found.loops_removed
    assert len(found.words) < 10


def test_words_without_times_are_kept_wherever_their_shares_lie() -> None:
    recogniser = Recogniser("we had a long break there", times=False)
    far = [Span(0.5, 1.5), Span(9.0, 10.0)]
    with register(capabilities=Capabilities(word_times="none")):
        chosen = TranscriptionSettings(engine="other")
        found = transcribe_chunk(np.zeros(16_000 * 12, np.float32), far, "en", chosen, recogniser.ask)
    said = [word.text for word in found.words]
    assert said == recogniser.texts * (len(said) // 6)
    assert len(recogniser.options) == 1  # no holes are looked for between such words
    assert found.silence_text_removed == 0


@pytest.mark.parametrize(("text", "calls"), [("we broke off", 2), ("we had a long break there and then went on", 1)])
@pytest.mark.parametrize(("times", "shared"), [(False, False), (True, True)], ids=["no times", "of sentences"])
def test_a_text_that_leaves_speech_out_is_decoded_in_pieces_where_no_hole_can_show(
    text: str, calls: int, times: bool, shared: bool
) -> None:
    recogniser = Recogniser(text, times=times, shared=shared)
    found = transcribe(recogniser, Capabilities(word_times="starts" if times else "none"))
    assert len(recogniser.options) == calls
    assert len(found.words) >= calls * len(recogniser.texts)  # each piece has the text
    assert bool(found.redecoded_s) == (calls > 1)


@pytest.mark.parametrize(("longest_s", "bound"), [(None, 12.0), (3.0, 3.5)])
def test_no_stretch_is_longer_than_the_recogniser_takes(longest_s: float | None, bound: float) -> None:
    recogniser = Recogniser("one two three")
    transcribe(recogniser, Capabilities(longest_s=longest_s))
    assert recogniser.longest_s <= bound
    assert recogniser.longest_s > bound / 2


@pytest.mark.parametrize(
    ("word", "logprob"),
    [
        ({"avg_logprob": -0.5, "probability": 0.1}, -0.5),
        ({"probability": 0.5}, math.log(0.5)),
        ({"probability": None}, 0.0),
        ({"probability": math.nan}, 0.0),
        ({"avg_logprob": math.nan, "probability": 1.0}, 0.0),
        ({"probability": 0.0}, math.log(0.001)),
    ],
)
def test_the_probability_of_a_text_is_told_or_that_of_its_words(word: dict[str, Any], logprob: float) -> None:
    raw: dict[str, Any] = {"start": 0.0, "end": 1.0, "word": " a", "stretch": 0} | word
    assert estimate_logprob(raw) == pytest.approx(logprob)  # type: ignore[arg-type]


def test_languages_are_refused_that_the_engine_does_not_know() -> None:
    with register(capabilities=Capabilities(languages=("de", "en"))):
        check_settings(TranscriptionSettings(engine="other", language="de"), "m", None)
        with pytest.raises(UsageError, match=r"transcription\.language = fr: m doesn't know French \(fr\); it knows"):
            check_settings(TranscriptionSettings(engine="other", language="fr"), "m", None)


@pytest.mark.parametrize("language", ["per-chunk", "per-segment"])
def test_a_language_is_not_looked_for_by_an_engine_that_tells_none(language: str) -> None:
    with register(capabilities=Capabilities(detects_language=False)), pytest.raises(UsageError) as refused:
        check_settings(TranscriptionSettings(engine="other", language=language), "m", None)
    assert str(refused.value) == (
        f"transcription.language = {language}: other doesn't tell which language is spoken. Name it, or leave it out"
    )
