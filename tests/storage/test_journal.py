"""The journal as other hands leave it: plans edited, folders in the way, what a NAS strews about."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import NoRoom, TransientError
from tasks.storage import files, journal, journal_plan
from tasks.storage.journal_plan import DamagedPlan, Plan
from tests.helpers.crashing_disk import CrashingDisk, SimulatedKill, make_memory_folder, without_fsync  # noqa: F401

ROW, WORDS = Path("recordings/day=1/r.parquet"), Path("words/day=1/r.parquet")
TEXT = Path("exports/r/t.txt")


def commit(out: Path, run: str, recording_id: str = "r", leaving: tuple[Path, ...] = ()) -> None:
    with journal.lock_journal(out) as folder:
        journal.commit_publication(folder, recording_id, dict.fromkeys((WORDS, ROW, TEXT), run.encode()), leaving)


def recover(out: Path) -> list[str]:
    with journal.lock_journal(out) as folder:
        return journal.recover(folder)


def runs(out: Path) -> set[str]:
    return {(out / path).read_text() for path in (WORDS, ROW, TEXT)}


def edited(out: Path, plan: object, stem: str = "r") -> Path:
    """A plan as somebody may leave it, with new files."""
    aside = out / ".journal" / f"{stem}.aside"
    aside.mkdir(parents=True)
    (aside / "0").write_text("edited")
    path = aside.with_suffix(".json")
    path.write_text(plan if isinstance(plan, str) else json.dumps(plan))
    return path


def plan(**changes: object) -> dict[str, object]:
    return {"recording_id": "r", "moves": [["0", "words/r.parquet"]], "removals": [], **changes}


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


LEAVING = st.one_of(
    st.sampled_from(["", ".", "..", "/", "~/x/..", "words/", "words//r", ".git/x", "_x", "words\\r", "a\0b"]),
    st.tuples(st.sampled_from(["..", "../..", "words/..", "/", "/tmp", "a/../.."]), st.text(min_size=1)).map(
        "/".join
    ),
    st.lists(st.sampled_from(["..", ".", "", "words", "r.parquet"]), min_size=1).map("/".join).filter(
        lambda path: not all(part.strip(".") for part in path.split("/"))
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with make_memory_folder() as folder:
        yield folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=LEAVING, at=st.sampled_from(["removals", "moves", "source", "aside", "recording_id"]))
def test_names_that_try_to_leave_the_folder_are_never_followed(place: Path, path: str, at: str) -> None:
    shutil.rmtree(place / "here", ignore_errors=True)
    out = place / "here" / "out"
    commit(out, "old")
    for precious in ("precious", "x/precious"):
        files.make_folder((place / "here" / precious).parent)
        (place / "here" / precious).write_text("precious")
    before = tree(place / "here")
    changes = {"removals": [path], "moves": [["0", path]], "source": [[path, "words/r"]]}.get(at, path)
    made = edited(out, plan(**{"moves" if at == "source" else at: changes}))
    (line,) = recover(out)
    assert str(made) in line
    assert "process the recording again" in line
    assert tree(place / "here") == before
    assert recover(out) == []


@given(parts=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=3))
def test_whatever_may_be_a_files_name_may_be_planned_and_is_read_again(place: Path, parts: list[str]) -> None:
    path = "/".join(parts)
    parts = path.split("/")  # a part may have held one
    try:
        made = Plan("r", "r.aside", (("0", path),), (path,))
    except DamagedPlan:
        assert not all(map(files.is_plain_name, parts))
        return
    assert all(map(files.is_plain_name, parts))
    (place / "r.aside").mkdir(exist_ok=True)
    (place / "r.json").write_bytes(made.text())
    assert journal_plan.read_plan(place / "r.json") == made


@pytest.mark.parametrize(
    "held",
    [
        "", "{", "[]", "3", "null", "[" * 100_000, "\xff\xfe", {}, {"moves": 3}, plan(moves="ab"), plan(moves=["ab"]),
        plan(moves=[["0"]]), plan(moves=[[0, "words/r"]]), plan(moves=[["0", None]]), plan(moves={"0": "words/r"}),
        plan(removals="ab"), plan(removals=[["words"]]), plan(recording_id="other"), plan(recording_id=3),
        plan(aside="words"), plan(aside="gone.aside"), plan(aside=3), plan(removals=["words/" + "x" * 300]),
    ],
)  # fmt: skip
def test_a_damaged_plan_is_told_by_its_path_and_holds_up_no_other(tmp_path: Path, held: object) -> None:
    commit(tmp_path, "old")
    path = edited(tmp_path, held)
    edited(tmp_path, plan(recording_id="z", moves=[["0", "words/z"]]), stem="z")
    damaged, finished = recover(tmp_path)
    assert str(path) in damaged
    assert finished == "z: publication finished after an interruption."
    assert (tmp_path / "words/z").read_text() == "edited"
    assert runs(tmp_path) == {"old"}
    assert [p.name for p in (tmp_path / ".journal").iterdir()] == ["lock"]


def test_what_others_put_into_the_journal_stops_nobody(tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (away / "precious").write_text("precious")
    out = tmp_path / "out"
    strange = out / ".journal"
    (strange / "x.aside" / "@eaDir" / "deep").mkdir(parents=True)
    (strange / "x.aside" / "link").symlink_to(away)
    (strange / "y.aside").symlink_to(away)
    (strange / "y.json").mkdir()
    (strange / "z.aside").write_text("a file")
    (strange / "z.draft").mkdir()
    (strange / "._r.json").write_text("of a Mac")
    (strange / ".@x.aside").mkdir()
    assert recover(out) == ["x: an interrupted publication was undone."]
    assert recover(out) == []
    commit(out, "new")
    assert runs(out) == {"new"}
    assert (away / "precious").read_text() == "precious"
    with pytest.raises(TransientError, match=r"y\.json: a folder stands where a file belongs"):
        commit(out, "new", "y")


def folder_for_a_file(out: Path) -> Path:
    (out / TEXT).unlink()
    (out / TEXT).mkdir()
    return out / TEXT


def file_for_a_folder(out: Path) -> Path:
    shutil.rmtree(out / "exports")
    (out / "exports").write_text("")
    return out / "exports"


def link_to_nowhere(out: Path) -> Path:
    shutil.rmtree(out / "exports")
    (out / "exports").symlink_to(out / "nowhere")
    return out / "exports"


def link_that_leads_out(out: Path) -> Path:
    shutil.move(out / "exports", out.parent / "exports")
    (out / "exports").symlink_to(out.parent / "exports")
    return out / "exports"


OBSTACLES = [folder_for_a_file, file_for_a_folder, link_to_nowhere, link_that_leads_out]


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_in_the_way_is_told_before_anything_changes(tmp_path: Path, obstacle) -> None:
    out = tmp_path / "out"
    commit(out, "old")
    at = obstacle(out)
    before = tree(out)
    for _ in range(2):
        with pytest.raises(TransientError) as error:
            commit(out, "new")
        assert str(error.value).startswith(f"{at}: ")
        assert "then run it again" in str(error.value)
        assert tree(out) == before
        assert recover(out) == []
    at.rmdir() if at.is_dir() and not at.is_symlink() else at.unlink()
    commit(out, "new")
    assert runs(out) == {"new"}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_plan_that_something_is_in_the_way_of_waits_and_changes_nothing(tmp_path: Path, obstacle) -> None:
    out = tmp_path / "out"
    commit(out, "old")
    at = obstacle(out)
    moves = [["0", WORDS.as_posix()], ["1", ROW.as_posix()], ["2", TEXT.as_posix()]]
    path = edited(out, plan(moves=moves))
    for name in "012":
        (path.with_suffix(".aside") / name).write_text("new")
    before = tree(out)
    for _ in range(2):
        (line,) = recover(out)
        assert line.startswith(f"r: its publication could not be finished ({at}: ")
        assert tree(out) == before
    with journal.lock_journal(out) as folder, pytest.raises(TransientError, match=r"stands|needed|leads out"):
        journal.finish_plan(folder, "r")
    at.rmdir() if at.is_dir() and not at.is_symlink() else at.unlink()
    assert recover(out) == ["r: publication finished after an interruption."]
    assert runs(out) == {"new"}


def test_a_folder_that_cannot_be_written_is_told_before_anything_changes(tmp_path: Path, monkeypatch) -> None:
    commit(tmp_path, "old")
    before = tree(tmp_path)
    words = (tmp_path / WORDS).parent
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != words)
    with pytest.raises(TransientError, match=r"words/day=1: nothing can be written there; see to its rights"):
        commit(tmp_path, "new")
    assert tree(tmp_path) == before


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk than `tmp_path`."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


def test_files_that_cannot_be_renamed_into_place_are_copied_beside_it(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / ".journal").symlink_to(elsewhere)
    for run in ("old", "new"):
        commit(tmp_path, run)
        assert runs(tmp_path) == {run}
        assert list(tmp_path.rglob("*.part")) == []
        assert [p.name for p in elsewhere.iterdir()] == ["lock"]


def test_without_room_on_the_other_disk_nothing_changes(tmp_path: Path, elsewhere: Path, monkeypatch) -> None:
    (tmp_path / ".journal").symlink_to(elsewhere)
    commit(tmp_path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
        with pytest.raises(
            NoRoom, match=r"lies on another disk, and .* MB are not free there; make room, then run it"
        ):
            commit(tmp_path, "new")
    assert runs(tmp_path) == {"old"}
    assert recover(tmp_path) == []


def test_dying_while_a_file_is_copied_shows_the_old_or_the_new_one(tmp_path: Path, monkeypatch) -> None:
    rename = os.replace

    def across(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", across)
    source, target = tmp_path / "a" / "0", tmp_path / "b" / "t"
    source.parent.mkdir()
    target.parent.mkdir()
    seen = set()
    for fatal in range(20):
        source.write_text("new")
        target.write_text("old")
        with monkeypatch.context() as patch:
            CrashingDisk(patch, fatal)
            try:
                files.move(source, target)
            except SimulatedKill:
                seen.add(target.read_text())
        if source.exists():
            files.move(source, target)
        assert target.read_text() == "new"
        assert not source.exists()
        assert [p.name for p in target.parent.iterdir()] == ["t"]
    assert seen == {"old", "new"}
