"""Ordinary prose in each of Whisper's languages is neither repetitive nor too fast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.joining import is_unspaced
from tasks.transcription.hallucinations import confirm_repetitions, is_repetitive
from tasks.transcription.rates import count_syllables, is_sayable
from tasks.transcription.words import DecodedWord

PROSE = {
    code: text
    for line in (Path(__file__).parent / "prose.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for code, text in [line.split("\t")]
}
LETTERS_PER_S = {"zh": 6.0, "yue": 6.0, "ja": 8.0, "ko": 7.0, "am": 7.0}
"""A quick speaker's; elsewhere 18, marks included."""


def as_pieces(text: str) -> list[str]:
    """Words as an engine gives them: single characters, with the marks on them, where no blanks part words."""
    return [
        piece
        for word in text.split()
        for piece in (re.findall(r"\w[^\w\s]*|\W+", word) if is_unspaced(word[:1]) else [word])
    ]


def spoken(code: str, text: str, pieces: list[str]) -> list[DecodedWord]:
    each = 1 / LETTERS_PER_S.get(code, 18.0)
    out, at = [], 0.0
    for piece in pieces:
        out.append(DecodedWord(at, at + each * len(piece), piece, 0.9))
        at += each * len(piece)
    return out


def test_there_is_prose_in_all_languages() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(_LANGUAGE_CODES) <= set(PROSE)


@pytest.mark.parametrize("code", sorted(PROSE))
def test_prose_is_decoded_once(code: str) -> None:
    pieces = as_pieces(PROSE[code])
    assert not is_repetitive(pieces)
    assert is_sayable(spoken(code, PROSE[code], pieces))


@pytest.mark.parametrize("code", ["zh", "yue", "ja", "th", "lo", "my", "km", "bo"])
def test_prose_of_characters_is_no_loop(code: str) -> None:
    characters = re.findall(r"\S", PROSE[code])
    assert not is_repetitive(characters, "".join(characters)), "engines split some languages so"


@pytest.mark.parametrize("code", ["en", "zh", "ja", "th", "hi", "de", "ar", "ru"])
def test_a_loop_is_a_loop_in_any_script(code: str) -> None:
    phrase = as_pieces(PROSE[code])[:8]
    assert is_repetitive(phrase * 12)


@pytest.mark.parametrize("code", ["en", "zh", "ja", "th", "hi", "de"])
def test_what_is_said_over_and_over_is_kept_in_any_script(code: str) -> None:
    phrase = as_pieces(PROSE[code])[:3] * 10
    said = spoken(code, "", phrase)
    slow = [DecodedWord(2 * w.start_s, 2 * w.end_s, w.text, 0.9) for w in said]
    assert confirm_repetitions(slow, slow)


def test_words_in_an_instant_cannot_be_said() -> None:
    text = ["and", "then", "they", "all", "went", "home", "again"]
    instant = [DecodedWord(5 + i * 0.0025, 5 + (i + 1) * 0.0025, t) for i, t in enumerate([*text, "together"])]
    assert not is_sayable(instant)
    calm = [DecodedWord(i * 0.4, i * 0.4 + 0.3, t) for i, t in enumerate(text * 3)]
    assert is_sayable(calm)
    later = [DecodedWord(w.start_s + 20, w.end_s + 20, w.text) for w in instant]
    assert not is_sayable([*calm, *later]), "wherever they are"


def test_syllables_are_counted_by_script() -> None:
    assert sum(map(count_syllables, ("we", "hold", "these", "truths"))) == pytest.approx(5, abs=1)
    assert count_syllables("민주주의") == 4
    assert sum(map(count_syllables, "สวัสดีครับ")) == pytest.approx(3, abs=1)
