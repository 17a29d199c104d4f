"""The text of segments: that of their words, joined as the recogniser wrote them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.joining import join_words
from tasks.merging.assign_speakers import assign_speakers
from tasks.merging.seams import join
from tasks.merging.segments import build_segments
from tasks.records import Chunk, Turn, Word
from tasks.transcription.words import clean_words
from tests.helpers.sample_words import make_word

A, B = "SPEAKER_00", "SPEAKER_01"


def decoded(*pieces: str, chunk: int = 0, start: float = 0.0, step: float = 0.3) -> list[Word]:
    """The words of a stretch of pieces of the engine's shape, `step` seconds each."""
    raw = [
        {"word": p, "start": start + k * step, "end": start + (k + 1) * step, "probability": 0.9, "stretch": 0}
        for k, p in enumerate(pieces)
    ]
    span = Span(start, start + len(pieces) * step)
    return [
        make_word(w.start_s, w.end_s, w.text, w.confidence, chunk=chunk, space_before=w.space_before)
        for w in clean_words(raw, [span], span)
    ]


def test_a_segment_has_the_text_of_the_engine() -> None:
    pieces = [" The", " price", " is", " $", "1", ",250", " –", " or", " 3", ".5", "%", " more", "."]
    (segment,) = build_segments(decoded(*pieces))[1]
    assert segment.text == "".join(pieces).strip()
    assert segment.num_words == 7


def test_a_segment_of_a_language_without_blanks_has_none() -> None:
    (segment,) = build_segments(decoded("我", "用", " Python", " 写", "。"))[1]
    assert segment.text == "我用 Python 写。"


def test_a_change_of_speaker_within_a_number_does_not_part_it() -> None:
    words = decoded(" about", " 3", ".5", "%", " I", " think", step=0.5)
    labelled = assign_speakers(words, [Turn(0.0, 1.2, A), Turn(1.2, 3.0, B)])
    _, segments = build_segments(labelled)
    assert "3.5%" in [part for s in segments for part in s.text.split()]


def test_a_number_at_a_seam_is_there_once_and_whole() -> None:
    chunks = [
        Chunk(0, Span(0, 40), Span(0, 25), (Span(0, 40),)),
        Chunk(1, Span(10, 60), Span(25, 60), (Span(10, 60),)),
    ]
    said = [" it", " is", " 3", ".5", "%", " l", "'an", " chez", " AT", "&T"]
    own = [decoded(*said, chunk=c, start=23.5 + 0.05 * c) for c in (0, 1)]
    assert join_words(join(chunks, own).words) == "it is 3.5% l'an chez AT&T"


def test_text_without_blanks_goes_on_over_a_seam() -> None:
    chunks = [
        Chunk(0, Span(0, 40), Span(0, 25), (Span(0, 40),)),
        Chunk(1, Span(10, 60), Span(25, 60), (Span(10, 60),)),
    ]
    one = decoded("今", "天天", "气", chunk=0, start=24.4)
    other = decoded("今天", "天气", chunk=1, start=24.4, step=0.6)
    assert join_words(join(chunks, [one, other]).words) == "今天天气"


PIECES = [" a", " b.", " –", " 3", ".5", "%", "'s", "今", "天。", " «", " »", "“", "-by"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=25),
    st.lists(st.tuples(st.floats(0, 7), st.floats(0.1, 3), st.sampled_from([A, B])), max_size=5),
)
def test_no_character_is_lost_whoever_speaks(pieces: list[str], spans: list[tuple[float, float, str]]) -> None:
    words = decoded(" so", *pieces)
    turns = sorted((Turn(a, a + length, who) for a, length, who in spans), key=lambda t: t.start_s)
    numbered, segments = build_segments(assign_speakers(words, turns))
    said = sorted("".join("".join([" so", *pieces]).split()))
    assert sorted("".join("".join(s.text for s in segments).split())) == said
    for segment in segments:
        assert segment.text == join_words(w for w in numbered if w.segment == segment.index)
