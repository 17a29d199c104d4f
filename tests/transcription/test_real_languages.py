"""Real speech in several languages, one after the other, with the weights of profile `light`: `pytest -m weights`."""

from __future__ import annotations

import csv
import difflib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.audio.speech_map import load
from tasks.contracts import read_words, transcription_facts
from tasks.intervals import Span
from tasks.records import Audio, Sound
from tasks.settings.schema import PER_SEGMENT, TranscriptionSettings
from tasks.step import StepContext
from tasks.storage.artifacts import ArtifactStore
from tasks.transcription.task import LanguageJob, TranscribeJob, find_language, transcribe
from tasks.weights.resolve import ResolvedWeights, resolve

pytestmark = pytest.mark.weights

RATE = 16_000
ORDER = ("de", "en", "fr")


@pytest.fixture(scope="module")
def said(shared_data: Path) -> dict[str, tuple[np.ndarray[Any, Any], str]]:
    """Sound and text by language."""
    from faster_whisper.audio import decode_audio

    folder = shared_data / "languages"
    lines = csv.DictReader((folder / "references.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {line["language"]: (decode_audio(str(folder / line["file"])), line["text"]) for line in lines}


@pytest.fixture
def base(light_home: Path, monkeypatch: pytest.MonkeyPatch) -> ResolvedWeights:
    monkeypatch.setenv("DAYLONG_HOME", str(light_home))
    return resolve("transcription", "base")


def test_each_speaker_is_heard_in_their_own_language(
    said: dict[str, tuple[np.ndarray[Any, Any], str]], base: ResolvedWeights, tmp_path: Path
) -> None:
    pause = np.zeros(round(0.6 * RATE), np.float32)
    sound = np.concatenate([part for code in ORDER for part in (said[code][0], pause)])
    speech = tuple(load().find_speech(sound))
    place = StepContext(
        ArtifactStore(str(tmp_path)),
        lambda _, span, __: sound[round(span.start_s * RATE) : round(span.end_s * RATE)],
    )
    settings = TranscriptionSettings(model="base", compute_type="int8", language=PER_SEGMENT, languages=ORDER)
    audio, whole = Audio("de-en-fr"), Span(0.0, len(sound) / RATE)

    found = find_language.fn(LanguageJob(audio, speech, settings, base), place)
    assert {found["facts"]["language"], *(p["language"] for p in found["facts"]["disagreeing"])} <= set(ORDER)

    job = TranscribeJob(0, Sound(audio, whole, speech), settings, base)
    manifest = transcribe.fn(job, place, PER_SEGMENT, None)
    words = read_words(place.store, manifest)
    facts = transcription_facts(manifest)
    assert [code for code, _ in itertools.groupby(w.language for w in words)] == list(ORDER)
    assert [p["language"] for p in facts["languages"]] == list(ORDER)
    assert 0.25 < (facts["language_confidence"] or 0) < 0.6  # each language is a third of the speech
    for code in ORDER:
        heard = " ".join(w.text for w in words if w.language == code).lower()
        assert difflib.SequenceMatcher(None, heard, said[code][1].lower()).ratio() > 0.6, heard


def test_german_and_spanish_become_english(
    said: dict[str, tuple[np.ndarray[Any, Any], str]], base: ResolvedWeights, tmp_path: Path
) -> None:
    settings = TranscriptionSettings(model="base", compute_type="int8", into_english=True)
    for code, expected in (("de", {"this", "portal", "was", "used"}), ("es", {"sand", "medium", "grain", "very"})):
        sound = said[code][0]
        whole = Span(0.0, len(sound) / RATE)
        place = StepContext(ArtifactStore(str(tmp_path)), lambda *_, sound=sound: sound)
        heard = TranscribeJob(0, Sound(Audio(code), whole, (whole,)), settings, base)
        done = transcribe.fn(heard, place, code, None)
        words = read_words(place.store, done)
        assert transcription_facts(done)["language"] == code
        assert {word.language for word in words} == {"en"}
        assert len(expected & {word.text.strip(",.").lower() for word in words}) >= len(expected) - 1
