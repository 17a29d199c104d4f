"""Where to listen first: the worst ten minutes and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.comparison import compare, group_by_speaker
from tasks.evaluation.diarization import default_regions
from tasks.evaluation.worst import LENGTH_S, find_worst_stretch
from tasks.intervals import Span, intersect
from tasks.records import Turn


def talk(minutes: int, who: str = "ab") -> list[Turn]:
    """Half a minute each, in turns."""
    return [Turn(30.0 * i, 30.0 * i + 25, who[i % len(who)]) for i in range(2 * minutes)]


def renamed(turns: list[Turn], names: dict[str, str], within: Span | None = None) -> list[Turn]:
    inside = [within is None or t.span.middle_s in within for t in turns]
    return [
        Turn(t.start_s, t.end_s, names.get(t.speaker, t.speaker) if i else t.speaker)
        for t, i in zip(turns, inside, strict=True)
    ]


REGIONS = [Span(0, 3600)]


def test_a_speaker_under_anothers_name_is_told_with_whose_it_is() -> None:
    truth = talk(60)
    found = renamed(renamed(truth, {"a": "x", "b": "y"}), {"x": "y"}, Span(1210, 1500))
    worst = find_worst_stretch(truth, found, REGIONS)
    assert worst is not None
    assert worst.start_s <= 1210 < 1500 <= worst.end_s == worst.start_s + LENGTH_S
    assert (worst.speaker, worst.taken_for, worst.whose) == ("a", "y", "b")
    assert worst.confusion_s == worst.taken_s == worst.wrong_s == pytest.approx(125)
    assert (worst.missed_s, worst.false_alarm_s) == (0, 0)


def test_missed_speech_and_speech_out_of_nothing_are_told_apart() -> None:
    truth = talk(60)
    held = [t for t in truth if not 600 <= t.start_s < 900]
    worst = find_worst_stretch(truth, [*held, Turn(2000, 2010, "noise")], REGIONS)
    assert worst is not None
    assert (worst.missed_s, worst.false_alarm_s, worst.confusion_s) == (250, 0, 0)
    assert worst.speaker is None


def test_a_name_that_is_nobodys() -> None:
    truth = talk(60)
    worst = find_worst_stretch(truth, renamed(truth, {"a": "z"}, Span(600, 900)), REGIONS)
    assert worst is not None
    assert (worst.speaker, worst.taken_for, worst.whose) == ("a", "z", None)


def test_nothing_is_told_where_nothing_is_wrong_or_the_recording_is_short() -> None:
    assert find_worst_stretch(talk(60), talk(60), REGIONS) is None
    assert find_worst_stretch(talk(15), [], [Span(0, 900)]) is None
    assert find_worst_stretch([], [], []) is None


turn = st.builds(
    lambda start, length, who: Turn(float(start), float(start + length), who),
    st.integers(0, 3000), st.integers(1, 400), st.sampled_from("abc"),
)  # fmt: skip


@given(st.lists(turn, min_size=1, max_size=12), st.lists(turn, max_size=12))
def test_no_ten_minutes_are_worse(truth: list[Turn], found: list[Turn]) -> None:
    regions = list(default_regions(truth, found))
    worst = find_worst_stretch(truth, found, regions)
    sides = group_by_speaker(truth), group_by_speaker(found)
    mapping = compare(*sides, regions).mapping

    def wrong_s(at: float) -> float:
        there = compare(*sides, intersect(regions, [Span(at, at + LENGTH_S)]))
        shared = sum(there.reference_s.values()) - there.missed_s
        right = sum(there.common_s.get(pair, 0.0) for pair in mapping.items())
        return there.missed_s + there.false_alarm_s + shared - right

    if worst is not None:
        most = max(wrong_s(60.0 * i) for i in range(60))
        assert worst.wrong_s == pytest.approx(wrong_s(worst.start_s))
        assert worst.wrong_s >= most - 1e-6 or worst.end_s == regions[-1].end_s
