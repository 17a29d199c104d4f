"""What is decoded again, how, and which hypothesis is kept: with an engine that says what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.hypothesis import Hypothesis
from tasks.transcription.prompts import choose_without_prompt
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tasks.transcription.words import DecodedWord

Call = tuple[list[Span], dict[str, Any]]
Answer = Callable[[int, list[Span], dict[str, Any]], Sequence[dict[str, Any]]]
"""The words of one call: from its number, parts and options."""


def text(
    said: str, over: Span, probability: float = 0.9, logprob: float = -0.2, part: int = 0
) -> list[dict[str, Any]]:
    """Words of the engine's own shape, evenly over the span."""
    words = said.split()
    each = over.duration_s / len(words)
    return [
        {
            "start": over.start_s + i * each,
            "end": over.start_s + (i + 0.9) * each,
            "word": " " + word,
            "probability": probability,
            "stretch": part,
            "avg_logprob": logprob,
            "no_speech_prob": 0.1,
            "compression_ratio": 1.2,
        }
        for i, word in enumerate(words)
    ]


def transcribe(speech: Sequence[Span], answer: Answer, **settings: Any) -> tuple[ChunkWords, list[Call]]:
    calls: list[Call] = []

    def ask(_: str, samples: Any, parts: Any, language: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        calls.append(([Span(*part) for part in parts], options))
        return list(answer(len(calls), calls[-1][0], options))

    samples = np.zeros(int(16_000 * (speech[-1].end_s + 1)), np.float32)
    return transcribe_chunk(samples, speech, "en", TranscriptionSettings(**settings), ask), calls


def said(found: ChunkWords) -> str:
    return " ".join(w.text for w in found.words)


SPEECH = [Span(1.0, 4.8), Span(5.2, 9.0)]
WHOLE = Span(1.0, 9.0)
TRUTH = "we all know that the ice will not hold for long this year"


def test_sure_text_that_covers_its_speech_is_decoded_once() -> None:
    found, calls = transcribe(SPEECH, lambda *_: text(TRUTH, WHOLE))
    assert said(found) == TRUTH
    assert len(calls) == 1
    assert calls[0][1]["batch_size"] == 8
    assert found.redecoded_s == 0


def test_unsure_text_is_decoded_in_order_and_the_likelier_kept() -> None:
    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        return text("wheel no dice", WHOLE, 0.6, -0.9) if call == 1 else text(TRUTH, WHOLE, 0.7, -0.7)

    found, calls = transcribe(SPEECH, answer)
    assert said(found) == TRUTH
    assert calls[1][1]["batch_size"] == 1


def test_a_second_decoding_that_is_no_better_changes_nothing() -> None:
    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        return text(TRUTH, WHOLE, 0.7, -0.9) if call == 1 else text(TRUTH.replace("ice", "mice"), WHOLE, 0.6, -0.9)

    assert said(transcribe(SPEECH, answer)[0]) == TRUTH


def test_words_within_an_instant_are_decoded_again() -> None:
    instant = text("and then they all went home again now", Span(5.0, 5.02))

    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        return text("so it was", Span(1.0, 4.8)) + instant if call == 1 else text(TRUTH, WHOLE, 0.8, -0.5)

    found, calls = transcribe(SPEECH, answer)
    assert said(found) == TRUTH
    assert len(calls) == 2


def test_text_that_stays_more_likely_wrong_than_right_is_dropped() -> None:
    found, calls = transcribe(SPEECH, lambda *_: text("thank you for watching", WHOLE, 0.4, -1.2))
    assert said(found) == ""
    assert len(calls) > 1, "but it had a second chance"


def test_a_text_is_no_surer_for_repeating_itself() -> None:
    def answer(*_: Any) -> list[dict[str, Any]]:
        heard = text("radar bruno radar bruno radar bruno", WHOLE, 0.3, -0.9)
        return heard[:2] + [word | {"probability": 0.9} for word in heard[2:]]

    assert said(transcribe(SPEECH, answer)[0]) == ""


def test_poor_but_real_speech_stays() -> None:
    found, calls = transcribe(SPEECH, lambda *_: text(TRUTH, WHOLE, 0.6, -0.75))
    assert said(found) == TRUTH
    assert calls[1][1]["batch_size"] == 1, "because another decoding has the same words"


@pytest.mark.parametrize("other", ["and now they were all so very kind to me", ""])
def test_doubtful_text_that_another_decoding_has_not_is_dropped(other: str) -> None:
    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        if call == 1:
            return text("they turned around and I was the best of the rest", WHOLE, 0.6, -0.6)
        return text(other, WHOLE, 0.5, -0.7) if call == 2 and other else []

    assert said(transcribe(SPEECH, answer)[0]) == ""


def test_of_two_decodings_that_differ_in_some_words_the_first_stays() -> None:
    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        heard = TRUTH if call == 1 else TRUTH.replace("ice will", "mice").replace("for long", "along")
        return text(heard, WHOLE, 0.6, -0.6)

    assert said(transcribe(SPEECH, answer)[0]) == TRUTH


def test_a_doubtful_loop_leaves_nothing_behind() -> None:
    def answer(call: int, parts: list[Span], _: dict[str, Any]) -> list[dict[str, Any]]:
        loop = "I think it is the right way to go and " * 6
        return text(loop, parts[0], 0.3, -0.3) if call < 3 else text("so there she was", parts[0], 0.3, -0.9)

    assert said(transcribe(SPEECH, answer)[0]) == ""


def test_doubtful_text_in_a_hole_needs_another_decoding_too() -> None:
    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        heard = {1: text("we all know that", SPEECH[0]), 2: text("she would not be there", SPEECH[1], 0.6, -0.6)}
        return heard.get(call) or text("a shoe by the chair", SPEECH[1], 0.6, -0.6)

    found, calls = transcribe(SPEECH, answer)
    assert said(found) == "we all know that"
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("other", "expected"), [("we all saw that the mice did not hold on for dear life", ""), (TRUTH, TRUTH)]
)
def test_where_text_was_dropped_other_text_needs_more_agreement(other: str, expected: str) -> None:
    def answer(call: int, *_: Any) -> list[dict[str, Any]]:
        if call < 3:
            return text("thank you for watching", WHOLE, 0.4, -1.2)
        return text(TRUTH if call == 3 else other, WHOLE, 0.6, -0.6)

    assert said(transcribe(SPEECH, answer)[0]) == expected


def test_speech_after_the_end_of_a_text_is_decoded_by_itself() -> None:
    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        return text("we all know that the ice", SPEECH[0]) if call == 1 else text("will not hold for long", SPEECH[1])

    found, calls = transcribe(SPEECH, answer)
    assert said(found) == "we all know that the ice will not hold for long"
    (hole,) = calls[1][0]
    assert 4.9 <= hole.start_s <= 5.2
    assert 9.0 <= hole.end_s <= 9.5
    assert found.redecoded_s == pytest.approx(hole.duration_s)


def test_a_sentence_lost_over_breaths_is_found_again() -> None:
    speech = [Span(1.0, 4.0), Span(4.4, 5.3), Span(5.7, 7.2), Span(8.7, 11.0)]

    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        if call == 1:
            return text("she called to mind her home", speech[0]) + text("then she wept", speech[3])
        return text("and their whilome friends and her brother", Span(4.4, 7.2))

    found, calls = transcribe(speech, answer)
    assert said(found) == "she called to mind her home and their whilome friends and her brother then she wept"
    assert len(calls[1][0]) == 1, "one hole, not two"


def test_a_sentence_lost_in_the_time_of_a_word_is_found_again() -> None:
    """To the word after dropped speech, the recogniser's attention assigns that speech too."""

    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        if call > 1:
            return text("the ice will not hold", Span(2.4, 6.0)) if call == 2 else []
        stretched = text("he", Span(2.2, 8.0))[0] | {"end": 7.9}
        return [*text("and", Span(1.5, 2.0)), stretched, *text("also sang", Span(8.0, 9.0))]

    found, _ = transcribe(SPEECH, answer)
    assert said(found) == "and the ice will not hold he also sang"
    assert [w.start_s for w in found.words] == sorted(w.start_s for w in found.words)


def test_digits_take_the_time_of_words() -> None:
    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        if call > 1:
            return text("I'm, I'm, I'm", Span(1.6, 2.8))
        number = text("555-1234.", Span(1.5, 4.5))[0] | {"end": 4.2}
        return [*text("at", Span(1.0, 1.5)), number, *text("it costs nothing at all", Span(5.2, 9.0))]

    assert said(transcribe(SPEECH, answer)[0]) == "at 555-1234. it costs nothing at all"


def test_what_is_unsure_in_a_hole_is_not_added_and_asked_only_once() -> None:
    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        return text("we all know that", SPEECH[0]) if call == 1 else text("thank you", SPEECH[1], 0.4, -1.3)

    found, calls = transcribe(SPEECH, answer)
    assert said(found) == "we all know that"
    assert len(calls) == 2


def test_sentences_far_apart_share_a_window() -> None:
    speech = [Span(1.0, 3.0), Span(40.0, 43.0), Span(90.0, 92.0)]

    def answer(call: int, parts: list[Span], _: Any) -> list[dict[str, Any]]:
        (part,) = parts
        at = [part.start_s + 0.4, part.start_s + 3.2, part.start_s + 7.0]
        return [
            word
            for start, span, sentence in zip(
                at, speech, ("here we are", "there he goes", "off they went"), strict=True
            )
            for word in text(sentence, Span(start, start + span.duration_s))
        ]

    found, _ = transcribe(speech, answer)
    assert said(found) == "here we are there he goes off they went"
    assert all(any(w.middle_s in s.grow(0.1) for s in speech) for w in found.words)


HOTWORDS = "Kubernetes Grafana Istio Prometheus Terraform Ansible"


def test_hotwords_that_come_out_as_the_text_give_way_to_what_is_said() -> None:
    def answer(call: int, parts: list[Span], options: dict[str, Any]) -> list[dict[str, Any]]:
        return text(HOTWORDS.replace(" ", ", "), WHOLE) if options["hotwords"] else text(TRUTH, WHOLE)

    found, calls = transcribe(SPEECH, answer, hotwords=HOTWORDS)
    assert said(found) == TRUTH
    assert calls[1][1]["hotwords"] is None


def test_a_prompt_that_comes_out_as_the_text_gives_way_too() -> None:
    prompt = "Minutes of the board, with all names spelled out."

    def answer(call: int, parts: list[Span], options: dict[str, Any]) -> list[dict[str, Any]]:
        return text(prompt if options["initial_prompt"] else TRUTH, WHOLE)

    assert said(transcribe(SPEECH, answer, initial_prompt=prompt)[0]) == TRUTH


def test_hotwords_that_are_said_keep_their_spelling() -> None:
    def answer(call: int, parts: list[Span], options: dict[str, Any]) -> list[dict[str, Any]]:
        return text(HOTWORDS if options["hotwords"] else HOTWORDS.replace("Istio", "is T O"), WHOLE)

    assert said(transcribe(SPEECH, answer, hotwords=HOTWORDS)[0]) == HOTWORDS


def test_a_hotword_within_other_words_costs_nothing() -> None:
    _, calls = transcribe(SPEECH, lambda *_: text(f"{TRUTH} says Grafana", WHOLE), hotwords=HOTWORDS)
    assert len(calls) == 1


def test_an_echo_stays_where_nothing_else_is_heard() -> None:
    echo = Hypothesis(tuple(DecodedWord(i, i + 0.5, w, 0.9) for i, w in enumerate(HOTWORDS.split())), -0.2)
    assert choose_without_prompt(echo, Hypothesis((), 0.0)) == echo


def test_of_a_loop_decoded_in_pieces_an_invented_piece_takes_no_other_along() -> None:
    def answer(call: int, parts: list[Span], _: dict[str, Any]) -> list[dict[str, Any]]:
        if call == 1:
            return text("fifth " * 40, WHOLE, 0.9, -0.1)
        if call > 2:
            return []
        first = text("I am the hero to free the world if I still am the man", parts[0], 0.4, -1.2)
        return first + text("nobody doubts that", parts[1], 0.8, -0.4, part=1)

    found, calls = transcribe(SPEECH, answer)
    assert len(calls[1][0]) == 2
    assert said(found) == "nobody doubts that"


@pytest.mark.parametrize(("sure", "expected"), [(0.7, "nobody doubts that"), (0.6, "")])
def test_of_a_disputed_loop_the_sure_pieces_stay(sure: float, expected: str) -> None:
    """Where languages change within a window, one piece is right and the other a guess."""

    def answer(call: int, parts: list[Span], _: dict[str, Any]) -> list[dict[str, Any]]:
        if call == 1:
            return text("fifth " * 40, WHOLE, 0.9, -0.1)
        if call == 2:
            first = text("must mind me not to call all of them", parts[0], 0.5, -0.7)
            return first + text("nobody doubts that", parts[1], sure, -0.7, part=1)
        return text("muss man in mei not too cold and other", parts[0], 0.5, -0.7) if call == 3 else []

    assert said(transcribe(SPEECH, answer)[0]) == expected
