"""Whatever is said and done of voices: the tables, the exports and the store agree, and facts stay facts."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flows.speakers import corrections
from tasks.errors import UsageError
from tasks.voices import correct, lookup
from tasks.voices.invariants import is_stale
from tasks.voices.store import read_current_registry
from tests.helpers.crashing_disk import without_fsync  # noqa: F401
from tests.helpers.sample_voices import (  # noqa: F401
    find_in_files,
    make_recording,
    own_home,
    publish_with_names,
    read_columns,
    write_noise,
)

RECORDINGS = ("mon", "tue", "wed")
PEOPLE = ("Ada", "Bea", "Cyd", "Dot")
NAMES = ("Zoe Xu", "Yan-Wu", "<b>Val</b>", "Ügur")


class Archive(RuleBasedStateMachine):
    """Recordings come and are processed again; people name, merge, part, take back and forget."""

    def __init__(self):
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
        self.out, self.store = self.folder / "out", self.folder / "voices"
        self.out.mkdir()
        self.sound = write_noise(self.folder / "sound.wav")
        self.runs = 0
        self.who: dict[str, dict[str, str]] = {}
        """Of each recording: who its labels are."""
        self.forgotten: set[str] = set()

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(
        name=st.sampled_from(RECORDINGS),
        people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True),
        shift=st.integers(0, 2),
        models=st.sampled_from(["small (1)", "small (1)", "other (2)"]),
    )
    def process(self, name, people, shift, models):
        before = self.who.get(name)
        if before is not None:
            people = list(before.values())  # the same file; labels and the model that measures may differ
        self.runs += 1
        transcript = make_recording(
            name, people, f"run-{self.runs}", day=RECORDINGS.index(name), models=models, shift=shift, sound=self.sound
        )
        publish_with_names(transcript, self.out, self.store, formats=("srt", "json"))
        self.who[name] = {f"SPEAKER_{(k + shift) % len(people):02d}": p for k, p in enumerate(people)}

    def _voice(self, pick):
        voices = sorted(read_current_registry(self.store).voices)
        return voices[pick % len(voices)] if voices else None

    def _enter(self, *changes):
        try:
            corrections.enter_corrections(self.store, "test", *changes)
        except UsageError:
            return False
        return True

    @rule(pick=st.integers(0, 50), name=st.sampled_from(NAMES))
    def rename(self, pick, name):
        voice = self._voice(pick)
        if voice and self._enter(
            lambda registry: (f"rename {voice} to {name}", correct.rename(registry, voice, name))
        ):
            self.forgotten.discard(name)

    @rule(pick=st.integers(0, 50), other=st.integers(0, 50))
    def merge(self, pick, other):
        into, from_ = self._voice(pick), self._voice(other)
        if into and from_ and into != from_:
            self._enter(lambda registry: (f"merge {from_} into {into}", correct.merge(registry, into, [from_])))

    @rule(pick=st.integers(0, 50), which=st.integers(0, 50))
    def split(self, pick, which):
        voice = self._voice(pick)
        if not voice:
            return
        heard = sorted(h.hearing_id for h in read_current_registry(self.store).of_voice(voice))
        one = heard[which % len(heard)] if heard else None
        if one:
            self._enter(lambda registry: (f"split {voice}", correct.split(registry, [one])))

    @rule(right=st.booleans())
    def review(self, right):
        offers = lookup.list_offers(read_current_registry(self.store))
        act = correct.accept if right else correct.deny
        if offers:
            self._enter(lambda registry: ("review", act(registry, offers[0].hearing_id)))

    @rule()
    def undo(self):
        try:
            corrections.undo_correction(self.store, None)
        except UsageError:
            return

    @rule(pick=st.integers(0, 50))
    def forget(self, pick):
        voice = self._voice(pick)
        if voice:
            name = read_current_registry(self.store).voices[voice].name
            corrections.forget(self.store, lambda registry: voice)
            if name:
                self.forgotten.add(name)
            assert not find_in_files(voice, self.store, self.out) or voice in read_current_registry(self.store).voices

    @precondition(lambda self: self.runs)
    @invariant()
    def tables_exports_and_store_say_the_same(self):
        registry = read_current_registry(self.store)
        assert not any(is_stale(registry, h) for h in registry.hearings.values())
        names = [v.name for v in registry.voices.values() if v.name]
        assert len(names) == len({n.casefold() for n in names})
        for name in self.who:
            recording_id = f"{name}-0a1b2c3d"
            said = {h.speaker: registry.identity_of(h) for h in registry.of_recording(str(self.out), recording_id)}
            rows = read_columns(
                self.out, "speakers", recording_id, "speaker", "speaker_name", "voice_id", "maybe_voice_id"
            )
            for label, called, voice, maybe in rows:
                known = said.get(label)
                assert (called, voice, maybe) == ((known.name, known.voice_id, known.maybe) if known else (None,) * 3)
            by_label = {label: (called, voice) for label, called, voice, _ in rows}
            segments = read_columns(self.out, "segments", recording_id, "speaker", "speaker_name", "voice_id")
            assert all(by_label[label] == (called, voice) for label, called, voice in segments)
            exports = self.out / "exports" / recording_id
            held = json.loads((exports / "transcript.json").read_text())
            assert {s["speaker"]: s.get("speaker_name") for s in held["speakers"]} == {
                k: v[0] for k, v in by_label.items()
            }
            srt = (exports / "transcript.srt").read_text()
            assert all(
                (called or label) + ":" in srt for label, (called, _) in by_label.items() if called != "<b>Val</b>"
            )

    @precondition(lambda self: self.runs)
    @invariant()
    def nothing_is_left_of_the_forgotten(self):
        for name in self.forgotten - {v.name for v in read_current_registry(self.store).voices.values()}:
            assert find_in_files(name, self.store, self.out) == []


class TestArchive(Archive.TestCase):
    settings = settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=[*HealthCheck])


@pytest.mark.sweep
class TestArchiveLonger(Archive.TestCase):
    settings = settings(TestArchive.settings, max_examples=60)
