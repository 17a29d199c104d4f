"""A process that dies while it publishes: at every single operation on files, and again while that is mended."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.dataset.publish import Superseded, publish, publish_translations, recover
from tasks.dataset.read import read_transcript
from tasks.dataset.schema import TABLES
from tasks.errors import TransientError
from tasks.records import Translation
from tests.helpers.crashing_disk import (  # noqa: F401
    STRIDE,
    CrashingDisk,
    SimulatedKill,
    every_operation,
    make_memory_folder,
    without_fsync,
)
from tests.helpers.sample_transcripts import make_meeting

ID = "meeting-0a1b2c3d"


@pytest.fixture(scope="module")
def folder():
    with make_memory_folder() as place:
        yield place


def old_to_new(case):
    """(published before, published now): runs and days differ, exports too."""
    old = make_meeting("old")
    new = {
        "first": make_meeting("new"),
        "same day": make_meeting("new"),
        "another day": make_meeting("new", recorded_at=None),  # then it is the day of processing
    }[case]
    return (None if case == "first" else old), new


def exports(transcript):
    run = transcript.run.run_id
    return {"transcript.txt": run, f"transcript.{ {'old': 'srt', 'new': 'vtt'}.get(run, 'json') }": run}


def visible(out: Path) -> dict[str, str]:
    """Every file that a reader may find, and the run that it is of."""
    found = {}
    for path in out.rglob("*"):
        name = path.relative_to(out).as_posix()
        if path.is_file() and not name.startswith(".journal") and name != "schema.json":
            if path.suffix == ".parquet":
                found[name] = pq.read_schema(path).metadata[b"run_id"].decode()
            else:
                found[name] = path.read_text()
    return found


def expected(transcript) -> dict[str, str]:
    if transcript is None:
        return {}
    day = "2024-05-01" if transcript.recording.recorded_at else "2024-05-02"
    run = transcript.run.run_id
    return {
        **{f"{table}/recorded_date={day}/{ID}.parquet": run for table in TABLES},
        **{f"exports/{ID}/{name}": run for name in exports(transcript)},
    }


def committed_means_complete(out: Path) -> None:
    """A reader who comes now: where there is a row in `recordings`, all tables of its day are of its run."""
    found = visible(out)
    rows = [name for name in found if name.startswith("recordings/")]
    assert len(rows) <= 1
    for row in rows:
        for table in TABLES:
            assert found[row.replace("recordings", table, 1)] == found[row]


def lay_out(folder: Path, old) -> Path:
    out, kept = folder / "out", folder / "old"
    shutil.rmtree(out, ignore_errors=True)
    if old is None:
        out.mkdir()
        return out
    if not kept.exists():
        publish(old, kept, exports=exports(old))
    shutil.copytree(kept, out)
    return out


def attempt(act, fatal, error=False) -> int | None:
    """Do `act` on a disk that fails at operation `fatal`; how many operations it took, None if it was killed."""
    with pytest.MonkeyPatch.context() as patch:
        disk = CrashingDisk(patch, fatal, error)
        try:
            act()
        except SimulatedKill:
            return None
        return disk.count


@pytest.mark.parametrize("case", ["first", "same day", "another day"])
def test_wherever_it_dies_the_next_start_leaves_all_of_the_old_or_all_of_the_new(folder, case):
    old, new = old_to_new(case)
    outcomes, fatal = [], 0
    while True:
        out = lay_out(folder, old)
        finished = attempt(lambda: publish(new, out, exports=exports(new)), fatal)  # noqa: B023
        committed_means_complete(out)
        recover(out)
        now = visible(out)
        assert now in (expected(old), expected(new)), f"killed at operation {fatal}"
        assert sorted(p.name for p in (out / ".journal").glob("*")) in ([], ["lock"])
        outcomes.append(now == expected(new))
        if finished is not None:
            break
        fatal += 1
    assert outcomes == sorted(outcomes), "once it is decided, it happens"
    assert 0 < sum(outcomes) < len(outcomes)


def test_wherever_it_dies_translations_are_added_with_their_exports_or_not_at_all(folder):
    old = make_meeting("old")
    rows = (Translation(0, "de", "Guten Morgen.", "translated", "openai/m"),)
    files = {"transcript.de.srt": "old"}
    more = {f"translations/recorded_date=2024-05-01/{ID}.parquet": "old", f"exports/{ID}/transcript.de.srt": "old"}
    outcomes, fatal, finished = [], 0, None
    while finished is None:
        out = lay_out(folder, old)
        held = read_transcript(out, ID)
        new = replace(held, translations=rows)
        finished = attempt(lambda: publish_translations(new, out, exports=files, instead_of="old"), fatal)  # noqa: B023
        committed_means_complete(out)
        recover(out)
        now = visible(out)
        assert now in (expected(old), {**expected(old), **more}), f"killed at operation {fatal}"
        assert read_transcript(out, ID) in (held, new)
        outcomes.append(now != expected(old))
        fatal += 1
    assert outcomes == sorted(outcomes)
    assert 0 < sum(outcomes) < len(outcomes)
    with pytest.raises(Superseded):
        publish_translations(new, out, exports=files, instead_of="another run")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=st.sampled_from(["first", "same day", "another day"]), first=st.integers(0, 90), second=st.integers(0, 60)
)
def test_dying_again_while_it_is_mended_changes_nothing(folder, case, first, second):
    old, new = old_to_new(case)
    out = lay_out(folder, old)
    attempt(lambda: publish(new, out, exports=exports(new)), first)
    attempt(lambda: recover(out), second)
    committed_means_complete(out)
    recover(out)
    assert visible(out) in (expected(old), expected(new))


def blocked(folder: Path, case: str, first: int) -> tuple[Path, Path | None]:
    """A publication that died at that operation, and then a folder in the place of an export that it was to write;
    None where it is written already."""
    old, new = old_to_new(case)
    out = lay_out(folder, old)
    attempt(lambda: publish(new, out, exports=exports(new)), first)
    place = out / "exports" / ID / "transcript.vtt"
    if place.exists():
        return out, None
    place.mkdir(parents=True)
    return out, place


def dies_over_what_is_blocked(folder: Path, case: str, first: int, second: int) -> bool:
    """Whether the publication that comes then, and dies at its operation `second`, was to its end before that."""
    old, new = old_to_new(case)
    out, place = blocked(folder, case, first)
    newest = make_meeting("newest")
    finished = attempt(lambda: publish(newest, out, exports=exports(newest)), second) is not None
    committed_means_complete(out)
    recover(out)
    committed_means_complete(out)
    if place is not None:
        place.rmdir()
    recover(out)
    assert visible(out) in (expected(old), expected(new), expected(newest)), f"killed at operation {second}"
    assert sorted(p.name for p in (out / ".journal").glob("*")) in ([], ["lock"])
    return finished


def first_with_a_plan(folder: Path, case: str) -> int:
    """The operation by whose death a plan stands."""
    first = 0
    while not (blocked(folder, case, first)[0] / ".journal" / f"{ID}.json").exists():
        first += 1
    return first


@every_operation
@pytest.mark.parametrize("further", [0, 12])
def test_one_that_dies_over_an_unfinishable_one_leaves_all_of_one_run(folder, further, begin):
    """The first has changed nothing yet, or has removed the row and put some tables in place."""
    case = "another day"
    first = first_with_a_plan(folder, case) + further
    assert blocked(folder, case, first)[1] is not None
    second = begin
    while not dies_over_what_is_blocked(folder, case, first, second):
        second += STRIDE
    assert second > 40


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=st.sampled_from(["first", "same day", "another day"]), first=st.integers(0, 90), second=st.integers(0, 90)
)
def test_whatever_two_deaths_leave_is_of_one_run(folder, case, first, second):
    dies_over_what_is_blocked(folder, case, first, second)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=st.sampled_from(["first", "same day", "another day"]), fatal=st.integers(0, 90))
def test_an_error_of_the_disk_is_told_and_the_next_attempt_succeeds(folder, case, fatal):
    old, new = old_to_new(case)
    out = lay_out(folder, old)
    try:
        attempt(lambda: publish(new, out, exports=exports(new)), fatal, error=True)
    except TransientError as err:
        assert "No space left on device" in str(err)  # noqa: PT017
    committed_means_complete(out)
    publish(new, out, exports=exports(new))
    assert visible(out) == expected(new)


def test_a_publication_of_another_recording_finishes_what_was_left(folder):
    old, new = old_to_new("same day")
    out = lay_out(folder, old)
    whole = attempt(lambda: publish(new, out, exports=exports(new)), None)
    out = lay_out(folder, old)
    assert attempt(lambda: publish(new, out, exports=exports(new)), whole // 2 + 10) is None
    other = make_meeting("other", recording_id="other-1")
    publish(other, out, exports={})
    assert {name: run for name, run in visible(out).items() if ID in name} == expected(new)


def test_a_publication_that_was_finished_is_told_and_one_undone_too(folder):
    old, new = old_to_new("same day")
    out = lay_out(folder, old)
    whole = attempt(lambda: publish(new, out, exports=exports(new)), None)
    lines = set()
    for fatal in (8, whole - 12):
        out = lay_out(folder, old)
        attempt(lambda: publish(new, out, exports=exports(new)), fatal)  # noqa: B023
        lines.update(recover(out))
    assert lines == {
        f"{ID}: an interrupted publication was undone.",
        f"{ID}: publication finished after an interruption.",
    }
