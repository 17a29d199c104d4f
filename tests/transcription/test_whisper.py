"""faster-whisper with the bundled weights on the bundled sample: words, their times, hallucinations removed."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.intervals import Span, clip
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription import whisper
from tasks.transcription.step import ChunkWords, transcribe_chunk
from tasks.word_forms import to_repetition_form

RATE = 16_000
SECONDS = 45.0
SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


@dataclass(frozen=True)
class Excerpt:
    """The sample's first seconds, what is said in them and when."""

    samples: NDArray[np.float32]
    words: list[tuple[str, Span]]
    speech: list[Span]


@pytest.fixture(scope="module")
def model(demo_models: Path) -> whisper.FasterWhisper:
    return whisper.load(str(demo_models / "whisper"), compute_type="float32", cpu_threads=1)


@pytest.fixture(scope="module")
def excerpt() -> Excerpt:
    from faster_whisper.audio import decode_audio

    sound = decode_audio(str(SAMPLES / "roundtable.opus"))[: int(SECONDS * RATE)]
    words, speech = [], []
    for line in (SAMPLES / "roundtable.ctm").read_text().splitlines():
        _, _, start, length, word = line.split()[:5]
        words.append((to_repetition_form(word), Span(float(start), float(start) + float(length))))
    for line in (SAMPLES / "roundtable.rttm").read_text().splitlines():
        fields = line.split()
        speech.append(Span(float(fields[3]), float(fields[3]) + float(fields[4])))
    within = Span(0.0, SECONDS)
    return Excerpt(sound, [w for w in words if w[1].end_s <= SECONDS], clip(speech, within))


def settings(**changes: Any) -> TranscriptionSettings:
    return TranscriptionSettings(beam_size=1, max_speech_s=8.0, **changes)


def transcribed(
    model: whisper.FasterWhisper, excerpt: Excerpt, first: dict[str, Any] | None = None, **changes: Any
) -> tuple[ChunkWords, list[list[tuple[float, float]]]]:
    """The excerpt's words, and the stretches of each decoding. `first`: options that spoil the first decoding."""
    decodings: list[list[tuple[float, float]]] = []

    def ask(method: str, samples: Any, parts: Any, language: str, options: dict[str, Any]) -> Any:
        spoilt = options | (first or {}) if not decodings else options
        decodings.append(parts)
        return getattr(model, method)(samples, parts, language, spoilt)

    return transcribe_chunk(excerpt.samples, excerpt.speech, "en", settings(**changes), ask), decodings


def matches(found: ChunkWords, excerpt: Excerpt) -> list[tuple[Span, Span]]:
    """(reference, found) times of the words that agree."""
    said, heard = [w for w, _ in excerpt.words], [to_repetition_form(w.text) for w in found.words]
    blocks = difflib.SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
    return [(excerpt.words[a + k][1], found.words[b + k].span) for a, b, size in blocks for k in range(size)]


@pytest.mark.parametrize("batch_size", [1, 8])
def test_most_words_are_found_in_their_places(
    model: whisper.FasterWhisper, excerpt: Excerpt, batch_size: int
) -> None:
    found, _ = transcribed(model, excerpt, batch_size=batch_size)
    agreed = matches(found, excerpt)
    assert len(agreed) >= 0.8 * len(excerpt.words)
    assert len(found.words) <= 1.15 * len(excerpt.words)
    late = [abs(said.start_s - heard.start_s) for said, heard in agreed]
    assert np.median(late) < 0.1
    assert np.quantile(late, 0.9) < 0.3


def test_words_are_records_in_order_inside_the_speech(model: whisper.FasterWhisper, excerpt: Excerpt) -> None:
    found, _ = transcribed(model, excerpt)
    assert [w.start_s for w in found.words] == sorted(w.start_s for w in found.words)
    near = [s.grow(0.5) for s in excerpt.speech]
    for word in found.words:
        assert word.text == word.text.strip() != ""
        assert 0 <= word.start_s < word.end_s <= SECONDS
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1
        assert any(word.middle_s in s for s in near)


def test_the_same_chunk_gives_the_same_words(model: whisper.FasterWhisper, excerpt: Excerpt) -> None:
    spoilt = {"max_new_tokens": 3}  # so that the second decoding has its part
    assert transcribed(model, excerpt, spoilt)[0] == transcribed(model, excerpt, spoilt)[0]


def test_speech_that_got_no_words_is_decoded_again(model: whisper.FasterWhisper, excerpt: Excerpt) -> None:
    whole, _ = transcribed(model, excerpt)
    found, decodings = transcribed(model, excerpt, {"max_new_tokens": 3})
    assert len(decodings) > 1
    assert found.redecoded_s > 5
    assert len(matches(found, excerpt)) >= 0.7 * len(matches(whole, excerpt))


def test_a_chunk_without_speech_asks_nothing(excerpt: Excerpt) -> None:
    def ask(*_: Any) -> Any:
        raise AssertionError("nobody speaks")

    refuse: Callable[..., Any] = ask
    assert transcribe_chunk(excerpt.samples, [], "en", settings(), refuse) == ChunkWords()


def test_the_language_is_heard(model: whisper.FasterWhisper, excerpt: Excerpt) -> None:
    detected = model.detect_languages(excerpt.samples, [(0.0, 30.0)])[0]
    assert detected[0][0] == "en"
    assert sum(p for _, p in detected) == pytest.approx(1, abs=0.05)
    assert "en" in model.languages()


def test_nothing_to_decode_is_no_trouble(model: whisper.FasterWhisper) -> None:
    assert model.transcribe(np.zeros(0, np.float32), [], "en", {"batch_size": 8}) == []
    assert model.transcribe(np.zeros(RATE, np.float32), [], "en", {"batch_size": 1}) == []
