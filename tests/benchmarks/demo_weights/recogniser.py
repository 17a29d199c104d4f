"""The recogniser: word errors, how far off words begin, and what it makes of sound in which nobody speaks."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.recipes.lexicon import WORDS
from data.recipes.music import music
from data.recipes.synthesis import SAMPLE_RATE
from data.recipes.whisper_corpus import Utterance, load
from data.recipes.word_errors import word_errors
from tests.benchmarks.demo_weights.figure import Figure

CACHE = Path("data/cache/recipes/whisper")
NEAR_S = 0.1
TimedWord = tuple[str, float]


class Recogniser:
    """The engine with the speech map before it, as a chunk of the flow hears sound with profile `demo`."""

    def __init__(self, models: Path) -> None:
        from tasks.audio import speech_map
        from tasks.settings.load import load as settings
        from tasks.transcription import whisper

        self.settings = settings({"profile": "demo"}).transcription
        self.engine = whisper.load(str(models / "whisper"), compute_type=self.settings.compute_type)
        self.find_speech = speech_map.load().find_speech

    def words(self, samples: np.ndarray, *, everywhere: bool = False) -> list[TimedWord]:
        """Of 16 kHz mono `samples`; `everywhere`: as if somebody spoke all the time."""
        from tasks.intervals import Span
        from tasks.transcription.step import transcribe_chunk

        speech = [Span(0.0, len(samples) / SAMPLE_RATE)] if everywhere else self.find_speech(samples)
        heard = transcribe_chunk(samples, speech, "en", self.settings, self._ask).words
        return [(w.text.strip().lower(), w.start_s) for w in heard]

    def windows(self, samples: np.ndarray) -> list[TimedWord]:
        """As faster-whisper does by itself: window after window of 30 s, with time tokens, beams and all."""
        segments, _ = self.engine._model.transcribe(samples, language="en", word_timestamps=True)
        return [(w.word.strip().lower(), w.start) for s in segments for w in s.words or ()]

    def _ask(self, method: str, *arguments: Any) -> Any:
        return getattr(self.engine, method)(*arguments)


def figures(models: Path, _voices: Path | None, quick: bool) -> Iterator[Figure]:
    recogniser = Recogniser(models)
    known, expected = recording(material("exam", quick))
    heard = recogniser.words(known)
    errors, near = compared(expected, heard)
    yield Figure("word errors, unseen sentences in known voices", 100 * errors, "%", most=5)
    yield Figure("… whose first sound is found within 100 ms", 100 * near, "%", least=90)
    errors, _ = compared(expected, recogniser.windows(known))
    yield Figure("… word errors in windows of 30 s, the engine's default", 100 * errors, "%", most=10)
    strange, expected = recording(material("strangers", quick))
    errors, _ = compared(expected, recogniser.words(strange))
    yield Figure("word errors, unseen sentences in unseen voices", 100 * errors, "%", most=15)
    for name, samples in wordless(60 if quick else 180).items():
        minutes = len(samples) / SAMPLE_RATE / 60
        yield Figure(f"words a minute from {name}", len(recogniser.words(samples)) / minutes, "", most=1)
        told = len(recogniser.words(samples, everywhere=True)) / minutes
        yield Figure("… told that it is speech", told, "")


def material(part: str, quick: bool) -> list[Utterance]:
    """A part of the corpus, or a tenth of it. Voices speak in turn: the first sentences hold them all."""
    made = load(part, CACHE)
    return made[: len(made) // 10] if quick else made


def recording(utterances: Sequence[Utterance], seed: int = 5) -> tuple[np.ndarray, list[TimedWord]]:
    """Sentences in one recording, 0.5–1.2 s apart, with a little noise; and its words."""
    rng = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    words: list[TimedWord] = []
    at = 0
    for u in utterances:
        gap = np.zeros(round(rng.uniform(0.5, 1.2) * SAMPLE_RATE), np.float32)
        at += len(gap)
        words += [(WORDS[w].lower(), at / SAMPLE_RATE + float(a)) for w, a in zip(u.words, u.starts, strict=True)]
        parts += [gap, u.samples.astype(np.float32) / 32768 * 0.55]
        at += len(u.samples)
    samples = np.concatenate(parts)
    return samples + rng.standard_normal(len(samples), np.float32) * np.float32(0.0006), words


def compared(expected: Sequence[TimedWord], got: Sequence[TimedWord]) -> tuple[float, float]:
    """(word error rate; share of the words that both have whose beginnings lie within `NEAR_S`)."""
    reference, hypothesis = [w for w, _ in expected], [w for w, _ in got]
    blocks = difflib.SequenceMatcher(None, reference, hypothesis, autojunk=False).get_matching_blocks()
    off = [abs(expected[b.a + k][1] - got[b.b + k][1]) for b in blocks for k in range(b.size)]
    return word_errors(reference, hypothesis) / len(reference), float(np.mean(np.array(off or [9.0]) <= NEAR_S))


def wordless(seconds: int) -> dict[str, np.ndarray]:
    """Sound in which nobody speaks; its music is not the training's."""
    rng = np.random.default_rng(8)
    count = seconds * SAMPLE_RATE
    hiss = rng.standard_normal(count, np.float32)
    pieces = [music(900_000 + k, 30, SAMPLE_RATE).mean(axis=0) for k in range(seconds // 30)]
    return {
        "silence": hiss * np.float32(1e-5),
        "noise": hiss * np.float32(0.03),
        "music": np.concatenate(pieces).astype(np.float32),
    }
