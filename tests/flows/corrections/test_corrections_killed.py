"""A process that dies between any two writes, and two that correct at once: nothing is lost, all agree."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from flows.corrections import publication
from flows.corrections.enter import apply_missed, apply_rows, rewrite_stale, undo_fact
from tasks.corrections.store import MACHINE, read_log
from tasks.dataset.publish import publish, recover
from tasks.dataset.read import read_transcript
from tasks.errors import DaylongError, MachineFault, UsageError
from tasks.exports import render
from tests.helpers.corrected_recording import FORMATS, LINE, RECORDING, SHA256, CorrectedRecording
from tests.helpers.crashing_disk import (  # noqa: F401
    STRIDE,
    CrashingDisk,
    SimulatedKill,
    every_operation,
    make_memory_folder,
    without_fsync,
)

OTHER = "Sow it ease, all day."


@pytest.fixture
def place() -> Iterator[CorrectedRecording]:
    with make_memory_folder() as folder, pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(folder, patch)
        made.run("run-1")
        yield made


def try_deaths(place: CorrectedRecording, act: Callable[[], None], begin: int) -> Iterator[None]:
    """Lets `act` die at every STRIDE-th of its writes, each time from the same beginning; yields after each death,
    and after the next process has begun."""
    kept = place.home.with_name("kept")
    shutil.copytree(place.home, kept)
    with pytest.MonkeyPatch.context() as patch:
        disk = CrashingDisk(patch, None)
        act()
    assert disk.count > 20
    for number in range(begin, disk.count, STRIDE):
        shutil.rmtree(place.home)
        shutil.copytree(kept, place.home)
        with pytest.MonkeyPatch.context() as patch:
            CrashingDisk(patch, number)
            with suppress(SimulatedKill, DaylongError):
                act()
        recover(place.out)
        assert rewrite_stale()[1] == []
        yield


@every_operation
def test_a_correction_that_dies_is_entered_and_shown_or_not_at_all(place: CorrectedRecording, begin: int) -> None:
    fact, machine, seen = place.edit(0, "It was."), place.machine, set()
    assert machine is not None
    for _ in try_deaths(place, lambda: place.apply(fact), begin):
        place.check(machine)
        seen.add(len(read_log(place.store).facts))
    assert seen == {0, 1}


@every_operation
def test_an_undoing_that_dies_leaves_the_machine_or_the_edit(place: CorrectedRecording, begin: int) -> None:
    place.apply(place.edit(0, "It was."), place.edit(1, ""))
    machine, seen = place.machine, set()
    assert machine is not None
    for _ in try_deaths(place, lambda: undo_fact(None) and None, begin):
        place.check(machine)
        seen.add(len(place.read_texts()))
    assert seen == ({3, 4} if begin == 0 else seen | {4})  # the first writes enter it, which later beginnings skip


@every_operation
def test_a_run_that_dies_leaves_its_own_words_to_go_back_to(place: CorrectedRecording, begin: int) -> None:
    place.apply(place.edit(0, "It was."))
    first, seen = place.machine, set()
    for _ in try_deaths(place, lambda: place.run("run-2", (OTHER, LINE, LINE, OTHER)), begin):
        run_id = read_transcript(place.out, RECORDING).run.run_id
        machine = first if run_id == "run-1" else place.machine
        assert machine is not None
        place.check(machine)
        undo_fact(None)
        place.check(machine)
        seen.add(run_id)
    assert seen == {"run-1", "run-2"}


def test_two_who_correct_at_once_both_have_their_way(place: CorrectedRecording) -> None:
    facts = [place.edit(line, f"Line {line}.") for line in range(4)]
    threads = [threading.Thread(target=apply_rows, args=([f], place.out)) for f in facts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(f.number for f in read_log(place.store).of(SHA256)) == [1, 2, 3, 4]
    assert place.read_texts() == [f"Line {line}." for line in range(4)]
    assert place.machine is not None
    place.check(place.machine)


def test_facts_entered_while_a_run_publishes_are_shown_by_it(place: CorrectedRecording) -> None:
    fact = place.edit(0, "It was.")
    assert place.machine is not None
    machine = replace(place.machine, run=replace(place.machine.run, run_id="run-2"))
    with publication.correct_words(machine, place.out) as untouched:  # it has looked: there are none
        place.apply(fact)
        publish(untouched, place.out, exports=render(untouched, FORMATS))
    assert place.read_texts()[0] == LINE
    apply_missed(machine, place.out)
    assert place.read_texts()[0] == "It was."
    place.check(machine)


def test_a_damaged_log_is_refused_by_name(place: CorrectedRecording) -> None:
    place.apply(place.edit(0, "It was."))
    path = place.store / "corrections.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MachineFault, match=r"corrections\.json: the corrections can't be read"):
        undo_fact(None)
    path.write_text('{"version": 2}')
    with pytest.raises(UsageError, match="update this one"):
        undo_fact(None)


def test_damaged_words_of_the_machine_cost_the_way_back_and_no_edit(place: CorrectedRecording) -> None:
    place.apply(place.edit(0, "It was."))
    for path in (place.store / MACHINE).iterdir():
        path.write_bytes(b"no gzip")
    place.apply(place.edit(1, "Yes."))
    assert place.read_texts()[:2] == ["It was.", "Yes."]


def test_results_that_are_away_wait(place: CorrectedRecording, tmp_path: Path) -> None:
    fact = place.edit(0, "It was.")
    place.apply(place.edit(1, "Yes."))
    shutil.move(place.out, tmp_path / "away")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert apply_rows([fact], elsewhere).absent == [SHA256]
    shutil.move(tmp_path / "away", place.out)
    assert rewrite_stale() == ([f"{RECORDING}: written again"], [])
    assert place.read_texts()[:2] == ["It was.", "Yes."]
