"""Where sentences and clauses end, in any script."""

from __future__ import annotations

import pytest

from tasks.sentences import ends_sentence, split_sentences, weigh_break

ENDS = [
    *("Yes.", "Yes?", "Yes!", "Yes…", "wait...", "⁉"),
    *('Yes."', "Yes.”", "Yes.)", "Yes!’", "Yes.]", "“(Yes.)”", "Yes.\u200f"),
    *("Oui ! »", "« Oui. »", "»Ja.«", "„Ja.“", "Yes.\u00a0»"),
    *("好。", "好？", "好！", "「好。」", "好．"),
    *("है।", "है॥", "لماذا؟", "ہے۔", "ہے۔“"),
    *("Այո։", "አዎ።", "သည်။", "បាទ។", "ᠮᠣᠩ᠃"),
    *("τι λες;", "τι λες;»", "τι λες\u037e"),
    *("« Oui. » »", "“‘Yes.’”", "Yes.\u202f»", "『「はい。」』", "Yes.❞", "Yes.ʼ", "Yes. ♪", "Yes.\u2069"),
]
CLAUSES = [
    *("yes,", "yes;", "yes:", "“yes,”", "« oui, »", "(yes,)"),
    *("好，", "好、", "好；」", "لا،", "نعم؛", "አዎ፣", "བདེ།", "ជា៖"),
]
OTHERS = [
    *("yes", "yes,", "yes;", "yes:", "(no)", "“no”", "yes –", "", " ", "»"),
    *("3.5", "x.com", "..5", "、", "好，", "لا،"),
]


@pytest.mark.parametrize("text", ENDS)
def test_a_sentence_ends_with_a_mark_of_its_script_closing_quotes_and_brackets_aside(text: str) -> None:
    assert ends_sentence(text)
    assert weigh_break(text) == 3


@pytest.mark.parametrize("text", OTHERS)
def test_nothing_else_ends_a_sentence(text: str) -> None:
    assert not ends_sentence(text)


@pytest.mark.parametrize("text", CLAUSES)
def test_a_clause_is_the_second_best_place_for_a_break(text: str) -> None:
    assert weigh_break(text) == 2


def test_running_text_is_divided_where_its_language_ends_sentences() -> None:
    said = ["« Vraiment ? »", " Oui.", " « Non ! »", " Bon.", " – Ah ?"]
    assert split_sentences("".join(said), "fr") == said
    assert split_sentences("« Oui. » dit-il. Puis ?", "fr") == ["« Oui. » dit-il.", " Puis ?"]
    assert split_sentences("ဟုတ်တယ်။မဟုတ်ဘူး။") == ["ဟုတ်တယ်။", "မဟုတ်ဘူး။"]
    assert split_sentences("है। नहीं। ہے۔ لا؟ Ναι; Όχι.") == ["है।", " नहीं।", " ہے۔", " لا؟", " Ναι;", " Όχι."]


@pytest.mark.parametrize("text", ["yes", "ሰላም፡", "", "3.5", "–", "»", "♪"])
def test_other_words_are_no_better_than_any(text: str) -> None:
    assert weigh_break(text) == 0
