"""A home whose recordings share voices, with tables, exports and cached results, and runs that are under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

from flows.cli.main import app
from flows.speakers.republish import finishing_erasures
from tasks.pruning import usage
from tasks.pruning.prune import recordings_folder, runs_folder
from tasks.settings.schema import Settings
from tasks.storage.artifacts import ArtifactStore
from tasks.voices.invariants import list_forgotten
from tasks.voices.store import read_current_registry
from tests.helpers.cached_results import make_result_key, store_result
from tests.helpers.sample_voices import (
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


class VoicesHome:
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


@contextmanager
def live_run(recording_id: str | None, *keys: str) -> Iterator[usage.RunMark]:
    """A run under way of the recording (None: it has not said yet), which has asked for these results."""
    with finishing_erasures(Settings()), usage.mark_running(runs_folder()) as mark:
        for key in keys:
            mark.note_key(key)
        if recording_id is not None:
            mark.name_recording(recording_id)
        yield mark
