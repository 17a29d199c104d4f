"""Real weights on real speech, and on what is none: `pytest -m weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.audio.speech_map import build_speech_map, load
from tasks.evaluation.word_errors import count_word_errors
from tasks.intervals import Span
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import whisper
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tasks.weights.resolve import resolve
from tasks.word_forms import to_scoring_form

pytestmark = pytest.mark.weights
RATE = 16_000
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def base(light_home: Path) -> whisper.FasterWhisper:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(light_home))
        return whisper.load(str(resolve("transcription", "base").path), compute_type="int8")


def transcribe(base: whisper.FasterWhisper, samples: Samples, speech: list[Span] | None = None) -> ChunkWords:
    def ask(method: str, *arguments: Any) -> Any:
        return getattr(base, method)(*arguments)

    if speech is None:
        speech = list(build_speech_map([samples], load().find_speech, len(samples) / RATE).speech)
    return transcribe_chunk(samples, speech, "en", TranscriptionSettings(), ask)


def read_readers(shared_data: Path) -> tuple[Samples, list[str]]:
    """Three minutes of two readers, and their words."""
    import soundfile

    samples, _ = soundfile.read(shared_data / "stereo" / "ls2_stereo.flac", dtype="float32")
    lines = [x.split(None, 5) for x in (shared_data / "stereo" / "ls2_stereo.stm").read_text().splitlines()]
    said = sorted((float(x[3]), x[5]) for x in lines if len(x) == 6 and not x[0].startswith(";"))
    return samples.mean(axis=1, dtype=np.float32), to_scoring_form(" ".join(text for _, text in said)).split()


def test_readers_are_heard_as_well_as_by_the_engine_in_order(base: whisper.FasterWhisper, shared_data: Path) -> None:
    samples, said = read_readers(shared_data)
    found = transcribe(base, samples)
    errors = count_word_errors(said, to_scoring_form(" ".join(w.text for w in found.words)).split())
    assert errors.deletions <= 12, "no sentence is lost"
    assert errors.total / len(said) <= 0.115


def test_speech_played_backwards_has_hardly_any_text(base: whisper.FasterWhisper, shared_data: Path) -> None:
    samples, _ = read_readers(shared_data)
    found = transcribe(base, np.ascontiguousarray(samples[30 * RATE : 60 * RATE][::-1]))
    assert len(found.words) <= 1


def read_voices(shared_data: Path, first: int, count: int, seconds: float) -> list[Samples]:
    """That many readers, equally loud, each over and over for so many seconds."""
    import soundfile

    voices = []
    for path in sorted((shared_data / "voices").glob("*.flac"))[first::12][:count]:
        samples, _ = soundfile.read(path, dtype="float32")
        voices.append(np.resize(0.05 * samples / np.sqrt(np.mean(samples**2)), round(seconds * RATE)))
    return voices


def test_readers_played_backwards_have_hardly_any_text(base: whisper.FasterWhisper, shared_data: Path) -> None:
    sound = np.concatenate(read_voices(shared_data, 2, 3, 12.0))
    assert len(transcribe(base, np.ascontiguousarray(sound[::-1], np.float32)).words) <= 1


def test_six_readers_at_once_have_hardly_any_text(base: whisper.FasterWhisper, shared_data: Path) -> None:
    sound = np.sum(read_voices(shared_data, 3, 6, 24.0), axis=0)
    assert len(transcribe(base, (0.4 * sound).astype(np.float32)).words) <= 1


def test_a_reader_in_noise_as_loud_keeps_the_text(base: whisper.FasterWhisper, shared_data: Path) -> None:
    """Half of the words are wrong, but two decodings agree."""
    import soundfile

    names = [f"2609-156975-000{i}.flac" for i in (3, 4)]
    speech = np.concatenate([soundfile.read(shared_data / "readers" / n, dtype="float32")[0] for n in names])
    noise = np.random.default_rng(0).standard_normal(len(speech)) * np.sqrt(np.mean(speech**2))
    assert len(transcribe(base, (speech + noise).astype(np.float32)).words) >= 40


@pytest.mark.parametrize("kind", ["noise", "hum", "chords"])
def test_sounds_that_are_taken_for_speech_get_no_words(base: whisper.FasterWhisper, kind: str) -> None:
    """Even where the speech map is wrong about the whole of it."""
    from tests.simulation.conversation import chords

    rng, time = np.random.default_rng(0), np.arange(20 * RATE) / RATE
    sound = {
        "noise": 0.05 * rng.standard_normal(len(time)),
        "hum": 0.2 * np.sin(2 * np.pi * 50 * time) + 0.05 * np.sin(2 * np.pi * 150 * time),
        "chords": 0.1 * chords(len(time), 0),
    }[kind].astype(np.float32)
    assert transcribe(base, sound).words == ()
    words = transcribe(base, sound, [Span(0.5, 19.5)]).words
    assert len(words) <= 1 or all((w.confidence or 0.0) < 0.6 for w in words)
