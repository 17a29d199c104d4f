"""Batches, and their halves where an answer can't be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from tasks.translation.batches import MOST_CHARS, ask_all
from tasks.translation.prompt import BadAnswer

places = st.sets(st.integers(0, 60), max_size=50).map(sorted)


@given(
    places, st.sets(st.integers(0, 60)), st.integers(1, 20), st.lists(st.integers(1, 3000), min_size=61, max_size=61)
)
def test_every_sentence_is_answered_once_in_order_whatever_is_refused(
    wanted: list[int], stubborn: set[int], most: int, lengths: list[int]
) -> None:
    asked: list[tuple[int, ...]] = []

    def ask(batch: Sequence[int], fault: str | None) -> Mapping[int, str]:
        asked.append(tuple(batch))
        assert len(batch) <= most
        assert list(batch) == list(range(batch[0], batch[0] + len(batch)))
        assert len(batch) == 1 or sum(lengths[i] for i in batch) <= MOST_CHARS
        if stubborn & set(batch):
            raise BadAnswer("no")
        return {i: f"text {i}" for i in batch}

    found = [pair for part in ask_all(wanted, lengths, ask, most) for pair in part.items()]
    assert found == [(i, None if i in stubborn else f"text {i}") for i in wanted]
    # A sentence that is refused is asked for once more by itself, and no sentence is asked for without end.
    assert all(asked.count((i,)) == 2 for i in wanted if i in stubborn)
    assert all(sum(i in batch for batch in asked) <= 7 for i in wanted)


def test_the_second_question_about_one_sentence_says_what_was_wrong() -> None:
    faults: list[str | None] = []

    def ask(batch: Sequence[int], fault: str | None) -> Mapping[int, str]:
        faults.append(fault)
        if fault is None:
            raise BadAnswer("line 1: it is empty")
        return dict.fromkeys(batch, "Ja.")

    assert list(ask_all([4], [9] * 9, ask, 20)) == [{4: "Ja."}]
    assert faults == [None, "line 1: it is empty"]


def test_after_halves_the_next_batch_is_shorter_and_grows_again() -> None:
    sizes: list[int] = []

    def ask(batch: Sequence[int], fault: str | None) -> Mapping[int, str]:
        sizes.append(len(batch))
        if len(batch) > 12 and batch[0] == 0:
            raise BadAnswer("cut off")
        return dict.fromkeys(batch, "text")

    list(ask_all(range(60), [1] * 60, ask, 16))
    assert sizes == [16, 8, 8, 8, 10, 12, 14]


def test_an_answer_of_other_sentences_is_refused() -> None:
    assert list(ask_all([1], [1] * 2, lambda batch, fault: {7: "text"}, 4)) == [{1: None}]
