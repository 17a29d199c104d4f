"""What was measured of a forgotten voice leaves the cache, or it is said that it hasn't yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from flows.speakers.republish import prune_step_results
from tasks.errors import TransientError
from tasks.pruning import prune as pruning
from tasks.pruning import usage
from tasks.settings.schema import Settings
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.cached_results import make_result_key, store_result


def test_results_that_somebody_goes_on_with_are_not_said_to_be_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
    cache, record = tmp_path / "data" / "cache", make_result_key("embedding", "a")
    name = store_result(ArtifactStore(str(cache / "artifacts")), tmp_path, record, b"a voice", 1)
    usage.record_usage(pruning.recordings_folder(), "monday-1", [record])
    with monkeypatch.context() as meanwhile:
        choose = pruning.choose

        def chosen_late(*args: Any, **kwargs: Any) -> Any:
            found = choose(*args, **kwargs)
            os.utime(cache / "results" / record)  # a run that goes on with it, and ends at once
            return found

        meanwhile.setattr(pruning, "choose", chosen_late)
        with pytest.raises(TransientError, match="in use by a run"):
            prune_step_results("monday-1", Settings())
    assert (cache / "artifacts" / name).exists()
    prune_step_results("monday-1", Settings())
    assert not (cache / "artifacts" / name).exists()
