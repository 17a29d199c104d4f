"""Parakeet through NeMo, with a small model of its class that knows two tones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.transcription import parakeet
from tests.helpers.small_parakeet import FRAME_S, make_tones, write_small_parakeet


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> parakeet.Parakeet:
    return parakeet.load(str(write_small_parakeet(tmp_path_factory.mktemp("parakeet"))))


SOUND = make_tones(("low", 1.0, 1.56), ("high", 2.4, 2.96), ("low", 5.0, 5.56), seconds=8.0)
STRETCHES = [(0.0, 4.0), (4.0, 8.0)]


def test_words_of_each_stretch_where_they_sound(model: parakeet.Parakeet) -> None:
    words = model.transcribe(SOUND, STRETCHES, None, {"batch_size": 2})
    assert len(words) <= 4  # so small a model may mistake noise for a tone
    for text, stretch, start in ((" low", 0, 1.0), (" high", 0, 2.4), (" low", 1, 5.0)):
        [word] = [w for w in words if w["start"] is not None and abs(w["start"] - start) <= 2 * FRAME_S]
        assert (word["word"], word["stretch"]) == (text, stretch)
        assert word["end"] is not None
        assert word["start"] is not None
        assert 0 < word["end"] - word["start"] < 0.6
    assert {w["probability"] for w in words} == {None}


def test_the_same_sound_gives_the_same_words_whatever_was_decoded_before(model: parakeet.Parakeet) -> None:
    first = model.transcribe(SOUND, STRETCHES, "en", {"batch_size": 1})
    model.transcribe(SOUND[::-1].copy(), [(0.0, 5.0)])
    assert model.transcribe(SOUND, STRETCHES, "en", {"batch_size": 1}) == first


def test_stretches_without_sound_or_of_a_few_samples(model: parakeet.Parakeet) -> None:
    assert model.transcribe(SOUND[:0], [(0.0, 0.0)]) == []
    assert model.transcribe(np.zeros(16_000, np.float32), [(0.0, 0.05), (0.5, 0.5)]) == []
    assert {w["stretch"] for w in model.transcribe(SOUND, [(8.0, 9.0), (4.0, 8.0)])} == {1}


def test_long_stretches_are_decoded_with_local_attention(
    model: parakeet.Parakeet, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder: Any = model._model.encoder
    monkeypatch.setattr(parakeet, "LOCAL_FROM_S", 5.0)
    found = [("", [w["word"] for w in model.transcribe(SOUND, STRETCHES)])]
    for stretches in ([(0.0, 8.0)], STRETCHES):
        words = model.transcribe(SOUND, stretches)
        found.append((encoder.self_attention_model, [w["word"] for w in words]))
    assert [kind for kind, _ in found[1:]] == ["rel_pos_local_attn", "rel_pos"]
    assert found[2][1] == found[0][1]
    assert {" low", " high"} >= set(found[1][1])
    assert found[1][1]


def hypothesis(*words: tuple[str, float, float]) -> Any:
    return SimpleNamespace(timestamp={"word": [{"word": w, "start": a, "end": b} for w, a, b in words]})


def test_times_are_inside_the_stretch_and_blanks_before_words() -> None:
    raw = parakeet.read_hypothesis(hypothesis(("Yes,", 0.08, 0.4), ("", 0.4, 0.5), ("he", 0.8, 2.9)), 3, 10.0, 12.0)
    assert [(w["word"], w["start"], w["end"], w["stretch"]) for w in raw] == [
        (" Yes,", 10.08, 10.4, 3),
        (" he", 10.8, 12.0, 3),
    ]
    assert parakeet.read_hypothesis(SimpleNamespace(timestamp=None), 0, 0.0, 1.0) == []


def test_languages_are_those_of_the_published_models() -> None:
    known = [
        parakeet.read_languages(name, None)
        for name in ("parakeet-tdt-0.6b-v3", "nvidia/parakeet-tdt-0.6b-v2@main", "/models/own.nemo")
    ]
    assert known[0] is not None
    assert (len(known[0]), "el" in known[0], known[1], known[2]) == (25, True, ("en",), None)


def test_it_does_not_tell_languages(model: parakeet.Parakeet) -> None:
    assert model.detect_languages(SOUND, STRETCHES) == [[], []]
