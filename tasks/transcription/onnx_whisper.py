"""Decode Whisper's networks in ONNX format greedily, with probabilities and time tokens.

onnx-asr's own loop for Whisper returns text alone; its sessions and vocabulary are used, and the loop of
`whisper_tokens.py`. Words share the time of their sentence by length: these exports give no attention, of which times
of words could be made.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.protocols import RawWord
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment
from tasks.transcription.stretches import cut
from tasks.transcription.tokens import build_words, share_times
from tasks.transcription.whisper_limits import MAX_PROMPT_TOKENS
from tasks.transcription.whisper_tokens import Decoded, Scores, Vocabulary, decode, log_softmax, split_sentences

WINDOW_S = 30.0
"""Seconds that Whisper hears at once."""


class OnnxWhisper:
    """A loaded Whisper. Not thread-safe."""

    def __init__(self, network: Any, vocabulary: Vocabulary, tokenizer: Any = None) -> None:
        self._network = network
        self._vocabulary = vocabulary
        self._tokenizer = tokenizer

    @classmethod
    def of(cls, asr: Any, folder: Path) -> OnnxWhisper:
        """Take the sessions and the vocabulary that onnx-asr has loaded from a folder."""
        tokenizer = None
        if (folder / "tokenizer.json").is_file():
            import tokenizers

            tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        return cls(asr, Vocabulary(dict(asr._vocab), dict(asr._tokens)), tokenizer)

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds, at most 30 each).

        `options`: `initial_prompt`, `hotwords`, `no_repeat_ngram_size`; others change nothing. Each word is as
        `build_words` gives it, with "avg_logprob", "no_speech_prob" and "compression_ratio". Deterministic.
        """
        given = options or {}
        prompt = self._encode_prompt(given.get("initial_prompt"), given.get("hotwords"))
        out: list[RawWord] = []
        for i, (start, part) in enumerate(cut(samples, stretches, WINDOW_S)):
            if not len(part):
                continue
            encoded = self._encode(part)
            spoken = language or self._most_likely(encoded)
            begin = [*prompt, *self._vocabulary.begin(spoken)]
            found = decode(self._stepper(encoded), begin, self._vocabulary, int(given.get("no_repeat_ngram_size", 0)))
            out += self._read(found, i, start, len(part) / SAMPLE_RATE_HZ)
        return out

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """Detect the language of each stretch (seconds, at most 30 each): all that the model knows as (code,
        probability), likeliest first."""
        if not self._vocabulary.is_multilingual:
            return [[("en", 1.0)] for _ in stretches]
        return [self._detect(self._encode(part)) for _, part in cut(samples, stretches, WINDOW_S)]

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows."""
        return list(self._vocabulary.languages()) if self._vocabulary.is_multilingual else ["en"]

    def _encode(self, part: NDArray[np.float32]) -> Any:
        return self._network._encode(part[None], np.array([len(part)], np.int64))

    def _stepper(self, encoded: Any) -> Callable[[list[int]], Scores]:
        state = self._network._create_state()

        def step(ids: list[int]) -> Scores:
            nonlocal state
            logits, state = self._network._decode(np.array([ids], np.int64), state, encoded)
            return np.asarray(logits[0], np.float32)

        return step

    def _detect(self, encoded: Any) -> list[tuple[str, float]]:
        codes = self._vocabulary.languages()
        scores = self._stepper(encoded)([self._vocabulary.ids["<|startoftranscript|>"]])[-1]
        logprobs = log_softmax(scores[list(codes.values())])
        found = [(code, float(np.exp(p))) for code, p in zip(codes, logprobs, strict=True)]
        return sorted(found, key=lambda d: (-d[1], d[0]))

    def _most_likely(self, encoded: Any) -> str | None:
        return self._detect(encoded)[0][0] if self._vocabulary.is_multilingual else None

    def _encode_prompt(self, *texts: str | None) -> list[int]:
        text = " ".join(t.strip() for t in texts if t)
        if not text or self._tokenizer is None:
            return []
        ids = self._tokenizer.encode(f" {text}", add_special_tokens=False).ids
        return [self._vocabulary.ids["<|startofprev|>"], *ids[-MAX_PROMPT_TOKENS:]]

    def _read(self, found: Decoded, stretch: int, start_s: float, duration_s: float) -> list[RawWord]:
        out: list[RawWord] = []
        sentences = split_sentences(found.tokens, self._vocabulary, duration_s)
        text = "".join(t.text for _, _, said in sentences for t in self._vocabulary.read(said)).encode()
        for begin, end, said in sentences:
            words = build_words(self._vocabulary.read(said), stretch, start_s + duration_s)
            if words:
                words[0]["word"] = begin_segment(words[0]["word"])
            out += share_times(words, start_s + begin, start_s + end)
        for word in out:
            word["avg_logprob"] = found.avg_logprob
            word["no_speech_prob"] = found.no_speech
            word["compression_ratio"] = len(text) / max(1, len(zlib.compress(text)))
        return out
