"""Whisper base hears the same words in sound that needs a correction as in the plain sound."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.audio.decode import load, reference_audio
from tasks.audio.probe import probe
from tasks.audio.speech_map import load as load_silero
from tasks.audio.survey import map_corrected
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import whisper
from tasks.transcription.step import transcribe_chunk

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model(light_home: Path) -> whisper.FasterWhisper:
    from tasks.weights.resolve import resolve

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(light_home))
        return whisper.load(str(resolve("transcription", "base").path), compute_type="int8", cpu_threads=1)


@pytest.fixture(scope="module")
def plain(shared_data: Path) -> np.ndarray:
    sound, _ = soundfile.read(shared_data / "readers" / "2609-156975-0007.flac")
    return np.asarray(sound[: 12 * 16_000])


def recognise(model: whisper.FasterWhisper, sound: np.ndarray, path: Path) -> list[str]:
    soundfile.write(path, sound, 16_000, subtype="PCM_24")
    recording = probe(path)
    mapped, correction = map_corrected(reference_audio(recording), load_silero().find_speech, recording.duration_s)
    samples = load(reference_audio(recording, correction=correction), recording.span)

    def ask(method: str, *given: Any) -> Any:
        return getattr(model, method)(*given)

    found = transcribe_chunk(samples, list(mapped.speech), "en", TranscriptionSettings(), ask)
    return [w.text.lower().strip(".,;:!?") for w in found.words]


@pytest.mark.parametrize("kind", ["inverted", "-50 dB", "offset of a half"])
def test_the_words_are_those_of_the_plain_sound(
    model: whisper.FasterWhisper, plain: np.ndarray, tmp_path: Path, kind: str
) -> None:
    sound = {
        "inverted": np.stack([plain, -plain], axis=1),
        "-50 dB": plain * 10 ** (-50 / 20),
        "offset of a half": 0.1 * plain + 0.5,
    }[kind]
    expected = recognise(model, plain, tmp_path / "plain.wav")
    found = recognise(model, sound, tmp_path / "a.wav")
    assert len(expected) > 15
    assert difflib.SequenceMatcher(None, expected, found, autojunk=False).ratio() > 0.9
