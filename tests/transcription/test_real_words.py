"""Whisper base on real speech: the words join into the text of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.intervals import Span
from tasks.joining import is_unspaced, join_words
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


@pytest.mark.parametrize(
    ("name", "language"),
    [("test.wav", "en"), ("test_fr.wav", "fr"), ("test_de.wav", "de"), ("test_ja.wav", "ja"), ("jfk.wav", "en")],
)
def test_the_words_of_real_speech_join_into_the_engines_text(
    model: whisper.FasterWhisper, shared_data: Path, name: str, language: str
) -> None:
    from faster_whisper.audio import decode_audio

    samples = decode_audio(str(shared_data / "languages" / name))
    answers: list[list[dict[str, Any]]] = []

    def ask(method: str, *given: Any) -> Any:
        answers.append(getattr(model, method)(*given))
        return answers[-1]

    settings = TranscriptionSettings(beam_size=1, batch_size=1)
    found = transcribe_chunk(samples, [Span(0.0, len(samples) / 16_000)], language, settings, ask)
    texts = ["".join(str(w["word"]) for w in answer).strip() for answer in answers]
    assert join_words(found.words) in texts
    if language == "ja":
        assert all(len(w.text.rstrip("。、")) == 1 and not w.space_before for w in found.words)
        assert is_unspaced(found.words[0].text)
    else:
        assert all(w.space_before and any(map(str.isalnum, w.text)) for w in found.words)
