"""Text without blanks breaks between its phrases, and not within a compound."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.exports.cue_timing import Cue
from tasks.exports.pieces import Piece
from tasks.exports.subtitles import phrases
from tasks.exports.subtitles.atoms import join_pieces
from tasks.exports.subtitles.optimise import make_cues
from tasks.exports.subtitles.phrases import find_phrases
from tasks.exports.subtitles.profile import NETFLIX
from tasks.exports.subtitles.width import count_columns

JUDGEMENT = "客観的実在の判断的知識が成立するのである。"
NEWS = (
    "東京都議会議員選挙の投票率は前回を大幅に上回り、選挙管理委員会は記者会見で結果を発表した。"
    "国際連合教育科学文化機関の世界遺産委員会は来月京都で開かれる予定です。"
)


def say(text: str, cps: float, language: str = "ja") -> list[Cue]:
    """The text as a recogniser gives it: a word a letter, at an even rate."""
    step = round(1000 / cps)
    pieces = [Piece(1000 + i * step, 1000 + (i + 1) * step, letter) for i, letter in enumerate(text)]
    return make_cues(join_pieces(pieces, "A", language), NETFLIX, pieces[-1].end_ms + 3000)


def list_breaks(cues: list[Cue]) -> list[str]:
    """The two letters on both sides of each end of a line or cue."""
    lines = [line for cue in cues for line in cue.lines]
    return [a[-1] + b[0] for a, b in pairwise(lines)]


def is_han(text: str) -> bool:
    return all("\u4e00" <= char <= "\u9fff" for char in text)


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases, "_load", lambda language: None)


@pytest.mark.usefixtures("without_package")
def test_without_the_package_compounds_are_told_by_their_script() -> None:
    assert find_phrases(JUDGEMENT, "ja") is None
    assert not any(map(is_han, list_breaks(say(JUDGEMENT, 5.3))))
    assert not any(map(is_han, list_breaks(say(NEWS, 4.5))))


@pytest.mark.usefixtures("without_package")
def test_a_compound_that_is_wider_than_a_line_is_cut_all_the_same() -> None:
    lines = [line for cue in say("国" * 40, 8) for line in cue.lines]
    assert all(count_columns(line) <= 26 for line in lines)


def test_a_number_stays_with_what_it_counts() -> None:
    for cps in (3.0, 4.5, 7.0):
        text = "今日は木曜日10月の9日で冬季開館前の最後の企画会議は15人で開かれました。"
        assert not any(pair[0].isdecimal() for pair in list_breaks(say(text, cps)))


@pytest.mark.parametrize("cps", [3.5, 4.2, 6.0, 9.0])
def test_with_it_no_line_ends_within_a_phrase(cps: float) -> None:
    pytest.importorskip("budoux")
    assert [c.lines for c in say(JUDGEMENT, 4.2)] == [("客観的実在の判断的知識が", "成立するのである。")]
    cues = say(JUDGEMENT + NEWS, cps)
    places = find_phrases(JUDGEMENT + NEWS, "ja")
    assert places is not None
    at = 0
    for line in [line for cue in cues for line in cue.lines]:
        assert at in places
        at += len(line)


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("zh", "今天我们在这里讨论人工智能的未来发展方向和社会影响。", "人工智能"),
        ("th", "วันนี้เราจะพูดคุยเกี่ยวกับอนาคตของเทคโนโลยี", "เทคโนโลยี"),
    ],
)
def test_chinese_and_thai_have_phrases_too(language: str, text: str, kept: str) -> None:
    pytest.importorskip("budoux")
    cues = say(text, 12, language)
    assert any(kept in line for cue in cues for line in cue.lines)
    assert find_phrases("We went home.", "en") is find_phrases("home", language) is None


letters = st.text("東京都議会はがのするカナ", min_size=1, max_size=60)


@settings(max_examples=50, deadline=None)
@given(letters, st.floats(2, 20), st.sampled_from(["ja", "zh", "th"]))
def test_no_letter_is_lost_and_no_line_is_too_wide(text: str, cps: float, language: str) -> None:
    lines = [line for cue in say(text, cps, language) for line in cue.lines]
    assert "".join(lines) == text
    assert all(count_columns(line) <= NETFLIX.limits_of(language).columns for line in lines)
