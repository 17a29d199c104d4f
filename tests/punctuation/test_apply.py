"""Labels become punctuation; what needs none is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.punctuation.apply import apply_labels, get_languages, is_punctuated, wants_punctuation
from tasks.records import Word
from tests.helpers.sample_words import make_word


def words(text: str) -> list[Word]:
    return [make_word(float(i), i + 0.5, t, 0.9) for i, t in enumerate(text.split())]


def text_of(said: tuple[Word, ...]) -> str:
    return " ".join(w.text for w in said)


def test_marks_capitals_and_english_i() -> None:
    said = words("yes i agree can you send it i'm in paris")
    labels = ["0", "0", ".", "0", "0", "0", "?", "0", "0", "."]
    assert text_of(apply_labels(said, labels, "en")) == "Yes I agree. Can you send it? I'm in paris."


def test_i_is_a_word_of_its_own_only_in_english() -> None:
    assert text_of(apply_labels(words("ora i treni"), ["0"] * 3, "it")) == "Ora i treni"
    assert text_of(apply_labels(words("ice if i'll"), ["0"] * 3, "en")) == "Ice if I'll"


def test_a_word_that_has_a_mark_gets_no_second_one() -> None:
    assert text_of(apply_labels(words("well, no. yes"), [".", "?", "."], "en")) == "Well, no. Yes."


@pytest.mark.parametrize("said", ["heart –", "c'est ?", "Oui ! »", "है।", "؟", "wait…", "so;", "“No.”"])
def test_a_word_with_a_mark_or_a_dash_of_any_script_gets_no_second_one(said: str) -> None:
    word = make_word(0.0, 0.5, said, 0.9)
    (marked,) = apply_labels([word], ["."])
    assert marked.text.casefold() == said.casefold()


def test_what_follows_a_quoted_sentence_of_any_script_begins_one() -> None:
    said = words("“no.” yes है। yes ok؟ yes")
    assert text_of(apply_labels(said, ["0"] * 6, "en")) == "“No.” Yes है। Yes ok؟ Yes"


def test_marks_leave_alone_how_words_join() -> None:
    said = [make_word(float(i), i + 0.5, t, space_before=False) for i, t in enumerate("今天好")]
    marked = apply_labels(said, ["0", ",", "."], None)
    assert [(w.text, w.space_before) for w in marked] == [("今", False), ("天,", False), ("好.", False)]


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=8), st.sampled_from("0.,?-:")), max_size=30),
    st.sampled_from(["en", "de", None]),
)
def test_number_times_and_confidence_of_words_stay(pairs: list[tuple[str, str]], language: str | None) -> None:
    said = [make_word(float(i), i + 0.5, t, 0.5) for i, (t, _) in enumerate(pairs)]
    marked = apply_labels(said, [label for _, label in pairs], language)
    assert [(w.start_s, w.end_s, w.confidence) for w in marked] == [(w.start_s, w.end_s, w.confidence) for w in said]
    assert all(
        after.text.casefold().startswith(before.text.casefold()) for before, after in zip(said, marked, strict=True)
    )


def test_labels_and_words_must_agree_in_number() -> None:
    with pytest.raises(ValueError, match="2 words, but 1 labels"):
        apply_labels(words("a b"), ["0"], "en")


PLAIN = words("so the first item today is the budget and then we talk about the contract")
WRITTEN = words("So, the first item today is the budget. Then we talk about the contract.")


@pytest.mark.parametrize(
    ("said", "language", "mode", "wanted"),
    [
        (PLAIN, "en", "auto", True),
        (WRITTEN, "en", "auto", False),
        (PLAIN, "ja", "auto", False),
        (PLAIN, None, "auto", False),
        (WRITTEN, "ja", "always", True),
        (PLAIN, "en", "never", False),
        ([], "en", "always", False),
    ],
)
def test_auto_serves_text_without_marks_in_languages_the_model_knows(
    said: list[Word], language: str | None, mode: str, wanted: bool
) -> None:
    assert wants_punctuation(said, language, mode) is wanted


# As the engine wrote it: commas, one full stop in 40 words.
FEW_STOPS = (
    "in other things, that it might appear, to those who had not been there, as if nothing at all had happened, and "
    "so we went on, talking of the weather and of the road until the evening came down upon us."
)


@pytest.mark.parametrize("punctuates", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        FEW_STOPS,
        FEW_STOPS.replace(",", ";"),
        FEW_STOPS.replace(".", ""),
        FEW_STOPS.replace(",", ""),
        "and " * 200 + "Then they all went home.",
        "« so it was » said one of them: " + "and then " * 10,
    ],
)
def test_any_marks_count(text: str, punctuates: bool) -> None:
    text = text.replace("in other", "In other")
    assert not wants_punctuation(words(text), "en", "auto", engine_punctuates=punctuates)


def test_text_of_an_engine_that_punctuates_is_left_alone_unless_it_has_lapsed() -> None:
    assert not wants_punctuation(PLAIN, "en", "auto", engine_punctuates=True)
    assert wants_punctuation(PLAIN * 10, "en", "auto", engine_punctuates=True)
    assert wants_punctuation(PLAIN, "en", "always", engine_punctuates=True)


def test_one_abbreviation_does_not_make_text_punctuated() -> None:
    assert not is_punctuated(("then dr. smith said that " + "we should wait and see what happens " * 6).split())


def test_other_weights_know_other_languages() -> None:
    assert "nl" in get_languages("oliverguhr/fullstop-punctuation-multilingual-base")
    assert get_languages("demo:punctuation") == {"en"}
    assert get_languages("/some/folder") == {"de", "en", "fr", "it"}
