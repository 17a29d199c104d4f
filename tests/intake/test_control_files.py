"""Control files in any letter case and with the ending that Explorer adds; what means nothing has a line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.leftovers import COPYING, HIDDEN, LONE_MARKER, LONE_SIDECAR, STOP_BELOW, TOGETHER_AT_TOP
from tests.helpers.simulated_inbox import SimulatedInbox

SIDECARS = ["a.json", "a.JSON", "A.Json", "a.json.txt", "A.JSON.TXT", "a.wav.json", "a.wav.JSON", "A.WAV.json.txt"]


@pytest.fixture
def world(tmp_path: Path) -> SimulatedInbox:
    return SimulatedInbox(tmp_path / "data")


def leftovers(world: SimulatedInbox) -> dict[str, str]:
    """What the ledger says of everything that is not taken, after a scan."""
    watcher = world.watcher()
    watcher.scan()
    return {str(path): reason for path, reason, _ in watcher.ledger.leftovers()}


@pytest.mark.parametrize("name", ["STOP", "stop", "Stop", "STOP.txt", "stop.TXT"])
def test_stop_stops(world: SimulatedInbox, name: str) -> None:
    world.put("a.wav")
    (world.inbox / name).touch()
    watcher = world.watcher()
    scanned = watcher.scan()
    assert (scanned.stopped, scanned.stop_file) == (True, name)
    assert [str(v.candidate.path) for v in scanned.waiting] == ["a.wav"]
    assert leftovers(world) == {}
    (world.inbox / name).unlink()
    assert not watcher.scan().stopped


@pytest.mark.parametrize("name", ["STOP.wav", "STOPPED", "stop it.txt", "stop/a.wav", "Stop.txt/a.wav"])
def test_other_names_do_not(world: SimulatedInbox, name: str) -> None:
    world.put(name)
    assert not world.watcher().scan().stopped


@pytest.mark.parametrize("name", ["_together", "_TOGETHER", "_Together", "_together.txt", "_TOGETHER.TXT"])
def test_together_joins(world: SimulatedInbox, name: str) -> None:
    world.put("monday/1.wav", b"morning")
    world.put("monday/2.wav", b"noon")
    (world.inbox / "monday" / name).touch()
    claim = world.take_first(world.watcher())
    assert isinstance(claim, Claim)
    assert [part.name for part in claim.recordings] == ["1.wav", "2.wav"]


@pytest.mark.parametrize("name", ["a.wav.done", "a.wav.DONE", "A.WAV.Done", "a.wav.done.txt"])
def test_a_marker_vouches_and_goes(world: SimulatedInbox, name: str) -> None:
    world.put("a.wav", whole=False)
    world.stamp(world.put(name))
    watcher = world.watcher()
    (candidate,) = watcher.scan().ready
    assert isinstance(watcher.take(candidate), Claim)
    assert not (world.inbox / name).exists()


def test_a_marker_vouches_for_no_file_of_another_letter_case_beside_its_own(world: SimulatedInbox) -> None:
    world.put("a.wav", b"lower")
    world.put("A.wav", b"upper")
    world.stamp(world.put("A.wav.done"))
    assert [str(c.path) for c in world.watcher().scan().ready] == ["A.wav"]


@pytest.mark.parametrize("after", ["done", "keep", "delete"])
@pytest.mark.parametrize("name", SIDECARS)
def test_a_sidecar_goes_with_its_recording(tmp_path: Path, name: str, after: str) -> None:
    world = SimulatedInbox(tmp_path / "data", after=after)
    world.put("a.wav")
    (world.inbox / name).write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    assert leftovers(world) == {}
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    assert [sidecar.name for sidecar in claim.sidecars] == [name]
    row = world.publish(claim)
    ended = watcher.close_processed(claim, status="complete", recording_id=row["recording_id"], run_id=row["run_id"])
    assert ended.state == "done"
    where = {"done": "done/2027/01/15/", "keep": "inbox/"}
    assert world.list_files() == ([] if after == "delete" else sorted(where[after] + n for n in (name, "a.wav")))


@pytest.mark.parametrize("name", SIDECARS)
def test_where_its_recording_is_numbered_it_keeps_its_ending(world: SimulatedInbox, name: str) -> None:
    world.put("a.wav", b"one")
    (world.inbox / name).write_text("{}")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    world.put("a.wav", b"two")
    watcher.release(claim)
    ending = name[name.lower().index(".json") :]
    whole = "a (2).wav" if ".wav" in name.lower() else "a (2)"
    assert (world.inbox / "a (2).wav").is_file()
    assert (world.inbox / f"{whole}{ending}").is_file()


@pytest.mark.parametrize("name", ["a.JSON", "A.json", "a.wav.json.txt"])
def test_a_kept_recording_whose_sidecar_changes_is_taken_again(tmp_path: Path, name: str) -> None:
    world = SimulatedInbox(tmp_path / "data", after="keep")
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    row = world.publish(claim)
    watcher.close_processed(claim, status="complete", recording_id=row["recording_id"], run_id=row["run_id"])
    assert world.take_first(watcher) is None
    (world.inbox / name).write_text('{"recorded_at": "2026-03-01T09:15:00"}')
    assert isinstance(world.take_first(watcher), Claim)


def test_two_recordings_of_one_name_in_two_letter_cases_have_each_their_own(world: SimulatedInbox) -> None:
    world.put("a.wav", b"lower")
    world.put("A.wav", b"upper")
    (world.inbox / "A.json").write_text("{}")
    watcher = world.watcher()
    watcher.scan()
    world.now += 10
    taken = {c.path.name: c for c in map(watcher.take, watcher.scan().ready) if isinstance(c, Claim)}
    assert {name: [s.name for s in claim.sidecars] for name, claim in taken.items()} == {
        "a.wav": [], "A.wav": ["A.json"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("b.json", LONE_SIDECAR),
        ("sub/b.JSON", LONE_SIDECAR),
        ("b.wav.json.txt", LONE_SIDECAR),
        ("b.wav.done", LONE_MARKER),
        ("_Together", TOGETHER_AT_TOP),
        ("sub/STOP.txt", STOP_BELOW),
        ("b.wav.part", COPYING),
        ("~$b.wav", COPYING),
        (".b.wav", HIDDEN),
        ("empty/_together", "no recordings are in its folder yet"),
    ],
)
def test_what_means_nothing_has_a_line(world: SimulatedInbox, name: str, reason: str) -> None:
    world.put("a.wav")
    world.put(name)
    assert leftovers(world) == {name: reason}
    (world.inbox / name).unlink()
    assert leftovers(world) == {}


@pytest.mark.parametrize(
    "names",
    [
        ("b.wav", "b.json"), ("b.wav", "b.wav.JSON"), ("b.wav.part", "b.json"), ("b/1.wav", "b/_together", "b.json"),
        ("b.wav", "b.mp3", "b.json"), (".DS_Store",), ("Thumbs.db",), ("._b.wav",), (".b.wav.Xy12ab",),
        ("@eaDir/b.json",), ("b.json/1.wav",), ("b.part/1.wav",), ("m/stop/1.wav",),
        ("b/_together", "b/1.wav", "b/notes.json"),
    ],
)  # fmt: skip
def test_what_means_something_or_is_the_systems_has_none(world: SimulatedInbox, names: tuple[str, ...]) -> None:
    for name in names:
        world.put(name, name.encode())
    assert set(leftovers(world)) <= {"b.wav.part"}


def test_a_sidecar_after_its_file_was_processed_has_a_line_and_while_it_is_none(world: SimulatedInbox) -> None:
    world.put("a.wav")
    watcher = world.watcher()
    claim = world.claim_first(watcher)
    (world.inbox / "A.json").write_text("{}")
    assert leftovers(world) == {}
    (world.inbox / "A.json").unlink()
    row = world.publish(claim)
    watcher.close_processed(claim, status="complete", recording_id=row["recording_id"], run_id=row["run_id"])
    (world.inbox / "a.JSON").write_text("{}")
    assert leftovers(world) == {"a.JSON": LONE_SIDECAR}
    again = world.put("a.wav")
    assert leftovers(world) == {}
    again.unlink()


def test_links_and_pipes_and_what_lies_too_deep_have_one(world: SimulatedInbox) -> None:
    deep = "/".join(["deep"] * 20)
    world.put(f"{deep}/a.wav")
    world.put(f"{'/'.join(['d'] * 16)}/b.wav")
    (world.inbox / "link.wav").symlink_to(world.inbox / deep / "a.wav")
    (world.inbox / "link.json").symlink_to(world.inbox / deep / "a.wav")
    os.mkfifo(world.inbox / "pipe.wav")
    assert {path: reason.split(";")[0] for path, reason in leftovers(world).items() if reason != LONE_SIDECAR} == {
        "link.wav": "a link", "link.json": "a link", "pipe.wav": "not a regular file",
        f"{deep}/a.wav": "lies more than 16 folders deep",
    }  # fmt: skip


def test_of_very_many_too_deep_a_hundred_and_their_folder_are_told(world: SimulatedInbox) -> None:
    deep = world.inbox / "/".join(["d"] * 17)
    deep.mkdir(parents=True)
    for number in range(150):
        (deep / f"{number}.wav").touch()
    assert len(leftovers(world)) == 101


def test_inbox_status_tells_all_of_it(world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    world.put("b.JSON")
    world.put("c.wav.part")
    (world.inbox / "link.wav").symlink_to(tmp_path / "elsewhere")
    world.watcher().scan()
    shown = CliRunner().invoke(app, ["inbox", "status"]).stdout
    for text in ("b.JSON", LONE_SIDECAR, "c.wav.part", COPYING, "link.wav", "a link; put the file itself here"):
        assert text in shown
    facts = json.loads(CliRunner().invoke(app, ["inbox", "status", "--json"]).stdout)
    assert {row["name"] for row in facts["not_taken"]} == {"b.JSON", "c.wav.part", "link.wav"}
    assert all(row["since"] and row["reason"] for row in facts["not_taken"])


def test_the_ledger_of_an_earlier_version_is_read_as_well(
    world: SimulatedInbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    watcher = world.watcher()
    with watcher.ledger.writing() as db:
        db.execute("drop table leftovers")
    watcher.close()
    assert CliRunner().invoke(app, ["inbox", "status"]).exit_code == 0
    world.put("b.json")
    assert leftovers(world) == {"b.json": LONE_SIDECAR}


def test_a_failed_recordings_sidecar_goes_to_quarantine_with_it(world: SimulatedInbox) -> None:
    world.put("a.wav")
    (world.inbox / "A.JSON").write_text("{}")
    watcher = world.watcher()
    ended = watcher.close_failed(world.claim_first(watcher), "no sound in it", lasting=True)
    assert isinstance(ended, ClosedClaim)
    assert ended.place is not None
    assert {f.name for f in ended.place.parent.iterdir()} == {"a.wav", "A.JSON", "error.json"}
