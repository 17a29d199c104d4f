"""A forgotten voice leaves every file: at once where nobody works on it, else without another command.

Each recording has its tables and exports, and a cached result that holds its speakers' embeddings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.speakers import republish
from flows.speakers.corrections import forget
from flows.speakers.republish import finish_erasures, finishing_erasures, republish_stale
from tasks.pruning import prune as pruning
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder, runs_folder
from tasks.settings.schema import Settings
from tasks.storage.artifacts import ArtifactStore
from tasks.voices.invariants import list_forgotten
from tasks.voices.lookup import find_voice
from tasks.voices.store import read_current_registry
from tests.helpers.cached_results import make_result_key, store_result
from tests.helpers.sample_voices import (
    EMBEDDER,
    RULE,
    find_embedding_in_files,
    find_in_files,
    make_recording,
    make_voice_embedding,
    publish_with_names,
    read_columns,
    write_noise,
)

MON, TUE, WED = (f"{day}-0a1b2c3d" for day in ("mon", "tue", "wed"))
ADA_ON_MONDAY = make_voice_embedding("Ada")
NAME = "Xanthippe"


class Home:
    """A home with Ada and Bea on Monday, Ada and Cyd on Tuesday, Dot on Wednesday. Ada is called Xanthippe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out, self.voices = folder / "data" / "transcripts", folder / "data" / "voices"
        self.out.mkdir(parents=True)
        self.sound = write_noise(folder / "sound.wav")
        self.results: dict[str, str] = {}
        for day, (name, people) in enumerate({"mon": ["Ada", "Bea"], "tue": ["Ada", "Cyd"], "wed": ["Dot"]}.items()):
            self.publish(name, people, day=day)
            self.results[name] = self.cache(
                f"{name}-0a1b2c3d", str(day), [make_voice_embedding(p, day) for p in people]
            )
        self.speakers("rename", f"{MON}/SPEAKER_00", NAME)

    def publish(
        self, name: str, people: Sequence[str], run_id: str = "run-1", mode: str = RULE.mode, **options: Any
    ) -> None:
        recording = make_recording(name, people, run_id, sound=self.sound, **options)
        publish_with_names(recording, self.out, self.voices, RULE.model_copy(update={"mode": mode}))

    def cache(self, recording_id: str, letter: str, embeddings: Sequence[tuple[float, ...]]) -> str:
        """Cache the embeddings as a result that the recording's last run has used; return the record's key."""
        store, key = ArtifactStore(str(self.folder / "data/cache/artifacts")), make_result_key("embedding", letter)
        store_result(store, self.folder, key, np.array(embeddings, np.float32).tobytes(), days_ago=0)
        usage.record_usage(
            recordings_folder(), recording_id, {*usage.read_usage(recordings_folder(), recording_id), key}
        )
        return key

    def speakers(self, *words: str, status: int = 0) -> str:
        return self.call("speakers", *words, status=status)

    def call(self, *words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*words])
        assert done.exit_code == status, done.output
        return str(done.output)

    def find_name(self) -> list[str]:
        return find_in_files(NAME, self.folder)

    def find_embedding(self) -> list[str]:
        return find_embedding_in_files(ADA_ON_MONDAY, self.folder)

    def identities(self, recording_id: str) -> dict[object, bool]:
        """Whether each speaker of the recording has an embedding in the tables."""
        rows = read_columns(self.out, "speakers", recording_id, "speaker", "embedding")
        return {label: embedding is not None for label, embedding in rows}

    def is_erased(self) -> bool:
        return not self.find_name() and not self.find_embedding() and not list_forgotten(self.registry())

    def registry(self) -> Any:
        return read_current_registry(self.voices)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path]]:
    """A home, and a copy of it to begin each test with: results know where they lie."""
    folder = tmp_path_factory.mktemp("erasure") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(folder))
        patch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
        home = Home(folder)
        assert len(home.find_name()) > 5
        assert len(home.find_embedding()) == 3  # the table, the registry and the cached result
        yield home, Path(shutil.copytree(folder, folder.with_name("kept")))


@pytest.fixture
def home(made: tuple[Home, Path]) -> Home:
    home, kept = made
    shutil.rmtree(home.folder)
    shutil.copytree(kept, home.folder)
    return home


@contextmanager
def live_run(recording_id: str | None, *keys: str) -> Iterator[usage.RunMark]:
    """A run under way of the recording (None: it has not said yet), which has asked for these results."""
    with finishing_erasures(Settings()), usage.mark_running(runs_folder()) as mark:
        for key in keys:
            mark.note_key(key)
        if recording_id is not None:
            mark.name_recording(recording_id)
        yield mark


def leave_dead_run(home: Home, recording_id: str, key: str) -> None:
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
def test_run_of_another_recording_delays_nothing(home: Home, of: str) -> None:
    with live_run(of, home.results["wed"]):
        home.publish("sat", ["Eve"], "run-9", day=5)  # a run that ends meanwhile
        text = home.speakers("forget", NAME, "--yes")
        assert "Forgotten: 2 embeddings" in text
        assert home.is_erased()
    assert (home.folder / "data/cache/results" / home.results["wed"]).exists()


def test_everything_but_what_a_run_uses_goes_at_once(home: Home) -> None:
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


def test_voice_is_found_again_as_it_was_asked_for(home: Home) -> None:
    (voice,) = {v for n, v in read_columns(home.out, "speakers", MON, "speaker_name", "voice_id") if n}
    with live_run(MON, home.results["mon"]):
        home.speakers("forget", f"{MON}/SPEAKER_00", "--yes")
        for text in (f"{MON}/SPEAKER_00", str(voice), NAME):
            assert "Being forgotten already" in home.speakers("forget", text, "--yes")
        assert find_in_files(str(voice), home.folder) == []


def test_run_that_publishes_the_recording_meanwhile_publishes_no_forgotten_voice(home: Home) -> None:
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


def test_run_without_voices_that_publishes_meanwhile_is_written_again(home: Home) -> None:
    with live_run(MON, home.results["mon"]):
        home.speakers("forget", NAME, "--yes")
        home.publish("mon", ["Ada", "Bea"], "run-2", mode="never")
    assert home.is_erased()
    assert home.identities(MON) == {"SPEAKER_00": False, "SPEAKER_01": False}  # either may be her


def test_run_that_has_not_said_what_it_works_on_may_need_what_was_used_since(home: Home) -> None:
    with live_run(None):
        text = home.speakers("forget", NAME, "--yes")
        assert "Being forgotten" in text
        assert home.find_name() == []
        assert home.identities(MON) == {"SPEAKER_00": False, "SPEAKER_01": True}
    assert home.is_erased()


def test_run_that_fails_finishes_it_as_well(home: Home) -> None:
    def fail() -> None:
        with live_run(MON, home.results["mon"]):
            home.speakers("forget", NAME, "--yes")
            raise ValueError("no sound")

    with pytest.raises(ValueError, match="no sound"):
        fail()
    assert home.is_erased()


def run_once(_: Home) -> None:
    with live_run(WED):
        pass


FINISHERS: dict[str, Callable[[Home], object]] = {
    "the next run": run_once,
    "pruning by hand": lambda home: home.call("cache", "prune", "--older-than", "30d"),
    "pruning on schedule": lambda home: finish_erasures(Settings()),
    "the next correction": lambda home: home.speakers("rename", f"{WED}/SPEAKER_00", "Dot"),
    "the same command": lambda home: home.speakers("forget", NAME, "--yes"),
    "another forgetting": lambda home: home.speakers("forget", f"{WED}/SPEAKER_00", "--yes"),
}


@pytest.mark.parametrize("who", FINISHERS)
def test_what_a_killed_run_used_goes_with(home: Home, who: str) -> None:
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
    home: Home, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
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


def test_same_command_says_when_it_finishes_the_rest(home: Home) -> None:
    leave_dead_run(home, MON, home.results["mon"])
    assert "Forgotten: the rest is gone" in home.speakers("forget", NAME, "--yes")


def test_results_of_earlier_settings_and_of_copies_go_too(home: Home) -> None:
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
    home: Home, monkeypatch: pytest.MonkeyPatch
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


def test_results_on_a_disk_that_is_away_are_being_forgotten(home: Home) -> None:
    away = home.out.with_name("away")
    home.out.rename(away)
    text = home.speakers("forget", NAME, "--yes")
    assert "Being forgotten" in text
    assert "a folder that is not there now" in text
    away.rename(home.out)
    finish_erasures(Settings())
    assert home.is_erased()


def test_registry_of_an_earlier_version_is_read(home: Home) -> None:
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


def test_voice_is_known_again_in_recordings_that_come_later(home: Home) -> None:
    home.speakers("forget", NAME, "--yes")
    home.publish("mon", ["Ada", "Bea"], "run-3", models=EMBEDDER)
    assert home.identities(MON) == {"SPEAKER_00": True, "SPEAKER_01": True}
