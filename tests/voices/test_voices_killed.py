"""A process that dies between any two writes: the tables and the store still tell the same, or nothing happened."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.speakers import corrections
from flows.speakers.published import find_published_run
from flows.speakers.republish import republish_stale
from tasks.dataset.publish import recover
from tasks.errors import DaylongError, TransientError
from tasks.storage import files
from tasks.storage.journal_plan import Plan
from tasks.voices import correct, tables
from tasks.voices.invariants import is_stale
from tasks.voices.lookup import find_voice
from tasks.voices.records import VoiceRegistry
from tasks.voices.store import open_registry, read_current_registry
from tests.helpers.crashing_disk import (  # noqa: F401
    STRIDE,
    CrashingDisk,
    SimulatedKill,
    every_operation,
    make_memory_folder,
    without_fsync,
)
from tests.helpers.sample_voices import (  # noqa: F401
    find_in_files,
    make_recording,
    names_by_label,
    own_home,
    publish_with_names,
    read_columns,
    write_noise,
)

FORMATS = ("srt",)
MON, TUE = "mon-0a1b2c3d", "tue-0a1b2c3d"


@pytest.fixture(scope="module")
def folder():
    with make_memory_folder() as place:
        yield place


class Place:
    """Monday published, Ada named there; laid out anew for each death."""

    def __init__(self, folder: Path) -> None:
        self.at, self.kept = folder / "at", folder / "kept"
        self.out, self.store = self.at / "out", self.at / "voices"
        folder.mkdir()
        self.sound = write_noise(folder / "sound.wav")
        self.again()
        if not self.kept.exists():
            self.out.mkdir(parents=True)
            publish_with_names(
                make_recording("mon", ["Ada", "Bea"], sound=self.sound), self.out, self.store, formats=FORMATS
            )
            self.rename("SPEAKER_00", "Zoe Xu")
            shutil.copytree(self.at, self.kept)

    def again(self) -> None:
        shutil.rmtree(self.at, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.at)

    def rename(self, voice: str, name: str) -> None:
        corrections.enter_corrections(
            self.store,
            "rename",
            lambda registry: ("rename", correct.rename(registry, find_voice(registry, f"{MON}/{voice}"), name)),
        )

    def tuesday(self) -> None:
        publish_with_names(
            make_recording("tue", ["Bea", "Ada"], "run-2", day=1, sound=self.sound),
            self.out,
            self.store,
            formats=FORMATS,
        )

    def restart(self) -> None:
        """As the next process begins: what was left is finished or undone."""
        recover(self.out)
        with open_registry(self.store, find_published_run):
            pass

    def agrees(self) -> None:
        """Every recording that is published is in the store as its tables tell it, and no other is."""
        registry = read_current_registry(self.store)
        there = {p.stem for p in (self.out / "recordings").glob("*/*.parquet")}
        assert {h.recording_id for h in registry.hearings.values() if h.speaker} == there
        for recording_id in there:
            rows = read_columns(self.out, "speakers", recording_id, "speaker", "speaker_name", "voice_id")
            known = {h.speaker: h for h in registry.of_recording(str(self.out), recording_id)}
            for label, name, voice in rows:
                if not is_stale(registry, known[label]):
                    assert (name, voice) == (registry.identity_of(known[label]).name, known[label].voice_id)

    def names(self, recording_id: str) -> dict[object, object]:
        return dict(read_columns(self.out, "speakers", recording_id, "speaker", "speaker_name"))


def deaths(place: Place, act) -> list[int]:
    """The numbers of the writes of `act`."""
    place.again()
    with pytest.MonkeyPatch.context() as patch:
        disk = CrashingDisk(patch, None)
        act()
    return list(range(disk.count))


def dies(act, number: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        CrashingDisk(patch, number)
        try:
            act()
        except (SimulatedKill, DaylongError):
            return


@every_operation
def test_a_run_that_dies_while_it_names_leaves_neither_wrong(folder, begin):
    place = Place(folder / f"run {begin}")
    writes = deaths(place, place.tuesday)
    assert len(writes) > 40
    finished = place.names(TUE)
    assert finished == {"SPEAKER_00": None, "SPEAKER_01": "Zoe Xu"}
    published = set()
    for number in writes[begin::STRIDE]:
        place.again()
        dies(place.tuesday, number)
        place.restart()
        place.agrees()
        published.add(bool(list((place.out / "recordings").glob(f"*/{TUE}.parquet"))))
        place.tuesday()  # the same command again
        place.agrees()
        assert place.names(TUE) == finished
        assert len(read_current_registry(place.store).voices) == 2
    assert published == {True, False}


@every_operation
def test_a_correction_that_dies_is_made_everywhere_or_nowhere(folder, begin):
    place = Place(folder / f"rename {begin}")
    place.tuesday()
    shutil.rmtree(place.kept)
    shutil.copytree(place.at, place.kept)

    def act() -> None:
        place.rename("SPEAKER_00", "Yan-Wu")

    seen = set()
    for number in deaths(place, act)[begin::STRIDE]:
        place.again()
        dies(act, number)
        read_current_registry(place.store)  # nobody has to write anything first
        place.restart()
        place.agrees()
        assert republish_stale(place.store) == []
        names = place.names(MON)["SPEAKER_00"], place.names(TUE)["SPEAKER_01"]
        assert names in [("Zoe Xu", "Zoe Xu"), ("Yan-Wu", "Yan-Wu")]
        assert len(read_current_registry(place.store).corrections) == 1 + (names[0] == "Yan-Wu")
        seen.add(names)
    assert len(seen) == 2


@every_operation
def test_whoever_was_to_be_forgotten_when_it_died_is_forgotten_by_the_next(folder, begin):
    place = Place(folder / f"forget {begin}")
    place.tuesday()
    shutil.rmtree(place.kept)
    shutil.copytree(place.at, place.kept)

    def act() -> None:
        corrections.forget(place.store, lambda registry: find_voice(registry, "Zoe Xu"))

    for number in deaths(place, act)[begin::STRIDE]:
        place.again()
        dies(act, number)
        place.restart()
        if any(v.name == "Zoe Xu" for v in read_current_registry(place.store).voices.values()):
            act()
        assert republish_stale(place.store) == []
        assert find_in_files("Zoe Xu", place.out, place.store) == []
        assert read_columns(place.out, "speakers", MON, "speaker", "voice_id", "embedding")[0] == (
            "SPEAKER_00",
            None,
            None,
        )
        assert len(list((place.store / "clips").glob("*"))) == 2  # Bea's


@every_operation
def test_a_name_that_was_about_to_be_told_when_it_died_is_forgotten_too(folder, begin):
    place = Place(folder / f"told {begin}")

    def act() -> None:
        place.rename("SPEAKER_00", "Yan-Wu")

    for number in deaths(place, act)[begin::STRIDE]:
        place.again()
        dies(act, number)
        corrections.forget(place.store, lambda registry: find_voice(registry, f"{MON}/SPEAKER_00"))
        place.restart()
        assert find_in_files("Yan-Wu", place.out, place.store) == []
        assert find_in_files("Zoe Xu", place.out, place.store) == []


def test_the_promise_of_a_book_goes_before_the_book(tmp_path, monkeypatch):
    """In whatever order a folder's files go: a promise that can't be kept would keep the store shut for ever."""

    remove = files.remove_folder

    def killed(path: Path) -> None:
        if path.name == "prepared":
            raise SimulatedKill
        remove(path)

    with open_registry(tmp_path, find_published_run) as handle:
        handle.prepare(handle.registry, str(tmp_path), MON, "run-1")
        with monkeypatch.context() as patch:
            patch.setattr(files, "remove_folder", killed)
            with pytest.raises(SimulatedKill):
                handle.commit(handle.registry)
    assert sorted(p.name for p in (tmp_path / "prepared").iterdir()) == sorted(
        map(str, tables.serialize_registry(VoiceRegistry()))
    )
    (tmp_path / "prepared" / "hearings.parquet").unlink()
    with open_registry(tmp_path, lambda out, recording_id: "run-1"):
        assert not (tmp_path / "prepared").exists()


def test_no_book_is_made_of_one_that_is_half_replaced(tmp_path):
    with open_registry(tmp_path, find_published_run) as handle:
        handle.commit(handle.registry)
    aside = tmp_path / ".journal" / "voices.aside"
    aside.mkdir()
    (tmp_path / "apart.parquet").rename(aside / "0")
    (tmp_path / "apart.parquet").mkdir()
    made = Plan("voices", aside.name, (("0", "apart.parquet"),), ())
    aside.with_suffix(".json").write_bytes(made.text())
    with (
        pytest.raises(TransientError, match=r"apart\.parquet: a folder stands where a file belongs"),
        open_registry(tmp_path, find_published_run),
    ):
        pytest.fail("opened")
    (tmp_path / "apart.parquet").rmdir()
    with open_registry(tmp_path, find_published_run) as handle:
        assert handle.registry == VoiceRegistry()


WRITER = """
import sys
from pathlib import Path
from tests.helpers.sample_voices import make_recording, own_home, publish_with_names  # noqa: F401
who, out, store, sound = sys.argv[1:]
people = ["Ada", "Bea"] if who == "a" else ["Bea", "Ada"]
for k in range(6):
    transcript = make_recording(f"{who}{k}", people, f"{who}{k}", day=k, sound=Path(sound))
    publish_with_names(transcript, Path(out), Path(store), formats=("srt",))
"""


def test_two_processes_at_once_and_one_that_corrects(tmp_path):
    out, store, sound = tmp_path / "out", tmp_path / "voices", write_noise(tmp_path / "sound.wav")
    out.mkdir()
    root = Path(__file__).resolve().parents[2]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, who, str(out), str(store), str(sound)], cwd=root)
        for who in "ab"
    ]
    named = False

    def first(registry):
        return min(registry.hearings.values(), key=lambda h: (h.heard_on, h.recording_id, h.speaker)).voice_id

    while any(w.poll() is None for w in writers):
        time.sleep(0.02)
        registry = read_current_registry(store)
        if not named and len(registry.hearings) >= 4:
            corrections.enter_corrections(
                store, "rename", lambda b: ("rename", correct.rename(b, first(b), "Zoe Xu"))
            )
            named = True
    assert [w.returncode for w in writers] == [0, 0]
    assert named
    registry = read_current_registry(store)
    assert len(registry.voices) == 2
    assert len(registry.hearings) == 24
    assert republish_stale(store) == []
    for who in "ab":
        for k in range(6):
            names = [n for (n,) in read_columns(out, "speakers", f"{who}{k}-0a1b2c3d", "speaker_name")]
            assert set(names) == {None, "Zoe Xu"}


def test_who_is_published_without_a_name_is_known_by_label(tmp_path):
    out, store = tmp_path / "out", tmp_path / "voices"
    out.mkdir()
    published = publish_with_names(
        make_recording("mon", ["Ada", "Bea"], sound=write_noise(tmp_path / "s.wav")), out, store
    )
    assert names_by_label(published) == {"SPEAKER_00": None, "SPEAKER_01": None}
    assert len({s.voice_id for s in published.speakers}) == 2
