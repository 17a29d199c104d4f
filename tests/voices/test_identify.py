"""A recording's speakers entered into the registry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.voices import correct
from tasks.voices.identify import MeasuredSpeaker, RecordingVoices, enter_recording, offer_voice
from tasks.voices.invariants import drop_erased, is_stale, list_forgotten, mark_published, prune_registry
from tasks.voices.lookup import list_possible_duplicates
from tasks.voices.match import MatchRule
from tasks.voices.records import VoiceRegistry, order_pair
from tests.helpers.sample_voices import EMBEDDER, make_voice_embedding

RULE = MatchRule(0.7, 0.1)


def visit(
    recording: str, people: dict[str, str], *, day: int = 0, run: str = "r1", embedder: str = EMBEDDER
) -> RecordingVoices:
    """`people`: label -> person."""
    heard = tuple(
        MeasuredSpeaker(label, 30.0, np.array(make_voice_embedding(p, day), np.float32))
        for label, p in people.items()
    )
    return RecordingVoices("/out", recording, run, f"{recording}.wav", f"2026-01-{day + 1:02d}", embedder, heard)


@pytest.fixture
def monday() -> tuple[VoiceRegistry, dict]:
    return enter_recording(VoiceRegistry(), visit("monday", {"SPEAKER_00": "Ana", "SPEAKER_01": "Bob"}), {}, RULE)


def test_who_is_heard_for_the_first_time_gets_a_voice(monday):
    registry, known = monday
    assert len(registry.voices) == 2
    assert known["SPEAKER_00"].voice_id != known["SPEAKER_01"].voice_id
    assert known["SPEAKER_00"].similarity is None
    assert known["SPEAKER_00"].name is None


def test_who_is_heard_again_tomorrow_has_it_still_whatever_the_label(monday):
    registry, before = monday
    registry, known = enter_recording(
        registry, visit("tuesday", {"SPEAKER_00": "Bob", "SPEAKER_01": "Cy"}, day=1), {}, RULE
    )
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_01"].voice_id
    assert known["SPEAKER_00"].similarity > 0.7
    assert known["SPEAKER_01"].voice_id not in {k.voice_id for k in before.values()}
    assert len(registry.voices) == 3


def test_a_voice_is_all_its_hearings_and_none_of_them_moves(monday):
    registry, _ = monday
    first = {key: h.embedding.copy() for key, h in registry.hearings.items()}
    for day in range(1, 10):
        registry, _ = enter_recording(registry, visit(f"day-{day}", {"SPEAKER_00": "Ana"}, day=day), {}, RULE)
    assert len(registry.voices) == 2
    assert sorted(len(registry.of_voice(v)) for v in registry.voices) == [1, 10]
    for key, embedding in first.items():
        assert np.array_equal(registry.hearings[key].embedding, embedding)


def test_the_same_recording_again_is_the_same_book(monday):
    registry, known = monday
    same = {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "SPEAKER_01"}
    again, identified = enter_recording(
        registry, visit("monday", {"SPEAKER_00": "Ana", "SPEAKER_01": "Bob"}), same, RULE
    )
    assert identified == known
    assert list(again.hearings) == list(registry.hearings)


def test_processed_again_with_another_speaker_model_everybody_stays_who_they_were(monday):
    registry, before = monday
    registry = correct.rename(registry, before["SPEAKER_00"].voice_id, "Ana")
    other = visit("monday", {"SPEAKER_01": "Zoe", "SPEAKER_00": "Yan"}, run="r2", embedder="other")  # other numbers
    registry, known = enter_recording(registry, other, {"SPEAKER_01": "SPEAKER_00", "SPEAKER_00": "SPEAKER_01"}, RULE)
    assert known["SPEAKER_01"].name == "Ana"
    assert {h.embedder for h in registry.hearings.values()} == {"other"}


def test_embeddings_of_different_models_are_never_compared(monday):
    registry, before = monday
    _, known = enter_recording(registry, visit("tuesday", {"SPEAKER_00": "Ana"}, embedder="other"), {}, RULE)
    assert known["SPEAKER_00"].voice_id not in {k.voice_id for k in before.values()}


def test_a_named_voice_that_a_new_run_doesnt_find_is_not_lost(monday):
    registry, before = monday
    ana, bob = (before[f"SPEAKER_0{k}"].voice_id for k in (0, 1))
    registry = correct.rename(registry, ana, "Ana")
    registry, _ = enter_recording(registry, visit("monday", {"SPEAKER_00": "Cy"}, run="r2"), {}, RULE)
    assert [h.speaker for h in registry.of_voice(ana)] == [""]  # it is not in the tables, but it is known
    assert bob not in registry.voices  # whom nobody named, and nobody hears
    _, known = enter_recording(registry, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, RULE)
    assert known["SPEAKER_00"].name == "Ana"


def test_who_was_new_may_be_known_when_the_recording_is_processed_again(monday):
    registry, before = monday
    enrolled, _ = enter_recording(
        registry, visit("elsewhere", {"SPEAKER_00": "Ana"}, day=3), {}, MatchRule(0.999, 0.0)
    )
    (ana,) = {h.voice_id for h in enrolled.hearings.values() if h.recording_id == "elsewhere"}
    enrolled = correct.rename(enrolled, ana, "Ana")
    _, known = enter_recording(
        enrolled, visit("monday", {"SPEAKER_00": "Ana"}, run="r2"), {"SPEAKER_00": "SPEAKER_00"}, RULE
    )
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
    _, known = enter_recording(
        apart, visit("monday", {"SPEAKER_00": "Ana"}, run="r2"), {"SPEAKER_00": "SPEAKER_00"}, RULE
    )
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_00"].voice_id  # people said that they are two
    assert known["SPEAKER_00"].maybe is None


def test_a_doubtful_match_is_a_voice_of_its_own_with_an_offer(monday):
    registry, before = monday
    strict = MatchRule(0.97, 0.3)
    registry, known = enter_recording(registry, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, strict)
    assert known["SPEAKER_00"].maybe == before["SPEAKER_00"].voice_id
    assert known["SPEAKER_00"].voice_id != before["SPEAKER_00"].voice_id
    assert len(registry.voices) == 3


def test_an_enrolled_voice_is_offered_to_whom_it_may_be(monday):
    registry, before = monday
    ana = before["SPEAKER_00"].voice_id
    learned, known = enter_recording(registry, visit("file", {"SPEAKER_00": "Ana"}, day=4), {}, MatchRule(0.999, 0.0))
    identified = offer_voice(learned, known["SPEAKER_00"].voice_id, RULE)
    (hearing,) = identified.of_voice(ana)
    assert hearing.maybe == known["SPEAKER_00"].voice_id


def test_a_person_who_once_got_two_voices_isnt_a_stranger_for_ever(monday):
    """Neither has the lead over the other; once somebody is like both, they may be one, and don't hide each other."""
    registry, before = monday
    ana = before["SPEAKER_00"].voice_id
    registry, twice = enter_recording(
        registry, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, MatchRule(0.999, 0.0)
    )
    twin = twice["SPEAKER_00"].voice_id
    registry, third = enter_recording(registry, visit("wednesday", {"SPEAKER_00": "Ana"}, day=2), {}, RULE)
    assert third["SPEAKER_00"].voice_id not in (ana, twin)
    assert list_possible_duplicates(registry) in ([(ana, twin)], [(twin, ana)])
    registry, fourth = enter_recording(registry, visit("thursday", {"SPEAKER_00": "Ana"}, day=3), {}, RULE)
    assert fourth["SPEAKER_00"].voice_id in (ana, twin, third["SPEAKER_00"].voice_id)
    assert fourth["SPEAKER_00"].maybe is None
    assert (
        list_possible_duplicates(prune_registry(correct.rename(registry, ana, "Ana"))) == []
    )  # of a name one is to be sure
    parted = prune_registry(correct.separate(registry, ana, twin))
    assert list_possible_duplicates(parted) == []
    later, _ = enter_recording(parted, visit("friday", {"SPEAKER_00": "Ana"}, day=4), {}, MatchRule(0.7, 0.3))
    assert not {(ana, twin), (twin, ana)} & set(list_possible_duplicates(later))
    merged = prune_registry(correct.merge(registry, ana, [twin]))
    assert list_possible_duplicates(merged) == []
    assert len(merged.of_voice(ana)) >= 2


def test_what_wasnt_measured_this_time_is_still_known(monday):
    registry, before = monday
    silent = replace(
        visit("monday", {}, run="r2"), speakers=(MeasuredSpeaker("SPEAKER_00", 30.0, np.zeros(0, np.float32)),)
    )
    registry, known = enter_recording(registry, silent, {"SPEAKER_00": "SPEAKER_00"}, RULE)
    assert known["SPEAKER_00"].voice_id == before["SPEAKER_00"].voice_id
    assert len(registry.of_voice(before["SPEAKER_00"].voice_id)[0].embedding) > 0


def test_what_people_said_of_a_voice_outlives_a_run_that_doesnt_know_it(monday):
    registry, before = monday
    ana, bob = (before[f"SPEAKER_0{k}"].voice_id for k in (0, 1))
    registry = correct.separate(registry, ana, bob)
    registry, _ = enter_recording(registry, visit("monday", {"SPEAKER_00": "Cy"}, run="r2"), {}, RULE)
    assert {ana, bob} <= set(registry.voices)
    assert order_pair(ana, bob) in registry.apart


def test_while_a_voice_is_being_erased_only_the_others_are_entered(monday):
    registry, before = monday
    registry = correct.forget(registry, before["SPEAKER_00"].voice_id)
    assert [is_stale(registry, h) for h in list_forgotten(registry)] == [True]
    again = visit("monday", {"SPEAKER_00": "Bob", "SPEAKER_01": "Ana", "SPEAKER_02": "Cy"}, run="r2")
    carried = {"SPEAKER_00": "SPEAKER_01", "SPEAKER_01": "SPEAKER_00"}
    registry, known = enter_recording(registry, again, carried, RULE)
    assert {label: k.voice_id for label, k in known.items()} == {"SPEAKER_00": before["SPEAKER_01"].voice_id}
    assert [len(h.embedding) > 0 for h in registry.of_recording("/out", "monday")] == [True]
    (gone,) = list_forgotten(registry)
    assert gone.run_id == "r2"
    assert not is_stale(registry, gone)
    assert list_forgotten(drop_erased(registry, {"monday"})) == [gone]
    registry = drop_erased(registry, set())
    assert list_forgotten(registry) == []
    registry, known = enter_recording(registry, replace(again, run_id="r3"), {}, RULE)
    assert known.keys() == {"SPEAKER_00", "SPEAKER_01", "SPEAKER_02"}


def test_other_recordings_are_entered_as_ever_while_a_voice_is_being_erased(monday):
    registry, before = monday
    registry = correct.forget(registry, before["SPEAKER_00"].voice_id)
    registry, known = enter_recording(registry, visit("tuesday", {"SPEAKER_00": "Ana"}, day=1), {}, RULE)
    assert known["SPEAKER_00"].voice_id is not None
    registry = mark_published(registry, "/out", "monday", "r9")
    assert [(h.run_id, is_stale(registry, h)) for h in list_forgotten(registry)] == [("r9", False)]
