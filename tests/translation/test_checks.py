"""What is wrong with a translation, told without knowing the language."""

from __future__ import annotations

import pytest

from tasks.translation.checks import find_batch_fault, find_changed_number, find_fault, find_shift, is_untranslated


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("Good morning.", " ", "empty"),
        ("Good morning, all of you.", "Good morning, all of you.", "not translated"),
        ("Good morning, all of you.", "```Guten Morgen, alle.```", "fences"),
        ("We have 25 tickets.", "Wir haben 52 Karten.", "number is changed: 25"),
        ("We have 25 tickets.", "Wir haben Karten.", "number is changed: 25"),
        ("At 3 or so.", "So um 4.", "number is changed: 3"),
        ("Morning.", "SPEAKER_00: Morgen.", "label"),
        ("Morning.", "3. Morgen.", "its number"),
        ("What is it about?", "I'm sorry, but I can't help with that.", "refusal"),
        ("Yes.", "Ja. " * 40, "far longer"),
        ("Anna uses Istio here.", "Anna verwendet es hier.", "lacks Istio"),
    ],
)
def test_a_fault(source: str, text: str, said: str) -> None:
    fault = find_fault(source, text, "de", 3, ["Istio"] if "Istio" in source else [])
    assert fault is not None
    assert said in fault


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("Okay.", "Okay.", "de"),
        ("Anna Berg?", "Anna Berg?", "fr"),
        ("1,000 at 10:30, 3.5 %", "1.000 um 10.30 Uhr, 3,5 %", "de"),
        ("Two of twenty-five.", "2 von 25.", "de"),
        ("There are 5 of us.", "Wir sind zu fünft.", "de"),
        ("It is 2026 now.", "今は2026年です。", "ja"),
        ("It is 2026 now.", "إنها ٢٠٢٦ الآن.", "ar"),
        ("I'm sorry, I can't help with that.", "Es tut mir leid, dabei kann ich nicht helfen.", "de"),
        ("3. Then we go on.", "3. Dann geht es weiter.", "de"),
    ],
)
def test_no_fault(source: str, text: str, language: str) -> None:
    assert find_fault(source, text, language, 3) is None


def test_text_in_letters_that_the_language_has_not() -> None:
    assert is_untranslated("Where do we go from here?", "Wohin gehen wir nun?", "ru")
    assert is_untranslated("我们中午在学校见面。", "我们中午在学校见面。", "ja")
    assert not is_untranslated("We deploy with Kubernetes.", "Kubernetes で展開します。", "ja")


def test_numbers_may_be_grouped_and_spelt_but_not_changed() -> None:
    assert find_changed_number("from 10 to 12", "de 12 à 10") is None
    assert find_changed_number("in 1984", "en 1894") == "1984"
    assert find_changed_number("none", "keine 3") is None


def test_lines_that_are_merged_or_shifted() -> None:
    sources = ["And then we went home, all of us.", "Nobody said a word.", "Why not?", "It was late, I suppose."]
    good = ["Dann gingen wir alle nach Hause.", "Niemand sagte ein Wort.", "Warum nicht?", "Es war wohl schon spät."]
    assert find_shift(sources, good) is None
    merged = [f"{good[0]} {good[1]} {good[2]}", "Ja.", *good[2:]]
    assert find_shift(sources, merged) == "lines 1 and 2 look merged"
    assert find_shift(sources, [good[0], good[1], good[1], good[3]]) == "lines 2 and 3 have the same text"


def test_lines_that_are_missing_or_too_many() -> None:
    ask = ["Good morning, everyone.", "Where is it?"]
    assert find_batch_fault(ask, {1: "Guten Morgen."}, "de", [[], []]) == "it lacks line 2"
    three = {1: "Guten Morgen.", 2: "Wo ist es?", 3: "Da."}
    assert find_batch_fault(ask, three, "de", [[], []]) == "it has a line 3 that was not asked for"
    assert find_batch_fault(ask, {1: "Guten Morgen.", 2: "Wo ist es?"}, "de", [[], []]) is None
