"""What a run needs before its first step."""

from __future__ import annotations

import pytest

from flows.recording.preparation import LOADING_S, patience_s, prepare
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import ChunkingSettings, ModelsSettings, Settings


def test_patience_grows_with_the_chunks_and_leaves_time_for_loading() -> None:
    assert patience_s(Settings()) == 10 * (15 * 60 + 30)
    assert patience_s(Settings(models=ModelsSettings(patience=2.0))) == 2 * (15 * 60 + 30)
    small = ChunkingSettings(min_minutes=0.5, max_minutes=0.8, overlap_s=10)
    assert patience_s(Settings(chunking=small, models=ModelsSettings(patience=1.0))) == LOADING_S


def test_results_that_could_not_be_put_in_place_are_refused_before_any_work(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "exports").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=r"out = .*exports: a link that leads out"):
        prepare(load({"profile": "demo", "out": str(out)}))
