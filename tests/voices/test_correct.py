"""What people said is a fact: it is kept, obeyed and can be taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.errors import UsageError
from tasks.voices import correct
from tasks.voices.changes import record_correction, undo
from tasks.voices.identify import enter_recording
from tasks.voices.invariants import prune_registry
from tasks.voices.lookup import find_hearings, find_voice, normalize_name, summarize_voices
from tasks.voices.match import MatchRule
from tasks.voices.records import FORGOTTEN, VoiceRegistry, order_pair
from tests.voices.test_identify import RULE, visit


def entered(registry: VoiceRegistry, after: VoiceRegistry, kind: str = "test") -> VoiceRegistry:
    return record_correction(registry, after, at="2026-01-01", kind=kind, what=kind)


@pytest.fixture
def week() -> VoiceRegistry:
    """Ana on three days, Bob on one, Cy on one; two embeddings are far from their voice's others by chance of day."""
    registry = VoiceRegistry()
    for day, people in enumerate([("Ana", "Bob"), ("Ana",), ("Ana", "Cy")]):
        registry, _ = enter_recording(
            registry, visit(f"day-{day}", {f"SPEAKER_{k:02d}": p for k, p in enumerate(people)}, day=day), {}, RULE
        )
    return registry


def voice(registry: VoiceRegistry, recording: str, label: str = "SPEAKER_00") -> str:
    return find_voice(registry, f"{recording}/{label}")


def test_a_name_is_the_voices_in_all_recordings(week):
    ana = voice(week, "day-0")
    registry = entered(week, correct.rename(week, ana, "Ana"))
    assert [registry.identity_of(h).name for h in registry.of_voice(ana)] == ["Ana"] * 3
    assert find_voice(registry, "ana") == ana


def test_two_voices_dont_have_one_name(week):
    registry = correct.rename(week, voice(week, "day-0"), "Ana")
    with pytest.raises(UsageError, match="daylong speakers merge"):
        correct.rename(registry, voice(week, "day-0", "SPEAKER_01"), "ANA")


def test_merged_voices_are_one_and_can_be_parted_again(week):
    bob, cy = voice(week, "day-0", "SPEAKER_01"), voice(week, "day-2", "SPEAKER_01")
    named = entered(week, correct.rename(week, cy, "Cy"))
    registry = entered(named, correct.merge(named, bob, [cy]))
    assert cy not in registry.voices
    assert registry.voices[bob].name == "Cy"
    assert len(registry.of_voice(bob)) == 2
    back, entry = undo(registry)
    assert entry.number == 2
    assert back.voices == named.voices
    assert back.hearings == named.hearings
    assert not undo(back)[0].voices[cy].name


def test_a_split_voice_stays_two_people_in_what_is_heard_next(week):
    ana = voice(week, "day-0")
    registry = entered(week, correct.split(week, find_hearings(week, ana, "day-2"), name="Zoe"))
    zoe = find_voice(registry, "Zoe")
    assert order_pair(ana, zoe) in registry.apart
    assert [h.recording_id for h in registry.of_voice(zoe)] == ["day-2"]
    # Both are like her now: it is offered, not made.
    _, known = enter_recording(registry, visit("day-3", {"SPEAKER_00": "Ana"}, day=3), {}, RULE)
    assert known["SPEAKER_00"].name is None
    assert known["SPEAKER_00"].maybe in (ana, zoe)
    again, identified = enter_recording(
        registry, visit("day-2", {"SPEAKER_00": "Ana"}, day=2, run="r2"), {"SPEAKER_00": "SPEAKER_00"}, RULE
    )
    assert identified["SPEAKER_00"].name == "Zoe"
    assert undo(again)[0].of_voice(ana)[-1].recording_id == "day-2"


def test_all_of_a_voice_isnt_split_from_it(week):
    bob = voice(week, "day-0", "SPEAKER_01")
    with pytest.raises(UsageError, match="heard nowhere else"):
        correct.split(week, find_hearings(week, bob, "day-0"))


def test_an_offer_is_accepted_or_denied(week):
    ana = voice(week, "day-0")
    registry, known = enter_recording(week, visit("day-3", {"SPEAKER_00": "Ana"}, day=3), {}, MatchRule(0.97, 0.3))
    new = known["SPEAKER_00"].voice_id
    (offer,) = registry.of_voice(new)
    assert offer.maybe == ana
    yes = entered(registry, correct.accept(registry, offer.hearing_id))
    assert new not in yes.voices
    assert len(yes.of_voice(ana)) == 4
    no = entered(registry, correct.deny(registry, offer.hearing_id))
    assert order_pair(ana, new) in no.apart
    assert no.hearings[offer.hearing_id].maybe is None
    assert undo(no)[0].hearings[offer.hearing_id].maybe == ana


def test_what_came_later_of_the_same_voice_is_undone_first(week):
    ana, bob = voice(week, "day-0"), voice(week, "day-0", "SPEAKER_01")
    registry = entered(week, correct.rename(week, ana, "Ana"))
    registry = entered(registry, correct.rename(registry, bob, "Bob"))
    registry = entered(registry, correct.rename(registry, ana, "Anna"))
    with pytest.raises(UsageError, match="undo 3 first"):
        undo(registry, 1)
    undone, _ = undo(registry, 2)  # nothing later is about Bob
    assert undone.voices[bob].name is None
    assert undone.voices[ana].name == "Anna"
    with pytest.raises(UsageError, match="no correction 2"):
        undo(undone, 2)


def test_a_correction_that_changes_nothing_is_none(week):
    assert entered(week, correct.rename(week, voice(week, "day-0"), None)) is week


def test_of_the_forgotten_nothing_is_left_but_what_has_to_be_told(week):
    ana, bob = voice(week, "day-0"), voice(week, "day-0", "SPEAKER_01")
    registry = entered(week, correct.rename(week, ana, "Ana"), "rename Ana")
    registry = entered(registry, correct.rename(registry, bob, "Bob"), "rename Bob")
    registry = correct.forget(registry, ana)
    assert "Ana" not in str(registry)
    assert ana not in str(registry)
    assert [c.what for c in registry.corrections] == ["rename Bob"]
    assert sum(h.voice_id == FORGOTTEN for h in registry.hearings.values()) == 3
    assert all(len(h.embedding) == 0 for h in registry.hearings.values() if h.voice_id == FORGOTTEN)


def test_an_id_that_undoing_would_bring_back_isnt_given_to_anybody_else(week):
    bob, cy = voice(week, "day-0", "SPEAKER_01"), voice(week, "day-2", "SPEAKER_01")
    registry = entered(week, correct.merge(week, bob, [cy]))
    registry, known = enter_recording(registry, visit("day-2", {"SPEAKER_01": "Dan"}, day=2, run="r2"), {}, RULE)
    assert known["SPEAKER_01"].voice_id != cy


@pytest.mark.parametrize(
    "name", ["", " ", "a\x00b", "x" * 61, "SPEAKER_07", "unknown", "a\u202eb", "\u200d", "\u3164"]
)
def test_what_cant_be_a_name_is_refused(name):
    with pytest.raises(UsageError, match="can't be a name"):
        normalize_name(name)


def test_a_name_is_kept_in_one_line():
    assert normalize_name("  Ana\n Berg ") == "Ana Berg"
    assert normalize_name("=cmd|'/C calc'!A0") == "=cmd|'/C calc'!A0"
    assert normalize_name("👩‍🔬 Ada") == "👩‍🔬 Ada"


def test_a_voice_is_found_by_id_name_or_where_it_speaks_and_else_refused(week):
    ana = voice(week, "day-0")
    assert find_voice(week, ana[:6]) == ana
    with pytest.raises(UsageError, match="every recording has its own"):
        find_voice(week, "SPEAKER_00")
    with pytest.raises(UsageError, match="no voice is called"):
        find_voice(week, "Nobody")


def test_the_list_says_how_sure_and_who_is_nearest(week):
    registry = correct.rename(week, voice(week, "day-0"), "Ana")
    first, *rest = summarize_voices(registry)
    assert (first.name, first.recordings, first.seconds, first.last) == ("Ana", 3, 90.0, "2026-01-03")
    assert first.alike > 0.9
    assert first.nearest in {r.voice_id for r in rest}
    assert first.nearest_similarity < 0.7
    assert all(r.alike is None for r in rest)
    assert summarize_voices(replace(registry, voices={}, hearings={})) == []


def test_embeddings_are_compared_by_their_values_whatever_their_filling(week):
    longer = {k: h._replace(embedding=np.pad(h.embedding, (0, 8))) for k, h in week.hearings.items()}
    _, known = enter_recording(replace(week, hearings=longer), visit("day-9", {"SPEAKER_00": "Ana"}, day=9), {}, RULE)
    assert known["SPEAKER_00"].voice_id == voice(week, "day-0")


def test_who_is_given_a_name_isnt_offered_another_named_person(week):
    ana = voice(week, "day-0")
    registry, known = enter_recording(
        correct.rename(week, ana, "Ana"), visit("day-3", {"SPEAKER_00": "Ana"}, day=3), {}, MatchRule(0.97, 0.3)
    )
    assert known["SPEAKER_00"].maybe == ana
    registry = correct.rename(registry, known["SPEAKER_00"].voice_id, "Anna")
    assert [h.maybe for h in registry.of_voice(known["SPEAKER_00"].voice_id)] == [None]


def test_forgetting_takes_no_other_peoples_corrections_along(week):
    ana, bob = voice(week, "day-0"), voice(week, "day-0", "SPEAKER_01")
    registry = week
    for voice_id, name in ((bob, "Nora"), (bob, "Alma"), (ana, "Al")):
        registry = entered(registry, correct.rename(registry, voice_id, name), f"rename {voice_id} to {name}")
    registry = correct.forget(registry, ana)
    assert [c.what for c in registry.corrections] == [f"rename {bob} to Nora", f"rename {bob} to Alma"]


def test_who_is_said_to_be_two_people_is_offered_no_more(week):
    ana = voice(week, "day-0")
    registry, known = enter_recording(week, visit("day-3", {"SPEAKER_00": "Ana"}, day=3), {}, MatchRule(0.97, 0.3))
    registry = prune_registry(correct.separate(registry, ana, known["SPEAKER_00"].voice_id))
    assert [h.maybe for h in registry.hearings.values()] == [None] * len(registry.hearings)
