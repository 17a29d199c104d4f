"""What makes the keys under which `language` and `transcription` are found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.caching import compute_step_key
from tasks.intervals import Span
from tasks.records import Audio, Part, Sound
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.task import LanguageJob, TranscribeJob
from tasks.weights.resolve import ResolvedWeights

AUDIO = Audio("sha/mix", (Part("x", "sha", 0.0, 90.0, "/a/x.wav"),))
SPEECH = (Span(0.0, 5.0),)


def keys(name: str = "small", digest: str = "d", spoken_in: str | None = "en", **settings: Any) -> tuple[str, str]:
    """Of both steps, with weights of this name, for a recording that is `spoken_in` a language."""
    chosen = TranscriptionSettings(model=name, **settings)
    weights = ResolvedWeights("transcription", name, Path("/cache") / name, digest)
    spoken = TranscribeJob(0, Sound(AUDIO, Span(0.0, 60.0), SPEECH), chosen, weights)
    return (
        compute_step_key("language", 1, {"job": LanguageJob(AUDIO, SPEECH, chosen, weights)}),
        compute_step_key("transcription", 1, {"job": spoken, "language": spoken_in}),
    )


def test_the_same_weights_are_known_by_whatever_name_or_path_they_were_asked_for() -> None:
    assert keys("small") == keys("auto") == keys("/models/small") == keys("./moved/whisper")


def test_other_weights_make_other_keys_under_the_same_name() -> None:
    assert not set(keys(digest="d")) & set(keys(digest="e"))


def test_a_language_set_by_hand_finds_what_was_made_when_it_was_found() -> None:
    found, set_ = keys(), keys(language="en")
    assert found == set_
    assert keys(spoken_in="de", language="de")[1] != found[1]


def test_what_changes_the_words_makes_other_keys() -> None:
    chosen: list[dict[str, Any]] = [
        {},
        {"compute_type": "float32"},
        {"batch_size": 1},
        {"beam_size": 1},
        {"initial_prompt": "Ångström"},
        {"hotwords": "Ångström"},
        {"condition_on_previous_text": True},
        {"max_speech_s": 20.0},
    ]
    assert len({keys(**settings)[1] for settings in chosen}) == len(chosen)
