"""Words and characters after normalisation: what the field takes for equal is equal."""

from __future__ import annotations

import dataclasses

import pytest

from flows.cli.word_scores import format_word_rates, list_word_rows
from tasks.evaluation import words
from tasks.evaluation.hypotheses import SystemOutput
from tasks.evaluation.normalizers import WITHOUT_BLANKS, get_normalizer
from tasks.evaluation.references import Reference
from tasks.evaluation.score import Score, score_recording, to_json
from tasks.evaluation.text_scores import TextScore, score_texts
from tasks.evaluation.utterances import Utterance
from tasks.intervals import Span
from tasks.records import Turn


def say(text: str, speaker: str = "ana", start_s: float = 0.0) -> Utterance:
    return Utterance(start_s, start_s + 1.0, speaker, text)


def say_words(text: str, speaker: str = "S0", start_s: float = 0.0) -> list[Utterance]:
    """As a transcript's tables hold a text: a word each."""
    return [
        Utterance(start_s + i / 10, start_s + (i + 1) / 10, speaker, word) for i, word in enumerate(text.split(" "))
    ]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Mr. Smith paid 20 %.", "mister smith paid twenty percent"),
        ("It's Dr. Jones's.", "it is doctor jones's"),
        ("It’s twenty-one", "It's 21"),
        ("$ 5.50", "five dollars and fifty cents"),
        ("two thousand and one", "2001"),
        ("one million", "1,000,000"),
        ("The colour, um, grey", "the color gray"),
        ("(laughs) I uh don't know [noise]", "i do not know"),
        ("nineteen eighty four", "1984"),
        ("the first (of three", "the 1st of three"),
    ],
)
def test_english_that_is_the_same_said_aloud_is_the_same(said: str, found: str) -> None:
    score = score_texts([say(said)], say_words(found), get_normalizer("en"))
    assert score is not None
    assert score.rate == 0
    assert score_texts([say(found)], say_words(said), get_normalizer("en")).rate == 0  # type: ignore[union-attr]


def test_a_lone_bracket_does_not_take_the_words_after_it() -> None:
    text = "we met ( then " + "many words were said " * 100 + ") in the end"
    assert len(get_normalizer("en").split([text])) == len(get_normalizer("en").split([text.replace("(", "")]))


def test_other_languages_keep_their_numbers_and_their_vowel_signs() -> None:
    german = score_texts([say("Zwanzig Prozent.")], say_words("20 %"), get_normalizer("de"))
    assert german is not None
    assert (german.normalizer, german.numbers, german.rate) == ("Whisper basic", "as written", 1.0)
    assert get_normalizer("hi").split(["हिन्दी में।"]) == ["हिन्दी", "में"]
    assert get_normalizer("fr").split(["« L’été » (rires)"]) == ["l", "été"]


@pytest.mark.parametrize(
    ("language", "said", "found", "errors"),
    [
        ("zh", "今天天气很好。", "今 天 天 汽 很 好", 1),
        ("ja", "今日は、いい天気です", "今日 は いい 天気 で", 1),
        ("th", "วันนี้อากาศดี", "วัน นี้ อากาศ ดี", 0),
        ("lo", "ມື້ນີ້ອາກາດດີ", "ມື້ ນີ້ ອາກາດ ດີ", 0),
        ("my", "ဒီနေ့ရာသီဥတု", "ဒီ နေ့ ရာသီ ဥတု", 0),
        ("km", "ថ្ងៃនេះ", "ថ្ងៃ នេះ", 0),
        ("yue", "你哋好呀", "你 哋 好", 1),
    ],
)
def test_characters_are_compared_where_words_are_not_parted(
    language: str, said: str, found: str, errors: int
) -> None:
    assert language in WITHOUT_BLANKS
    normalizer = get_normalizer(language)
    score = score_texts([say(said)], say_words(found), normalizer)
    assert score is not None
    assert (score.unit, score.wer, score.num_units) == ("character", None, len(normalizer.split([said])))
    assert score.insertions + score.deletions + score.substitutions == errors
    assert score.cer == pytest.approx(errors / score.num_units)


def score(language: str | None, said: list[Utterance], found: list[Utterance], given: str | None = None) -> Score:
    turns = tuple(Turn(u.start_s, u.end_s, u.speaker) for u in said)
    output = SystemOutput("day-01234567", "day.wav", turns, tuple(found), language=language)
    return score_recording(Reference("day", turns, tuple(said)), output, given)


def test_a_number_over_two_words_of_one_speaker_counts_once_beside_anothers() -> None:
    pytest.importorskip("meeteval")
    said = [say("I paid twenty percent.", "ana"), say("Fifty.", "ben", 2.0)]
    found = [*say_words("I paid 20%", "S1"), *say_words("50", "S0", 2.0)]
    normalized = score("en", said, found).normalized
    assert normalized is not None
    assert (normalized.cpwer, normalized.num_units) == (0, 4)
    swapped = score("en", said, [*say_words("I paid", "S1"), *say_words("20% 50", "S0", 2.0)]).normalized
    assert swapped is not None
    assert (swapped.cpwer, swapped.insertions, swapped.deletions) == (0.5, 1, 1)


def test_nothing_recognised_and_no_speakers() -> None:
    said = [say("five words are said here")]
    none = score("en", said, []).normalized
    assert none is not None
    assert (none.wer, none.deletions) == (1.0, 5)
    nameless = score_texts([say("five words", "")], say_words("5 words"), get_normalizer("en"))
    assert nameless is not None
    assert (nameless.wer, nameless.cpwer) == (0, None)
    assert score_texts([say("um.")], say_words("hello"), get_normalizer("en")) is None


def test_without_meeteval_one_stream_is_scored_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    said, found = [say("Mr. Smith paid 20 % of it")], say_words("mister smiths paid twenty percent of")
    both = [score_texts(said, found, get_normalizer("en"))]
    monkeypatch.setattr(words, "is_meeteval_installed", lambda: False)
    both.append(score_texts(said, found, get_normalizer("en")))
    assert None not in both
    assert [one.wer for one in both if one] == [pytest.approx(2 / 6)] * 2
    assert both[1].cpwer is None  # type: ignore[union-attr]


def test_the_transcripts_language_chooses_the_rules_and_a_named_one_goes_first() -> None:
    said, found = [say("It is 20 %")], say_words("it's twenty percent")
    kept = score("en", said, found)
    assert (kept.language, kept.language_given) == ("en", False)
    assert kept.normalized is not None
    assert kept.normalized.wer == 0
    named = score("en", said, found, "nl")
    assert (named.language, named.language_given) == ("nl", True)
    assert named.normalized is not None
    assert named.normalized.normalizer == "Whisper basic"
    assert score(None, said, found).language is None


def test_only_what_lies_in_the_regions_is_normalised() -> None:
    said = [say("twenty", start_s=0), say("percent", start_s=10)]
    within = score_texts(said, [], get_normalizer("en"), [Span(0, 5)])
    assert within is not None
    assert within.num_units == 1


def test_both_figures_are_shown_and_told_how_they_came_about() -> None:
    pytest.importorskip("meeteval")
    result = score("en", [say("Mr. Smith paid 20 %.")], say_words("mister smith paid twenty percent"))
    rows = {
        (name, remark.partition(",")[0].partition(":")[0]): figure for name, figure, remark in list_word_rows(result)
    }
    assert rows["WER", "all speakers' words as one stream"] == "75.0 %"
    assert (rows["WER", "normalised"], rows["cpWER", "normalised"]) == ("0.0 %", "0.0 %")
    assert any(
        "numbers as digits; language en, as in the transcript" in remark for *_, remark in list_word_rows(result)
    )
    assert format_word_rates(result) == ["WER 75.0 % (0.0 % normalised)", "cpWER 75.0 % (0.0 % normalised)"]
    unknown = dataclasses.replace(result, language=None)
    assert any("--language says" in remark for *_, remark in list_word_rows(unknown))


def test_characters_stand_in_place_of_words() -> None:
    pytest.importorskip("meeteval")
    result = score("zh", [say("今天天气很好(笑)。")], say_words("今 天 天 气 很 好"))
    names = [name for name, *_ in list_word_rows(result)]
    assert names == ["CER", "cpCER", "CER", "cpCER"]
    assert isinstance(result.characters, TextScore)
    assert result.characters.cer == pytest.approx(1 / 7)
    assert result.normalized is not None
    assert result.normalized.cer == 0
    out = to_json(result)
    assert out["words"]["wer"] is not None  # the old key keeps its meaning
    assert out["normalized"]["cpcer"] == 0
