"""Nemotron-3-Diarization: a small network of its class, trained to tell two tones apart, through the same loader."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diarization.nemotron import Nemotron, load
from tasks.diarization.turns import smooth_turns
from tasks.intervals import Span, measure_union_s
from tests.diarization.networks import speak_in_tones, write_nemotron

FRAME_S = 0.01
SPOKEN = [(0.5, 3.0, 0), (2.0, 6.0, 1), (10.0, 14.0, 0), (14.2, 15.0, 0), (17.0, 20.0, 1)]
"""Longer than a piece of the network's; the first two overlap; the pause at 14 s is no end of a turn."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nemotron(tmp_path_factory.mktemp("nemotron"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Nemotron:
    return load(str(folder))


def test_turns_overlap_where_two_speak_and_go_on_over_short_pauses(model: Nemotron) -> None:
    found = model.find_turns(speak_in_tones(SPOKEN, 21.0))
    expected = [(0.5, 3.0, "0"), (2.0, 6.0, "1"), (10.0, 15.0, "0"), (17.0, 20.0, "1")]
    assert [speaker for *_, speaker in found] == [speaker for *_, speaker in expected]
    assert np.array([row[:2] for row in found]) == pytest.approx(np.array([r[:2] for r in expected]), abs=0.1)


def test_turns_end_with_the_sound_and_nothing_to_hear_gives_none(model: Nemotron) -> None:
    ((start, end, _),) = model.find_turns(speak_in_tones([(0.2, 9.0, 0)], 1.503))
    assert 0.1 < start < 0.3
    assert 1.45 < end <= 1.503
    for count in (0, 1, 100):
        assert model.find_turns(np.zeros(count, np.float32)) == []


def test_a_folder_of_another_network_is_refused(folder: Path, tmp_path: Path) -> None:
    kept = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    with pytest.raises(ValueError, match="a model of type wav2vec2, and no nemotron3_diarization"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(kept))
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    (tmp_path / "processor_config.json").write_bytes((folder / "processor_config.json").read_bytes())
    with pytest.raises(OSError, match="safetensors"):
        load(str(tmp_path))


turns = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 200), st.integers(0, 3)).map(
        lambda t: (t[0] / 100, (t[0] + t[1]) / 100, t[2])
    ),
    max_size=12,
)


@given(turns)
def test_smoothed_turns_are_sorted_and_one_speakers_lie_apart(rows: list[tuple[float, float, int]]) -> None:
    found = smooth_turns(rows, 0.3, 0.1)
    assert found == sorted(found) == smooth_turns(found, 0.3, 0.1)
    assert all(end - start >= 0.1 for start, end, _ in found)
    for speaker in range(4):
        own = [(a, b) for a, b, k in found if k == speaker]
        assert all(b[0] - a[1] > 0.3 for a, b in pairwise(own))


@given(turns)
def test_smoothing_adds_pauses_and_takes_bursts_alone(rows: list[tuple[float, float, int]]) -> None:
    for speaker in range(4):
        given_, found = (
            [Span(a, b) for a, b, k in some if k == speaker] for some in (rows, smooth_turns(rows, 0.3, 0.1))
        )
        assert measure_union_s(found) >= measure_union_s(s for s in given_ if s.duration_s >= 0.1) - 1e-9
        assert measure_union_s(smoothed := [*given_, *found]) - measure_union_s(given_) <= 0.3 * len(smoothed)
