"""The aligners: small networks of their classes, trained for a second, through the same loaders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tasks.alignment import ctc, qwen3
from tasks.alignment.ctc import CtcAligner
from tasks.alignment.qwen3 import Qwen3Aligner
from tests.alignment.small_aligners import MARKS, ring, write_ctc, write_qwen3

NOISE = np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32)


@pytest.fixture(scope="module")
def by_ctc(tmp_path_factory: pytest.TempPathFactory) -> CtcAligner:
    return ctc.load(str(write_ctc(tmp_path_factory.mktemp("ctc"))))


@pytest.fixture(scope="module")
def by_qwen3(tmp_path_factory: pytest.TempPathFactory) -> Qwen3Aligner:
    return qwen3.load(str(write_qwen3(tmp_path_factory.mktemp("qwen3"))))


def test_ctc_finds_words_by_their_letters_where_they_sound(by_ctc: CtcAligner) -> None:
    sound = ring("ABCABD", [0.3, 0.7, 1.2, 2.0, 2.3, 3.0], 3.6)
    (found,) = by_ctc.align(sound, [(0.0, 3.6)], [["“ab,", "C", "%", "Ab", "d!"]])
    times = [None if row is None else row[:2] for row in found]
    assert times[2] is None
    expected = [(0.3, 0.9), (1.2, 1.4), (2.0, 2.5), (3.0, 3.2)]
    assert np.array([t for t in times if t]) == pytest.approx(np.array(expected), abs=0.05)
    assert all(0.5 < row[2] <= 1 for row in found if row is not None and row[2] is not None)


def test_ctc_places_each_stretch_in_the_sound_and_doubts_a_text_that_nobody_said(by_ctc: CtcAligner) -> None:
    sound = np.concatenate([np.zeros(16_000, np.float32), ring("ABCD", [0.2, 0.6, 1.0, 1.4], 2.0)])
    ((right,), (wrong,)) = by_ctc.align(sound, [(1.0, 1.9), (1.0, 1.9)], [["AB"], ["HG"]])
    assert right is not None
    assert wrong is not None
    assert right[:2] == pytest.approx((1.2, 1.8), abs=0.05)
    assert right[2] is not None
    assert wrong[2] is not None
    assert wrong[2] < 0.1 < right[2]


def test_a_stretch_too_short_for_its_text_has_no_times(by_ctc: CtcAligner, by_qwen3: Qwen3Aligner) -> None:
    for aligner in (by_ctc, by_qwen3):
        assert aligner.align(NOISE, [(0.0, 0.06)], [["ABCDEF", "GH"]]) == [[None, None]]
        assert aligner.align(NOISE, [(0.0, 1.0)], [["–", "…"]]) == [[None, None]]
        assert aligner.align(NOISE, [], []) == []


def test_qwen3_gives_words_the_times_of_their_marks(by_qwen3: Qwen3Aligner) -> None:
    first, second = by_qwen3.align(
        NOISE, [(0.0, 2.0), (1.0, 3.0)], [["one,", "two", "three!"], ["one", "–", "two", "three"]], "en"
    )
    marks = [(MARKS[k] * 0.08, MARKS[k + 1] * 0.08) for k in (0, 2, 4)]
    assert [row and row[:2] for row in first] == [pytest.approx(m) for m in marks]
    later = [None if row is None else (row[0] - 1.0, row[1] - 1.0) for row in second]
    assert later[1] is None
    assert [later[i] for i in (0, 2, 3)] == [pytest.approx(m) for m in marks]


def test_qwen3_joins_what_it_splits_a_word_into_and_stays_in_the_stretch() -> None:
    times = [(0.0, 0.4), (0.4, 0.8), (0.8, 2.4)]
    found = qwen3.place_units([["我", "用"], [], ["Python"]], times, 10.0, 12.0)
    assert found == [(10.0, 10.8, None), None, (10.8, 12.0, None)]


def test_qwen3_leaves_languages_that_it_does_not_know(by_qwen3: Qwen3Aligner) -> None:
    assert by_qwen3.align(NOISE, [(0.0, 2.0)], [["one", "two"]], "fi") == [[None, None]]


def test_a_folder_of_another_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    with pytest.raises(ValueError, match="a model of type wav2vec2, and no qwen3_asr"):
        qwen3.load(str(tmp_path))
    recogniser = {"model_type": "qwen3_asr", "architectures": ["Qwen3ASRForConditionalGeneration"]}
    (tmp_path / "config.json").write_text(json.dumps(recogniser))
    with pytest.raises(ValueError, match="a Qwen3ASRForConditionalGeneration, and no Qwen3ASRForTokenClassification"):
        qwen3.load(str(tmp_path))
