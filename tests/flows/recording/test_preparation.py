"""Preparation of a run before its first step."""

from __future__ import annotations

import pytest

from flows.recording.preparation import MIN_TIMEOUT_S, compute_timeout_s, prepare
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import ChunkingSettings, ModelsSettings, Settings


def test_the_time_limit_grows_with_the_chunks_and_leaves_time_for_loading() -> None:
    assert compute_timeout_s(Settings()) == 10 * (15 * 60 + 30)
    assert compute_timeout_s(Settings(models=ModelsSettings(patience=2.0))) == 2 * (15 * 60 + 30)
    small = ChunkingSettings(min_minutes=0.5, max_minutes=0.8, overlap_s=10)
    assert compute_timeout_s(Settings(chunking=small, models=ModelsSettings(patience=1.0))) == MIN_TIMEOUT_S


def test_an_output_folder_that_cannot_be_published_to_is_refused_before_any_work(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "exports").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=r"out = .*exports: a link that leads out"):
        prepare(load({"profile": "demo", "out": str(out)}))
