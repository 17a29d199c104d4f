"""Words out of the pieces that Whisper returns, in languages with and without blanks between words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.joining import join_words
from tasks.transcription.assembly import assemble_words
from tasks.transcription.words import clean_words

STRETCH = Span(0.0, 30.0)


def raw(*pieces: str, times: bool = True) -> list[dict[str, Any]]:
    """Pieces of the engine's shape, 0.3 s each from 0 on."""
    return [
        {
            "word": text,
            "start": k * 0.3 if times else None,
            "end": k * 0.3 + 0.3 if times else None,
            "probability": 0.9,
            "stretch": 0,
        }
        for k, text in enumerate(pieces)
    ]


SPACED = {
    "decimal": ([" 3", ".5", "%"], ["3.5%"]),
    "currency": ([" $", "1", ",250"], ["$1,250"]),
    "currency after": ([" 10", " 000", " €"], ["10", "000", "€"]),
    "address": ([" www", ".x", ".com"], ["www.x.com"]),
    "mail": ([" write", " to", " a", "@b", ".org", "."], ["write", "to", "a@b.org."]),
    "tags": ([" @", "user", " #", "tag"], ["@user", "#tag"]),
    "initials": ([" AT", "&T", " Marks", " &", " Spencer"], ["AT&T", "Marks", "&", "Spencer"]),
    "degrees": ([" 20", " °", "C", " 5", "°"], ["20", "°C", "5°"]),
    "hyphen": ([" heart", "-by", "-heart"], ["heart-by-heart"]),
    "dash": ([" heart", " –", " by", " —", " heart", "—yes"], ["heart –", "by —", "heart—yes"]),
    "dialogue": ([" Yes", ".", " -", " No", ".", " –", " Well"], ["Yes.", "- No.", "– Well"]),
    "brackets": ([" call", " (", "555", ")", " f", "(", "x", ")"], ["call", "(555)", "f(x)"]),
    "French elision": ([" l", "'an", " Qu", "'est", "-ce"], ["l'an", "Qu'est-ce"]),
    "French marks": ([" Il", " dit", " :", " «", " Bonjour", " !", " »", "."], ["Il", "dit :", "« Bonjour ! »."]),
    "guillemets": ([" Il", " dit", " «", "Bonjour", "»."], ["Il", "dit", "«Bonjour»."]),
    "tight guillemets": ([" Il", " dit", "«", " Bonjour", "»."], ["Il", "dit", "« Bonjour»."]),
    "German quotes": ([" sagte", " „", "Hallo", "“,", " er"], ["sagte", "„Hallo“,", "er"]),
    "German quotes apart": ([" sagte", " „", " Hallo", " “", " er"], ["sagte", "„ Hallo “", "er"]),
    "English quotes": ([" said", " “", "Hi", "”", "."], ["said", "“Hi”."]),
    "Spanish": ([" ¿", "Qué", "?", " ¡", " No", "!"], ["¿Qué?", "¡ No!"]),
    "Arabic": ([" كيف", " حالك", "؟"], ["كيف", "حالك؟"]),
    "Urdu": ([" یہ", " ہے", "۔"], ["یہ", "ہے۔"]),
    "Hindi": ([" नमस्ते", " दुनिया", "।"], ["नमस्ते", "दुनिया।"]),
    "Korean": ([" 안녕", "하세요", " 여러분", "."], ["안녕하세요", "여러분."]),
    "Greek": ([" τι", " λες", ";"], ["τι", "λες;"]),
    "first mark": (["...", " and", " so"], ["... and", "so"]),
    "trailing blank": (["Hello ", "world"], ["Hello", "world"]),
    "song": ([" ♪", " La", " la", " ♪", " Well"], ["♪ La", "la ♪", "Well"]),
    "narrow blanks": ([" «", "\u202fOui", "\u202f!", "\u202f»"], ["« Oui ! »"]),
    "signs of names": (
        [" C", "++", " C", "#", " .", "NET", " rock", " '", "n", "'", " roll"],
        ["C++", "C#", ".NET", "rock", "'n'", "roll"],
    ),
    "digits of Arabic": ([" ٣", "٫", "٥", "٪", " ב", "-15", "%"], ["٣٫٥٪", "ב-15%"]),
    "accents apart": ([" cafe", "\u0301", " na", "i", "\u0308", "ve"], ["cafe\u0301", "nai\u0308ve"]),
    "bare words": (["Hello", "world", "."], ["Hello", "world."]),
}


@pytest.mark.parametrize(("pieces", "words"), SPACED.values(), ids=SPACED)
def test_a_piece_without_a_blank_belongs_to_the_word_before_it(pieces: list[str], words: list[str]) -> None:
    found = assemble_words(raw(*pieces))
    assert [w.text for w in found] == words
    assert all(w.space_before for w in found)


UNSPACED = {
    "Chinese": (["今", "天", "天", "气", "。"], "今|天|天|气。"),
    "Chinese in one": (["今天天气", "很好。我们"], "今|天|天|气|很|好。|我|们"),
    "Japanese": (["東京", "は", "コーヒー", "です", "。"], "東|京|は|コ|ー|ヒ|ー|で|す。"),
    "Thai": (["ส", "วั", "ส", "ด", "ี", "น้ำ"], "ส|วั|ส|ดี|น้ำ"),
    "Khmer": (["ខ្ញុំ", "ស្រឡាញ់"], "ខ្ញុំ|ស្រ|ឡា|ញ់"),
    "Lao": (["ສະ", "ບາຍ"], "ສ|ະ|ບ|າ|ຍ"),
    "Burmese": (["မင်္ဂ", "လာ", "။"], "မ|င်္ဂ|လာ။"),
    "Latin inside": (["我", "用", " Python", " 写", "。"], "我|用| Python| 写。"),
    "Latin in pieces": (["我", "用", "Py", "thon", "写", "，", "OK", "。"], "我|用|Python|写，|OK。"),
    "digits": (["増えた", "3", ".", "5", "%", "2", "0", "年"], "増|え|た|3.5%20|年"),
    "money": (["要", "¥", "1", "00"], "要|¥100"),
    "quotes": (["他", "说", "：", "“", "今", "天", "”", "。"], "他|说：|“今|天”。"),
    "brackets": (["こ", "「", "れ", "」", "（", "そ", "れ", "）"], "こ|「れ」|（そ|れ）"),
    "straight quotes": (["说", '"', "今", "天", '"', "。"], '说|"今|天"。'),
    "wide marks in one": (["今", "。「", "天", "」"], "今。|「天」"),
    "quotes after Latin": (["说", "OK", "“", "今", "”"], "说|OK|“今”"),
    "quotes first": (["“", "今", "”"], "“今”"),
    "blank": (["สวย", " มาก"], "ส|ว|ย| ม|า|ก"),
}


@pytest.mark.parametrize(("pieces", "words"), UNSPACED.values(), ids=UNSPACED)
def test_letters_of_scripts_without_blanks_are_rows_that_join_with_nothing(pieces: list[str], words: str) -> None:
    assert "|".join(" " * w.space_before + w.text for w in assemble_words(raw(*pieces))) == words


@pytest.mark.parametrize("pieces", [["♪"], [" ♪♪"], [" ♪", " ♫", "..."]])
def test_music_is_no_word(pieces: list[str]) -> None:
    assert clean_words(raw(*pieces), [STRETCH], STRETCH) == []


def test_a_word_lasts_from_its_first_piece_to_its_last_and_marks_do_not_lengthen_it() -> None:
    percent, end = assemble_words(raw(" 3", ".5", "%", " so", " ?"))
    assert percent.times == pytest.approx((0.0, 0.9))
    assert (end.text, end.times) == ("so ?", pytest.approx((0.9, 1.2)))


def test_the_confidence_of_a_word_is_the_mean_of_its_spoken_characters() -> None:
    pieces = raw(" 12", ".5", " –")
    for piece, probability in zip(pieces, (0.9, 0.6, 0.1), strict=True):
        piece["probability"] = probability
    (word,) = assemble_words(pieces)
    assert word.confidence == pytest.approx((0.9 * 2 + 0.6) / 3)


def test_pieces_without_times_or_confidence_are_words_all_the_same() -> None:
    pieces = [piece | {"probability": None} for piece in raw(" 3", ".5", " is", times=False)]
    words = clean_words(pieces, [STRETCH], STRETCH)
    assert [(w.text, w.start_s, w.end_s, w.confidence) for w in words] == [("3.5", 0, 15, None), ("is", 15, 30, None)]


def test_the_first_word_of_a_stretch_begins_anew_whatever_the_one_before_ended_with() -> None:
    pieces = [*raw(" It", " is"), *({**piece, "stretch": 1} for piece in raw("three", " percent"))]
    words = clean_words(pieces, [Span(0, 10), Span(10, 20)], STRETCH)
    assert join_words(words) == "It is three percent"


ALPHABET = "ab3٣é天気のกี៛ខ្မسلام।؟.,!?…-–—'\"«»„“”()¿「」。、%&@#$€°♪ \u3000"
pieces_of_text = st.lists(st.text(st.sampled_from(ALPHABET), max_size=4), max_size=25)


@given(pieces_of_text)
@example([" «", " a", "”", "「"])
@example(["–", "–", " 天", "("])
def test_the_text_is_the_engines_but_for_white_space(pieces: list[str]) -> None:
    words = clean_words(raw(*pieces), [STRETCH], STRETCH)
    said = "".join("".join(pieces).split())
    assert "".join(join_words(words).split()) == (said if words else "")
    assert words or not any(c.isalnum() for c in said)


@given(st.lists(st.from_regex(r" ?[a-z0-9]{1,4}[.,!?]?", fullmatch=True), min_size=1, max_size=20))
def test_where_every_blank_begins_a_word_the_text_is_the_engines_with_its_blanks(pieces: list[str]) -> None:
    pieces = [" " + pieces[0].strip(), *pieces[1:]]
    assert join_words(clean_words(raw(*pieces), [STRETCH], STRETCH)) == "".join(pieces).strip()


@given(st.lists(st.text(st.sampled_from("今天气很好我们。，「」Py3"), min_size=1, max_size=3), max_size=20))
def test_text_without_blanks_gets_none_inside(pieces: list[str]) -> None:
    words = clean_words(raw("今", *pieces), [STRETCH], STRETCH)
    assert join_words(words) == "今" + "".join(pieces)
