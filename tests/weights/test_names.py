"""What names of weights refer to: bundled files, hub repositories; and names of nothing."""

from __future__ import annotations

import pytest

from tasks.errors import MissingWeights
from tasks.weights.catalogue import DEMO, STANDARD
from tasks.weights.names import find_local_path, find_repository
from tasks.weights.resolve import find_problem


def test_demo_names_point_into_the_clone() -> None:
    for name, place in DEMO.items():
        path = find_local_path(name)
        assert path is not None
        assert path.parts[-4:] == ("data", "models", "demo", place)
    assert "no such bundled model" in (find_problem("embedding", "demo:spaeker") or "")


def test_short_names_mean_repositories_of_their_makers() -> None:
    assert find_repository("transcription", "large-v3-turbo") == "mobiuslabsgmbh/faster-whisper-large-v3-turbo"
    assert find_repository("separation", "htdemucs") == "adefossez/HTDemucs"
    with pytest.raises(MissingWeights, match=r"Demucs knows .*htdemucs_ft"):
        find_repository("separation", "no-such-model")
    for published in STANDARD:
        assert find_repository(published.kind, published.name) == published.repository


def test_a_bare_name_of_nemo_is_refused_because_nemo_would_fetch_it_unchecked() -> None:
    with pytest.raises(MissingWeights, match="name campplus, a hub repository"):
        find_repository("embedding", "titanet_large")
