"""Tokens of any engine become raw words: their text whole, their times in order and inside the stretch."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from tasks.intervals import Span
from tasks.transcription.tokens import Token, build_words, join_bytes, read_bytes, share_times
from tasks.transcription.words import clean_words

texts = st.sampled_from(["▁he", "llo", "▁wor", "ld", ".", ",", "▁", " a", "'s", "天", "気", "", "%", "▁5"])
logprobs = st.none() | st.floats(-30, 0)


@st.composite
def timed_tokens(draw: st.DrawFn) -> list[Token]:
    starts = sorted(draw(st.lists(st.floats(10, 40), max_size=12)))
    ends = draw(st.booleans())
    return [
        Token(draw(texts), s, min(40.0, s + draw(st.floats(0, 1))) if ends else None, draw(logprobs)) for s in starts
    ]


@given(timed_tokens())
def test_no_text_is_lost_and_times_are_in_order_inside_the_stretch(tokens: list[Token]) -> None:
    raw = build_words(tokens, 0, 40.0)
    said = "".join(t.text for t in tokens).replace("▁", " ")
    assert "".join(w["word"] for w in raw).strip() == (said.strip() if said.strip() else "")
    starts = [w["start"] for w in raw]
    assert starts == sorted(starts)
    assert all(10 <= w["start"] <= w["end"] <= 40 for w in raw)
    assert all(w["probability"] is None or 0 <= w["probability"] <= 1 for w in raw)


@given(timed_tokens())
def test_of_words_without_ends_none_reaches_into_the_next(tokens: list[Token]) -> None:
    raw = build_words([Token(t.text, t.start_s) for t in tokens], 0, 40.0)
    assert all(a["end"] <= b["start"] for a, b in pairwise(raw))
    assert all(w["end"] - w["start"] <= 0.4 + 0.1 * len(w["word"].strip()) + 1e-9 for w in raw)


@given(timed_tokens())
def test_what_is_built_passes_as_words_of_a_stretch(tokens: list[Token]) -> None:
    words = clean_words(build_words(tokens, 0, 40.0), [Span(10, 40)], Span(0, 60))
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.sets(st.integers(0, 60), max_size=8))
def test_characters_divided_among_byte_tokens_are_whole_again(text: str, cuts: set[int]) -> None:
    whole = "".join(p for p, _ in ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text))
    places = sorted({0, len(whole), *(c for c in cuts if c < len(whole))})
    pieces = [whole[i:j] for i, j in pairwise(places)]
    joined = join_bytes([(read_bytes(piece), Token("", float(i))) for i, piece in enumerate(pieces)])
    assert "".join(t.text for t in joined) == text


def test_bytes_that_are_no_text_do_not_stop_the_rest() -> None:
    broken = [(b" good", Token("", 1.0)), (b"\xe6", Token("", 2.0)), (b" day", Token("", 3.0))]
    assert "".join(t.text for t in join_bytes(broken)) == " good\ufffd day"
    assert join_bytes([(b"\xe6", Token("", 2.0))])[0].text == "\ufffd"


def test_a_words_confidence_is_the_mean_of_its_tokens() -> None:
    [word] = build_words([Token("▁tes", 0.0, None, math.log(0.9)), Token("ting", 0.1, None, math.log(0.5))], 0, 9.0)
    assert math.isclose(word["probability"], 0.7)


def test_tokens_that_know_their_ends_keep_pauses() -> None:
    raw = build_words([Token("▁one", 1.0, 1.3), Token("▁two", 4.0, 4.2)], 2, 9.0)
    assert [(w["start"], w["end"], w["stretch"]) for w in raw] == [(1.0, 1.3, 2), (4.0, 4.2, 2)]


def test_letters_of_scripts_without_blanks_are_words() -> None:
    raw = build_words([Token("今", 0.0), Token("日", 0.3), Token("は", 0.6)], 0, 2.0)
    assert [w["word"] for w in raw] == ["今", "日", "は"]


@given(st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=9), st.floats(0, 99), st.floats(0, 30))
def test_shares_tile_the_span(texts: list[str], start: float, length: float) -> None:
    shared = share_times([{"word": t} for t in texts], start, start + length)
    assert shared[0]["start"] == start
    assert math.isclose(shared[-1]["end"], start + length)
    assert all(a["end"] == b["start"] for a, b in pairwise(shared))
