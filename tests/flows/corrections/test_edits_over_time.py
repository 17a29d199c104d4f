"""Whatever is corrected, named, run again, undone and forgotten: tables, exports, report and facts agree, and no edit
is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flows.corrections.enter import undo_fact
from flows.corrections.listing import find_conflicts
from flows.speakers import corrections as names
from tasks.corrections.facts import Restore
from tasks.corrections.store import read_log
from tasks.corrections.tokens import compare_form
from tasks.errors import UsageError
from tasks.intervals import Span
from tasks.voices import correct, lookup
from tasks.voices.store import read_current_registry
from tests.helpers.corrected_recording import FORMATS, LINE, RECORDING, SHA256, CorrectedRecording
from tests.helpers.crashing_disk import without_fsync  # noqa: F401

HEARD = (LINE, "So it is all day", "Sow it ease, all day.", "Something quite different.", "", "So it was, today.")
MEANT = ("So it was, today.", "So it is, <b>all</b> day.", "--> 1\u202e", "天气好。", "Yes.")


class Edits(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
        self.patch = pytest.MonkeyPatch()
        self.place = CorrectedRecording(self.folder, self.patch)
        self.place.formats = (*FORMATS, "report")
        self.runs = 1
        self.place.run("run-1")

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)

    @rule(lines=st.tuples(*[st.sampled_from(HEARD)] * 4), shift=st.integers(0, 1))
    def run_again(self, lines: tuple[str, ...], shift: int) -> None:
        self.runs += 1
        self.place.run(f"run-{self.runs}", lines, shift)

    def _has(self, line: int) -> bool:
        return any(5.0 * line <= s < 5.0 * line + 5.0 for s in self._starts())

    def _starts(self) -> list[float]:
        from tasks.dataset.read import read_transcript

        return [s.start_s for s in read_transcript(self.place.out, RECORDING).segments]

    @rule(line=st.integers(0, 3), now=st.sampled_from(MEANT))
    def correct_text(self, line: int, now: str) -> None:
        if self._has(line):
            self.place.apply(self.place.edit(line, now))

    @rule(line=st.integers(0, 3), to=st.integers(0, 1))
    def give(self, line: int, to: int) -> None:
        if self._has(line):
            self.place.apply(self.place.edit(line, None, to))

    @rule(line=st.integers(0, 3))
    def remove(self, line: int) -> None:
        if self._has(line):
            self.place.apply(self.place.edit(line, ""))

    @rule(line=st.integers(0, 3))
    def restore(self, line: int) -> None:
        self.place.apply(Restore(SHA256, Span(5.0 * line, 5.0 * line + 4.9)))

    @rule()
    def undo(self) -> None:
        try:
            undo_fact(None)
        except UsageError:
            assert not read_log(self.place.store).of(SHA256)

    @rule(name=st.sampled_from(["Zoe Xu", "Yan-Wu"]))
    def rename(self, name: str) -> None:
        voices = sorted(read_current_registry(self.place.voices).voices)
        if voices:
            try:
                change = lambda held: ("rename", correct.rename(held, voices[0], name))  # noqa: E731
                names.enter_corrections(self.place.voices, "test", change)
            except UsageError:
                return

    @rule()
    def make_one_person_of_two(self) -> None:
        voices = sorted(read_current_registry(self.place.voices).voices)
        if len(voices) > 1:
            merge = lambda held: ("merge", correct.merge(held, voices[0], voices[1:2]))  # noqa: E731
            names.enter_corrections(self.place.voices, "test", merge)

    @precondition(lambda self: self.runs > 1)
    @rule()
    def forget(self) -> None:
        registry = read_current_registry(self.place.voices)
        if any(v.name == "Zoe Xu" for v in registry.voices.values()):
            names.forget(self.place.voices, lambda held: lookup.find_voice(held, "Zoe Xu"))

    @invariant()
    def all_agree(self) -> None:
        machine = self.place.machine
        assert machine is not None
        self.place.check(machine)

    @invariant()
    def no_edit_is_lost(self) -> None:
        facts = read_log(self.place.store).of(SHA256)
        said = compare_form(" ".join(self.place.read_texts()))
        for fact in facts:
            if fact.now and not any(f.number > fact.number and f.span & fact.span for f in facts):
                assert compare_form(fact.now) in said
        find_conflicts()


Edits.TestCase.settings = settings(
    max_examples=3,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.reuse, Phase.generate),  # each example publishes some thirty times: shrinking would take minutes
)
TestEdits = pytest.mark.usefixtures("without_fsync")(Edits.TestCase)
