"""Facts on the sound, applied to what a run gave: the machine's own words, other ones, and third things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.canonical import canonical
from tasks.corrections.apply import apply, correct_transcript
from tasks.corrections.facts import Fact, Restore, Voice, read_row, write_row
from tasks.corrections.recount import recount
from tasks.dataset.rows import tables
from tasks.intervals import Span
from tasks.records import UNKNOWN, Transcript
from tests.helpers.sample_transcripts import make_transcript

SHA = "0a1b2c3d" * 8
ADA, BEA = (
    Voice("SPEAKER_00", (Span(1.0, 3.0),)),
    Voice("SPEAKER_01", (Span(5.0, 6.6),)),
)
SAID, MEANT = "We run cube control daily.", "We run kubectl daily."
CUBE = Fact(SHA, Span(1.0, 3.0), was=SAID, now=MEANT, was_voice=ADA, number=1)


def make_talk(
    *first: str, shift_s: float = 0.0, labels: tuple[str, str] = ("SPEAKER_00", "SPEAKER_01")
) -> Transcript:
    said = list(first) or ["We", "run", "cube", "control", "daily."]
    return make_transcript(
        [(1.0 + shift_s, labels[0], said), (5.0 + shift_s, labels[1], ["So", "do", "we,", "Ada."])]
    )


def correct(transcript: Transcript, *facts: Fact) -> Transcript:
    return canonical(correct_transcript(transcript, facts)[0])


def read_lines(transcript: Transcript) -> list[tuple[str | None, str]]:
    return [(s.speaker, s.text) for s in transcript.segments]


def list_conflicts(transcript: Transcript, *facts: Fact) -> list[tuple[int, str]]:
    return [(c.fact.number, c.machine) for c in correct_transcript(transcript, facts)[1]]


def test_a_text_is_corrected_and_only_its_words_are_new() -> None:
    before = make_talk()
    after = correct(before, CUBE)
    assert read_lines(after) == [("SPEAKER_00", "We run kubectl daily."), ("SPEAKER_01", "So do we, Ada.")]
    assert [(w.text, w.edited, w.times) for w in after.words[:4]] == [
        ("We", False, "engine"),
        ("run", False, "engine"),
        ("kubectl", True, "fast"),
        ("daily.", False, "engine"),
    ]
    kubectl = after.words[2]
    assert (kubectl.start_s, kubectl.end_s) == pytest.approx((1.8, 2.6))
    assert kubectl.confidence is None
    assert after.words[4:] == before.words[5:]
    assert after.segments[0].num_words == 4
    assert {s.label: s.num_words for s in after.speakers} == {"SPEAKER_00": 4, "SPEAKER_01": 4}
    assert tables(after)["words"]["edited"].to_pylist() == [False, False, True, *[False] * 5]
    assert tables(after)["words"]["word_raw"].to_pylist()[2] == "kubectl"


def test_times_that_an_aligner_found_are_those_of_the_words() -> None:
    times = (Span(1.0, 1.3), Span(1.5, 1.7), Span(1.75, 2.5), Span(2.6, 3.0))
    words = correct(make_talk(), replace(CUBE, times=times)).words[:4]
    assert [(w.start_s, w.end_s, w.times) for w in words] == [(s.start_s, s.end_s, "aligned") for s in times]


@pytest.mark.parametrize("shift_s", [-0.4, 0.0, 0.4])
def test_a_fact_holds_where_the_machine_says_what_it_said_at_other_times(shift_s: float) -> None:
    again = make_talk("we", "run", "Cube", "control", "daily", shift_s=shift_s)
    assert read_lines(correct(again, CUBE))[0] == ("SPEAKER_00", "We run kubectl daily.")
    assert list_conflicts(again, CUBE) == []


def test_a_machine_that_agrees_is_no_conflict_and_keeps_its_times() -> None:
    again = make_talk("We", "run", "kubectl", "daily.")
    assert list_conflicts(again, CUBE) == []
    assert [w.times for w in correct(again, CUBE).words] == ["engine"] * 8


def test_a_third_thing_loses_and_is_listed() -> None:
    again = make_talk("We", "ran", "cubes,", "controlled", "daily.")
    assert read_lines(correct(again, CUBE))[0] == ("SPEAKER_00", "We run kubectl daily.")
    assert list_conflicts(again, CUBE) == [(1, "We ran cubes, controlled daily.")]


def test_what_a_run_no_longer_hears_is_put_back_at_its_time() -> None:
    silent = make_transcript([(5.0, "SPEAKER_01", ["So", "do", "we,", "Ada."])])
    after = correct(silent, CUBE)
    assert read_lines(after) == [(UNKNOWN, MEANT), ("SPEAKER_01", "So do we, Ada.")]
    assert all(1.0 <= w.start_s <= w.end_s <= 3.0 for w in after.words if w.edited)
    assert list_conflicts(silent, CUBE) == [(1, "")]


def test_words_of_somebody_who_speaks_at_the_same_time_stay() -> None:
    both = make_transcript(
        [(1.0, "SPEAKER_00", ["We", "run", "cube", "control", "daily."]), (1.2, "SPEAKER_01", ["Yes,", "yes."])]
    )
    assert sorted(read_lines(correct(both, CUBE))) == [("SPEAKER_00", CUBE.now), ("SPEAKER_01", "Yes, yes.")]


def test_a_later_fact_builds_on_an_earlier_one_in_every_run() -> None:
    second = replace(CUBE, was="We run kubectl daily.", now="We run kubectl twice daily.", number=2)
    for words in (["We", "run", "cube", "control", "daily."], ["We", "run", "kubectl", "twice", "daily."]):
        assert read_lines(correct(make_talk(*words), CUBE, second))[0][1] == second.now
        assert list_conflicts(make_talk(*words), CUBE, second) == []
    assert list_conflicts(make_talk("No", "idea."), CUBE, second) == [(2, "No idea.")]


def test_a_span_is_given_to_another_speaker_with_its_turn() -> None:
    given = Fact(SHA, Span(1.0, 3.0), was=CUBE.was, was_voice=ADA, voice=BEA, number=1)
    after = correct(make_talk(), given)
    assert [s.speaker for s in after.segments] == ["SPEAKER_01", "SPEAKER_01"]
    assert {t.speaker for t in after.turns} == {"SPEAKER_01"}
    assert all(w.edited for w in after.words[:5])
    rows = {s.label: (s.num_words, s.turn_s) for s in after.speakers}
    assert rows["SPEAKER_00"] == (0, 0)
    assert rows["SPEAKER_01"][0] == 9


def test_labels_of_another_run_are_found_by_who_speaks_when() -> None:
    given = Fact(SHA, Span(1.0, 1.8), was="We run", was_voice=ADA, voice=BEA, number=1)
    after = correct(make_talk(labels=("SPEAKER_01", "SPEAKER_00")), given)
    assert [w.speaker for w in after.words[:3]] == ["SPEAKER_00", "SPEAKER_00", "SPEAKER_01"]
    assert read_lines(after)[:2] == [("SPEAKER_00", "We run"), ("SPEAKER_01", "cube control daily.")]


def test_a_third_speaker_is_a_conflict() -> None:
    three = make_transcript(
        [
            (1.0, "SPEAKER_02", ["We", "run", "cube", "control", "daily."]),
            (5.0, "SPEAKER_01", ["So", "do", "we."]),
            (9.0, "SPEAKER_00", ["Right."]),
        ]
    )
    ada = Voice("SPEAKER_00", (Span(9.0, 9.4),))
    given = Fact(SHA, Span(1.0, 3.0), was=CUBE.was, was_voice=ada, voice=BEA, number=1)
    assert list_conflicts(three, given) == [(1, "SPEAKER_02")]
    assert correct(three, given).words[0].speaker == "SPEAKER_01"


def test_unknown_has_a_row_while_somebody_is_so() -> None:
    given = Fact(SHA, Span(1.0, 3.0), was=CUBE.was, was_voice=ADA, voice=Voice(UNKNOWN), number=1)
    after = correct(make_talk(), given)
    assert [s.label for s in after.speakers] == ["SPEAKER_00", "SPEAKER_01", UNKNOWN]
    assert after.num_speakers == 2


def test_what_is_not_speech_goes_with_its_turn() -> None:
    gone = replace(CUBE, now="")
    after = correct(make_talk(), gone)
    assert read_lines(after) == [("SPEAKER_01", "So do we, Ada.")]
    assert [t.speaker for t in after.turns] == ["SPEAKER_01"]
    other = make_talk("Something", "else.")
    assert list_conflicts(other, gone) == [(1, "Something else.")]
    assert read_lines(correct(other, gone)) == [("SPEAKER_01", "So do we, Ada.")]


def test_a_line_is_split_and_joined() -> None:
    split = Fact(SHA, Span(1.7, 1.9), "split", "run cube", was_voice=ADA, number=1)
    assert [t for _, t in read_lines(correct(make_talk(), split))] == [
        "We run",
        "cube control daily.",
        "So do we, Ada.",
    ]
    apart = make_transcript([(1.0, "SPEAKER_00", ["We", "run"]), (2.5, "SPEAKER_00", ["daily."])])
    join = Fact(SHA, Span(1.8, 2.5), "join", "run daily.", was_voice=ADA, number=1)
    assert [t for _, t in read_lines(correct(apart, join))] == ["We run daily."]
    assert correct(make_talk(), replace(join, span=Span(3.0, 5.0))).segments == make_talk().segments  # of two people


def test_text_of_a_script_without_blanks_is_words_again() -> None:
    spoken = make_transcript([(1.0, "SPEAKER_00", ["天", "汽", "好。"])])
    spoken = replace(spoken, words=tuple(replace(w, space_before=False) for w in spoken.words))
    after = correct(spoken, Fact(SHA, Span(1.0, 2.2), was="天汽好。", now="天气好。", was_voice=ADA, number=1))
    assert [(w.text, w.edited) for w in after.words] == [("天", False), ("气", True), ("好。", False)]
    assert after.segments[0].text == "天气好。"


def test_without_facts_nothing_changes() -> None:
    talk = make_talk()
    assert correct_transcript(talk, []) == (talk, ())
    assert recount(recount(talk)) == recount(talk)
    assert apply([], talk.words, talk.segments, talk.turns).words == talk.words


def test_rows_of_files_say_the_same() -> None:
    given = replace(CUBE, voice=BEA, by="Ana", at="2026-01-02T03:04:05+00:00", times=(Span(1.0, 2.0),), number=0)
    assert read_row(write_row(given)) == given
    assert read_row({"action": "restore", "start_s": 1, "end_s": 2}, SHA) == Restore(SHA, Span(1.0, 2.0))
    assert given.key == replace(given, number=7, times=()).key != replace(given, now="x").key


@pytest.mark.parametrize(
    "row",
    [
        {"start_s": 1, "end_s": 1, "now": "x"},
        {"start_s": -1, "end_s": 1, "now": "x"},
        {"start_s": 1, "end_s": float("nan"), "now": "x"},
        {"start_s": 1, "end_s": 2},
        {"start_s": 1, "end_s": 2, "now": 3},
        {"start_s": 1, "end_s": 2, "now": "x" * 30_000},
        {"start_s": 1, "end_s": 2, "now": "x", "action": "erase"},
        {"start_s": 1, "end_s": 2, "now": "x", "sha256": "zz"},
        {"start_s": 1, "end_s": 2, "speaker": {"spans": []}},
    ],
)
def test_malformed_rows_are_refused(row: dict) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_row(row, SHA)


def test_hostile_text_is_one_line_without_hidden_turns_of_direction() -> None:
    fact = read_row({"start_s": 1, "end_s": 2, "now": "a\x00b\n\nc\u202ed<script>"}, SHA)
    assert isinstance(fact, Fact)
    assert fact.now == "ab cd<script>"


@pytest.mark.parametrize("at_s", [2.95, 3.2])
def test_the_last_word_that_another_run_places_a_little_later_is_not_said_twice(at_s: float) -> None:
    talk = make_talk("Yes", "we", "walk", "daily.", "Then")
    own = [
        replace(w, start_s=s, end_s=s + 0.3) for w, s in zip(talk.words[:5], (1.0, 1.6, 2.4, at_s, 4.0), strict=True)
    ]
    moved = replace(talk, words=(*own, *talk.words[5:]))
    assert read_lines(correct(moved, CUBE))[0] == ("SPEAKER_00", "We run kubectl daily. Then")


def test_a_word_beyond_the_span_that_is_not_the_last_of_it_stays() -> None:
    talk = make_talk("Yes", "we", "walk", "daily.", "daily")
    own = [
        replace(w, start_s=s, end_s=s + 0.3) for w, s in zip(talk.words[:5], (1.0, 1.6, 2.2, 2.6, 3.2), strict=True)
    ]
    moved = replace(talk, words=(*own, *talk.words[5:]))
    assert read_lines(correct(moved, CUBE))[0] == ("SPEAKER_00", "We run kubectl daily. daily")


def place_talk(*said: tuple[str, float]) -> Transcript:
    """A talk whose first speaker says these words, each for 0.2 s from its time on."""
    talk = make_talk(*(text for text, _ in said))
    own = [
        replace(w, start_s=at_s, end_s=at_s + 0.2) for w, (_, at_s) in zip(talk.words[: len(said)], said, strict=True)
    ]
    return replace(talk, words=(*own, *talk.words[len(said) :]))


STEADY = ("Yes", 1.0), ("we", 1.6), ("run", 2.2), ("my", 2.8)


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ((("cubes", 3.0), ("there.", 3.2)), ""),
        ((("cubes", 3.0), ("there.", 3.2), ("Then", 4.4)), " Then"),
        ((("cubes", 3.0), ("there.", 3.2), ("Then", 3.4)), " cubes there. Then"),
        ((("Then", 3.3), ("we", 3.5)), " Then we"),
    ],
    ids=["until the end", "until a pause", "speech goes on", "after a pause"],
)
def test_other_last_words_that_a_run_places_beyond_the_span_are_not_kept(
    after: tuple[tuple[str, float], ...], left: str
) -> None:
    fact = replace(CUBE, was="We run my two controls.", now="We run my two kubectls.")
    assert read_lines(correct(place_talk(*STEADY, *after), fact))[0][1] == f"We run my two kubectls.{left}"


def test_neither_are_other_first_words_before_it() -> None:
    said = ("Sure.", 0.1), ("He", 0.6), ("ran", 0.8), ("my", 1.2), ("two", 1.8), ("kubectls.", 2.4)
    fact = replace(CUBE, was="We run my two controls.", now="We run my two kubectls.")
    assert read_lines(correct(place_talk(*said), fact))[0][1] == "Sure. We run my two kubectls."


def test_what_another_correction_is_about_is_left_to_it() -> None:
    said = (*STEADY, ("cubes", 3.05), ("there.", 3.25), ("Then", 4.4))
    facts = [
        replace(CUBE, was="We run my two controls.", now="We run my two kubectls."),
        replace(CUBE, span=Span(3.0, 3.5), was="Cubed.", now="Cubic there.", number=2),
    ]
    expected = "We run my two kubectls. Cubic there. Then"
    assert read_lines(correct(place_talk(*said), *facts))[0][1] == expected
    assert read_lines(correct(place_talk(*said), *(replace(f, number=3 - f.number) for f in facts)))[0][1] == expected
