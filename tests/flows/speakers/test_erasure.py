"""A forgotten voice leaves every file: at once where nobody works on it, else without another command.

Each recording has its tables and exports, and a cached result that holds its speakers' embeddings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.speakers import republish
from flows.speakers.corrections import forget
from flows.speakers.republish import finish_erasures, republish_stale
from tasks.pruning import prune as pruning
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder, runs_folder
from tasks.settings.schema import Settings
from tasks.storage.artifacts import ArtifactStore
from tasks.voices.lookup import find_voice
from tests.helpers.sample_voices import (
    EMBEDDER,
    find_in_files,
    read_columns,
)
from tests.helpers.voices_home import ADA_ON_MONDAY, MON, NAME, TUE, WED, VoicesHome, live_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[VoicesHome, Path]]:
    """A home, and a copy of it to begin each test with: results know where they lie."""
    folder = tmp_path_factory.mktemp("erasure") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(folder))
        patch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
        home = VoicesHome(folder)
        assert len(home.find_name()) > 5
        assert len(home.find_embedding()) == 3  # the table, the registry and the cached result
        yield home, Path(shutil.copytree(folder, folder.with_name("kept")))


@pytest.fixture
def home(made: tuple[VoicesHome, Path]) -> VoicesHome:
    home, kept = made
    shutil.rmtree(home.folder)
    shutil.copytree(kept, home.folder)
    return home


def leave_dead_run(home: VoicesHome, recording_id: str, key: str) -> None:
    """A run that used the result while the voice was forgotten, and was killed."""
    code = f"""
import os, sys
from pathlib import Path
from tasks.pruning.usage import mark_running
with mark_running(Path({str(runs_folder())!r})) as mark:
    mark.note_key({key!r})
    mark.name_recording({recording_id!r})
    print("ready", flush=True)
    sys.stdin.readline()
    os._exit(9)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        assert "Being forgotten" in home.speakers("forget", NAME, "--yes")
        run.communicate("\n")


@pytest.mark.parametrize("of", [WED, "fri-99999999"])
def test_run_of_another_recording_delays_nothing(home: VoicesHome, of: str) -> None:
    with live_run(of, home.results["wed"]):
        home.publish("sat", ["Eve"], "run-9", day=5)  # a run that ends meanwhile
        text = home.speakers("forget", NAME, "--yes")
        assert "Forgotten: 2 embeddings" in text
        assert home.is_erased()
    assert (home.folder / "data/cache/results" / home.results["wed"]).exists()


def test_everything_but_what_a_run_uses_goes_at_once(home: VoicesHome) -> None:
    with live_run("copy-0a1b2c3d", home.results["mon"]):  # of the same sound under another name
        text = home.speakers("forget", NAME, "--yes")
        assert "Forgotten" not in text
        assert "Being forgotten: 2 embeddings" in text
        assert f"{MON}: cached results" in text
        assert TUE not in text.partition("Not gone yet")[2]
        assert "without another command" in text
        assert home.find_name() == []
        assert [Path(name).suffix for name in home.find_embedding()] == [".bin"]
        assert not (home.folder / "data/cache/results" / home.results["tue"]).exists()
        assert home.identities(MON) == {"SPEAKER_00": False, "SPEAKER_01": True}
        for again in (NAME, NAME.upper()):
            said = home.speakers("forget", again, "--yes")
            assert "Being forgotten already" in said
            assert f"{MON}: cached results" in said
        assert "not gone yet" in home.speakers("list")
        assert "no voice is called 'Nobody'" in home.speakers("forget", "Nobody", "--yes", status=2)
    assert home.is_erased()
    assert "no voice is called" in home.speakers("forget", NAME, "--yes", status=2)


def test_voice_is_found_again_as_it_was_asked_for(home: VoicesHome) -> None:
    (voice,) = {v for n, v in read_columns(home.out, "speakers", MON, "speaker_name", "voice_id") if n}
    with live_run(MON, home.results["mon"]):
        home.speakers("forget", f"{MON}/SPEAKER_00", "--yes")
        for text in (f"{MON}/SPEAKER_00", str(voice), NAME):
            assert "Being forgotten already" in home.speakers("forget", text, "--yes")
        assert find_in_files(str(voice), home.folder) == []


def test_run_that_publishes_the_recording_meanwhile_publishes_no_forgotten_voice(home: VoicesHome) -> None:
    with live_run(MON, home.results["mon"]):
        assert "Being forgotten" in home.speakers("forget", NAME, "--yes")
        home.publish("mon", ["Ada", "Bea"], "run-2", shift=1)
        assert home.identities(MON) == {"SPEAKER_00": True, "SPEAKER_01": False}
        assert len([h for h in home.registry().hearings.values() if h.recording_id == MON]) == 2  # Bea, nobody
        assert home.find_name() == []
        assert [Path(name).suffix for name in home.find_embedding()] == [".bin"]
    assert home.is_erased()
    assert home.identities(MON) == {"SPEAKER_00": True, "SPEAKER_01": False}
    assert home.identities(TUE) == {"SPEAKER_00": False, "SPEAKER_01": True}


def test_run_without_voices_that_publishes_meanwhile_is_written_again(home: VoicesHome) -> None:
    with live_run(MON, home.results["mon"]):
        home.speakers("forget", NAME, "--yes")
        home.publish("mon", ["Ada", "Bea"], "run-2", mode="never")
    assert home.is_erased()
    assert home.identities(MON) == {"SPEAKER_00": False, "SPEAKER_01": False}  # either may be her


def test_run_that_has_not_said_what_it_works_on_may_need_what_was_used_since(home: VoicesHome) -> None:
    with live_run(None):
        text = home.speakers("forget", NAME, "--yes")
        assert "Being forgotten" in text
        assert home.find_name() == []
        assert home.identities(MON) == {"SPEAKER_00": False, "SPEAKER_01": True}
    assert home.is_erased()


def test_run_that_fails_finishes_it_as_well(home: VoicesHome) -> None:
    def fail() -> None:
        with live_run(MON, home.results["mon"]):
            home.speakers("forget", NAME, "--yes")
            raise ValueError("no sound")

    with pytest.raises(ValueError, match="no sound"):
        fail()
    assert home.is_erased()


def run_once(_: VoicesHome) -> None:
    with live_run(WED):
        pass


FINISHERS: dict[str, Callable[[VoicesHome], object]] = {
    "the next run": run_once,
    "pruning by hand": lambda home: home.call("cache", "prune", "--older-than", "30d"),
    "pruning on schedule": lambda home: finish_erasures(Settings()),
    "the next correction": lambda home: home.speakers("rename", f"{WED}/SPEAKER_00", "Dot"),
    "the same command": lambda home: home.speakers("forget", NAME, "--yes"),
    "another forgetting": lambda home: home.speakers("forget", f"{WED}/SPEAKER_00", "--yes"),
}


@pytest.mark.parametrize("who", FINISHERS)
def test_what_a_killed_run_used_goes_with(home: VoicesHome, who: str) -> None:
    leave_dead_run(home, MON, home.results["mon"])
    assert home.find_embedding() != []
    FINISHERS[who](home)
    assert home.is_erased()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (republish, "republish"),  # the name has left the registry, and is in all tables
        (republish, "erase_forgotten"),  # the tables are written, the cache is as it was
        (pruning, "_remove_record"),
        (pruning, "_remove_artifact"),  # artifacts without records
        (usage, "delete_usage"),  # the cache is done, the registry doesn't know
    ],
)
def test_killed_forgetting_is_finished_by_the_next_run(
    home: VoicesHome, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    def die() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(module, step, killed)
            forget(home.voices, lambda registry: find_voice(registry, NAME), settings=Settings(), asked=NAME)

    with pytest.raises(Killed):
        die()
    assert not home.is_erased()
    run_once(home)
    assert home.is_erased()


def test_same_command_says_when_it_finishes_the_rest(home: VoicesHome) -> None:
    leave_dead_run(home, MON, home.results["mon"])
    assert "Forgotten: the rest is gone" in home.speakers("forget", NAME, "--yes")


def test_results_of_earlier_settings_and_of_copies_go_too(home: VoicesHome) -> None:
    earlier = home.cache(MON, "a", [ADA_ON_MONDAY])
    usage.record_usage(recordings_folder(), MON, [home.results["mon"]])  # the last run used another one
    usage.record_usage(recordings_folder(), "copy-0a1b2c3d", [home.results["mon"]])  # never published
    crashed = ArtifactStore(str(home.folder / "data/cache/artifacts"))
    crashed.put("embedding", np.array([ADA_ON_MONDAY] * 2, np.float32).tobytes(), ".bin")  # without a record
    home.speakers("forget", NAME, "--yes")
    assert home.is_erased()
    assert not (home.folder / "data/cache/results" / earlier).exists()
    assert (home.folder / "data/cache/results" / home.results["wed"]).exists()


def test_results_that_a_run_asks_for_meanwhile_are_not_said_to_be_gone(
    home: VoicesHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = pruning.choose_erased

    def chosen_late(*args: Any) -> Any:
        found = choose(*args)
        os.utime(home.folder / "data/cache/results" / home.results["mon"])  # a run that goes on with it
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(pruning, "choose_erased", chosen_late)
        assert "Being forgotten" in home.speakers("forget", NAME, "--yes")
    assert republish_stale(home.voices) == []
    assert home.is_erased()


def test_results_on_a_disk_that_is_away_are_being_forgotten(home: VoicesHome) -> None:
    away = home.out.with_name("away")
    home.out.rename(away)
    text = home.speakers("forget", NAME, "--yes")
    assert "Being forgotten" in text
    assert "a folder that is not there now" in text
    away.rename(home.out)
    finish_erasures(Settings())
    assert home.is_erased()


def test_registry_of_an_earlier_version_is_read(home: VoicesHome) -> None:
    import pyarrow.parquet as pq

    path, before = home.voices / "hearings.parquet", home.registry()
    with pq.ParquetFile(path) as file:
        table = file.read()
    pq.write_table(table.drop_columns(["forgotten_as"]), path)
    assert {key: h[:-3] for key, h in home.registry().hearings.items()} == {
        key: h[:-3] for key, h in before.hearings.items()
    }
    home.speakers("forget", NAME, "--yes")
    assert home.is_erased()


def test_voice_is_known_again_in_recordings_that_come_later(home: VoicesHome) -> None:
    home.speakers("forget", NAME, "--yes")
    home.publish("mon", ["Ada", "Bea"], "run-3", models=EMBEDDER)
    assert home.identities(MON) == {"SPEAKER_00": True, "SPEAKER_01": True}
