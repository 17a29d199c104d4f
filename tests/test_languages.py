"""Spellings of languages: codes, names, tags with regions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.languages import NAMES, format_language, format_languages, parse_language, suggest_language


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        (" English ", "en"),
        ("english", "en"),
        ("eng", "en"),
        ("en-US", "en"),
        ("en_GB", "en"),
        ("de_AT.UTF-8", "de"),
        ("ger", "de"),
        ("Deutsch", "de"),
        ("francais", "fr"),
        ("Français", "fr"),
        ("castilian", "es"),
        ("pt-BR", "pt"),
        ("zh-Hant-TW", "zh"),
        ("Mandarin", "zh"),
        ("中文", "zh"),
        ("yue-HK", "yue"),
        ("zh-yue", "yue"),
        ("nb-NO", "no"),
        ("iw", "he"),
        ("jv", "jw"),
        ("haitian_creole", "ht"),
        ("हिन्दी", "hi"),
        ("es-419", "es"),
        ("de-1996", "de"),
        ("de-CH-1996", "de"),
        ("ca-valencia", "ca"),
        ("en-GB-oxendict", "en"),
        ("en-US-x-private", "en"),
        ("zh_CN.GB18030@stroke", "zh"),
        ("<|de|>", "de"),
        ("German (de)", "de"),
        ("Portuguese (Brazil)", "pt"),
        ("Español (México)", "es"),
        ("Chinese (Simplified)", "zh"),
        ("Chinese (Cantonese)", "yue"),
        ("Norwegian (Nynorsk)", "nn"),
        ("Serbian (Latin)", "sr"),
        ("Brazilian Portuguese", "pt"),
        ("traditional chinese", "zh"),
        ("english-US", "en"),
        ("Farsi", "fa"),
        ("castellano", "es"),
    ],
)
def test_a_language_is_understood_in_any_usual_spelling(spelling: str, code: str) -> None:
    assert parse_language(spelling) == code


NO_LANGUAGES = [
    *("", " ", "xx", "xx-US", "klingon", "per-chunk", "per-segment", "auto", "e", "7"),
    *("C.UTF-8", "POSIX", "en,de", "german english", "German (en)", "simplified", "jp", "mul"),
]


@pytest.mark.parametrize("text", NO_LANGUAGES)
def test_what_is_no_language_is_none(text: str) -> None:
    assert parse_language(text) is None


@given(st.text(max_size=20))
def test_any_text_gives_a_known_code_or_nothing(text: str) -> None:
    assert parse_language(text) in {None, *NAMES}


def test_the_table_has_the_codes_and_names_of_whisper() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

    assert set(NAMES) == set(_LANGUAGE_CODES)
    assert {name: parse_language(name) for name in TO_LANGUAGE_CODE} == TO_LANGUAGE_CODE
    assert all(parse_language(name) == code for code, name in NAMES.items())


def test_a_misspelt_name_is_suggested() -> None:
    assert suggest_language("germn") == "German (de)"
    assert suggest_language("Englisch") == "English (en)"
    assert suggest_language("xx") is None
    assert suggest_language("JP") == "Japanese (ja)"


def test_languages_are_listed_for_people() -> None:
    assert format_language("de") == "German (de)"
    assert format_languages(["de"]) == "German (de)"
    assert format_languages(["de", "fr"]) == "German (de) and French (fr)"
