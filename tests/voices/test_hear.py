"""A recording's speakers entered into the book."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.voices import correct
from tasks.voices.book import tidied
from tasks.voices.hear import Heard, Visit, hear, offered
from tasks.voices.lookup import twins
from tasks.voices.match import Rule
from tasks.voices.records import Book, pair
from tests.people import EMBEDDER, voice_of

RULE = Rule(0.7, 0.1)


def visit(
    recording: str, people: dict[str, str], *, day: int = 0, run: str = "r1", embedder: str = EMBEDDER
) -> Visit:
    """`people`: label -> person."""
    heard = tuple(Heard(label, 30.0, np.array(voice_of(p, day), np.float32)) for label, p in people.items())
    return Visit("/out", recording, run, f"{recording}.wav", f"2026-01-{day + 1:02d}", embedder, heard)


@pytest.fixture
def monday() -> tuple[Book, dict]:
    return hear(Book(), visit("monday", {"SPEAKER_00": "Ana", "SPEAKER_01": "Bob"}), {}, RULE)


def test_who_is_heard_for_the_first_time_gets_a_voice(monday):
    book, known = monday
    assert len(book.voices) == 2
    assert known["SPEAKER_00"].voice_id != known["SPEAKER_01"].voice_id
    assert known["SPEAKER_00"].similarity is None
    assert known["SPEAKER_00"].name is None


def test_who_is_heard_again_tomorrow_has_it_still_whatever_the_label(monday):
    book, before = monday
    book, known = hear(book, visit("tuesday", {"SPEAKER_00": "Bob", "SPEAKER_01": "Cy"}, day=1), {}, RULE)
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_01"].voice_id
    assert known["SPEAKER_00"].similarity > 0.7
    assert known["SPEAKER_01"].voice_id not in {k.voice_id for k in before.values()}
    assert len(book.voices) == 3


def test_a_voice_is_all_its_hearings_and_none_of_them_moves(monday):
    book, _ = monday
    first = {key: h.embedding.copy() for key, h in book.hearings.items()}
    for day in range(1, 10):
        book, _ = hear(book, visit(f"day-{day}", {"SPEAKER_00": "Ana"}, day=day), {}, RULE)
    assert len(book.voices) == 2
    assert sorted(len(book.of_voice(v)) for v in book.voices) == [1, 10]
    for key, embedding in first.items():
        assert np.array_equal(book.hearings[key].embedding, embedding)


def test_the_same_recording_again_is_the_same_book(monday):
    book, known = monday
    same = {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "SPEAKER_01"}
    again, told = hear(book, visit("monday", {"SPEAKER_00": "Ana", "SPEAKER_01": "Bob"}), same, RULE)
    assert told == known
    assert list(again.hearings) == list(book.hearings)


def test_processed_again_with_another_speaker_model_everybody_stays_who_they_were(monday):
    book, before = monday
    book = correct.rename(book, before["SPEAKER_00"].voice_id, "Ana")
    other = visit("monday", {"SPEAKER_01": "Zoe", "SPEAKER_00": "Yan"}, run="r2", embedder="other")  # other numbers
    book, known = hear(book, other, {"SPEAKER_01": "SPEAKER_00", "SPEAKER_00": "SPEAKER_01"}, RULE)
    assert known["SPEAKER_01"].name == "Ana"
    assert {h.embedder for h in book.hearings.values()} == {"other"}


def test_embeddings_of_different_models_are_never_compared(monday):
    book, before = monday
    _, known = hear(book, visit("tuesday", {"SPEAKER_00": "Ana"}, embedder="other"), {}, RULE)
    assert known["SPEAKER_00"].voice_id not in {k.voice_id for k in before.values()}


def test_a_named_voice_that_a_new_run_doesnt_find_is_not_lost(monday):
    book, before = monday
    ana, bob = (before[f"SPEAKER_0{k}"].voice_id for k in (0, 1))
    book = correct.rename(book, ana, "Ana")
    book, _ = hear(book, visit("monday", {"SPEAKER_00": "Cy"}, run="r2"), {}, RULE)
    assert [h.speaker for h in book.of_voice(ana)] == [""]  # it is not in the tables, but it is known
    assert bob not in book.voices  # whom nobody named, and nobody hears
    _, known = hear(book, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, RULE)
    assert known["SPEAKER_00"].name == "Ana"


def test_who_was_new_may_be_known_when_the_recording_is_processed_again(monday):
    book, before = monday
    enrolled, _ = hear(book, visit("elsewhere", {"SPEAKER_00": "Ana"}, day=3), {}, Rule(0.999, 0.0))
    (ana,) = {h.voice_id for h in enrolled.hearings.values() if h.recording_id == "elsewhere"}
    enrolled = correct.rename(enrolled, ana, "Ana")
    _, known = hear(enrolled, visit("monday", {"SPEAKER_00": "Ana"}, run="r2"), {"SPEAKER_00": "SPEAKER_00"}, RULE)
    assert known["SPEAKER_00"].name == "Ana"
    apart = correct.deny(
        replace(
            enrolled,
            hearings={
                key: h._replace(maybe=ana) if h.speaker == "SPEAKER_00" and h.recording_id == "monday" else h
                for key, h in enrolled.hearings.items()
            },
        ),
        next(key for key, h in enrolled.hearings.items() if h.voice_id == before["SPEAKER_00"].voice_id),
    )
    _, known = hear(apart, visit("monday", {"SPEAKER_00": "Ana"}, run="r2"), {"SPEAKER_00": "SPEAKER_00"}, RULE)
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_00"].voice_id  # people said that they are two
    assert known["SPEAKER_00"].maybe is None


def test_a_doubtful_match_is_a_voice_of_its_own_with_an_offer(monday):
    book, before = monday
    strict = Rule(0.97, 0.3)
    book, known = hear(book, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, strict)
    assert known["SPEAKER_00"].maybe == before["SPEAKER_00"].voice_id
    assert known["SPEAKER_00"].voice_id != before["SPEAKER_00"].voice_id
    assert len(book.voices) == 3


def test_an_enrolled_voice_is_offered_to_whom_it_may_be(monday):
    book, before = monday
    ana = before["SPEAKER_00"].voice_id
    learned, known = hear(book, visit("file", {"SPEAKER_00": "Ana"}, day=4), {}, Rule(0.999, 0.0))
    told = offered(learned, known["SPEAKER_00"].voice_id, RULE)
    (hearing,) = told.of_voice(ana)
    assert hearing.maybe == known["SPEAKER_00"].voice_id


def test_a_person_who_once_got_two_voices_isnt_a_stranger_for_ever(monday):
    """Neither has the lead over the other; once somebody is like both, they may be one, and don't hide each other."""
    book, before = monday
    ana = before["SPEAKER_00"].voice_id
    book, twice = hear(book, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, Rule(0.999, 0.0))
    twin = twice["SPEAKER_00"].voice_id
    book, third = hear(book, visit("wednesday", {"SPEAKER_00": "Ana"}, day=2), {}, RULE)
    assert third["SPEAKER_00"].voice_id not in (ana, twin)
    assert twins(book) in ([(ana, twin)], [(twin, ana)])
    book, fourth = hear(book, visit("thursday", {"SPEAKER_00": "Ana"}, day=3), {}, RULE)
    assert fourth["SPEAKER_00"].voice_id in (ana, twin, third["SPEAKER_00"].voice_id)
    assert fourth["SPEAKER_00"].maybe is None
    assert twins(tidied(correct.rename(book, ana, "Ana"))) == []  # of a name one is to be sure
    parted = tidied(correct.part(book, ana, twin))
    assert twins(parted) == []
    later, _ = hear(parted, visit("friday", {"SPEAKER_00": "Ana"}, day=4), {}, Rule(0.7, 0.3))
    assert not {(ana, twin), (twin, ana)} & set(twins(later))
    merged = tidied(correct.merge(book, ana, [twin]))
    assert twins(merged) == []
    assert len(merged.of_voice(ana)) >= 2


def test_what_wasnt_measured_this_time_is_still_known(monday):
    book, before = monday
    silent = replace(visit("monday", {}, run="r2"), speakers=(Heard("SPEAKER_00", 30.0, np.zeros(0, np.float32)),))
    book, known = hear(book, silent, {"SPEAKER_00": "SPEAKER_00"}, RULE)
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_00"].voice_id
    assert len(book.of_voice(before["SPEAKER_00"].voice_id)[0].embedding) > 0


def test_what_people_said_of_a_voice_outlives_a_run_that_doesnt_know_it(monday):
    book, before = monday
    ana, bob = (before[f"SPEAKER_0{k}"].voice_id for k in (0, 1))
    book = correct.part(book, ana, bob)
    book, _ = hear(book, visit("monday", {"SPEAKER_00": "Cy"}, run="r2"), {}, RULE)
    assert {ana, bob} <= set(book.voices)
    assert pair(ana, bob) in book.apart
