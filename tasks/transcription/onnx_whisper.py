"""Decode Whisper's networks in ONNX format greedily, with probabilities and time tokens.

onnx-asr's own loop for Whisper returns text alone; its sessions and vocabulary are used, and a loop of Whisper's
original code (openai/whisper, `decoding.py`: GreedyDecoder, ApplyTimestampRules, SuppressBlank). Words share the time
of their sentence by length: these exports give no attention, of which times of words could be made.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.protocols import RawWord
from tasks.records import SAMPLE_RATE_HZ
from tasks.transcription.pieces import begin_segment
from tasks.transcription.stretches import cut
from tasks.transcription.tokens import Token, build_words, join_bytes, read_bytes, share_times

WINDOW_S = 30.0
"""Seconds that Whisper hears at once."""
TIME_STEP_S = 0.02
"""Seconds from one time token to the next."""
MAX_FIRST_S = 1.0
"""The latest time of the first time token."""
MAX_TOKENS = 224
MAX_PROMPT_TOKENS = 223

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Whisper's tokens: text by id, and the special ones."""

    texts: dict[int, str]
    ids: dict[str, int]

    @property
    def end(self) -> int:
        return self.ids["<|endoftext|>"]

    @property
    def first_time(self) -> int:
        """Id of `<|0.00|>`: the one after `<|notimestamps|>`."""
        return self.ids["<|notimestamps|>"] + 1

    @property
    def is_multilingual(self) -> bool:
        return self.end != 50256

    def languages(self) -> dict[str, int]:
        return {found[1]: i for token, i in self.ids.items() if (found := re.fullmatch(r"<\|([a-z]{2,3})\|>", token))}

    def begin(self, language: str | None) -> list[int]:
        """The tokens that ask for a transcription."""
        if not self.is_multilingual:
            return [self.ids["<|startoftranscript|>"]]
        return [self.ids[t] for t in ("<|startoftranscript|>", f"<|{language or 'en'}|>", "<|transcribe|>")]

    def read(self, tokens: Sequence[tuple[int, float]]) -> list[Token]:
        """The text of (id, log probability); special tokens are none."""
        said = [(i, p) for i, p in tokens if i < self.end]
        return join_bytes([(read_bytes(self.texts[i]), Token("", logprob=p)) for i, p in said])


@dataclass(frozen=True, slots=True)
class Decoded:
    """Ids and log probabilities of the tokens after the beginning, and the probability that nobody speaks."""

    tokens: list[tuple[int, float]]
    no_speech: float

    @property
    def avg_logprob(self) -> float:
        return sum(p for _, p in self.tokens) / max(1, len(self.tokens))


def decode(
    step: Callable[[list[int]], Scores], begin: Sequence[int], vocabulary: Vocabulary, ngram: int = 0
) -> Decoded:
    """Decode greedily. `step`: all tokens so far -> scores of the next, shape (tokens so far given, vocabulary); the
    first call's are those of each place in `begin`. `ngram`: no run of so many tokens twice (0: any)."""
    tokens: list[tuple[int, float]] = []
    no_speech = 0.0
    for _ in range(MAX_TOKENS):
        ids = [i for i, _ in tokens]
        scores = step([*begin, *ids])
        if not tokens:
            start = begin.index(vocabulary.ids["<|startoftranscript|>"])
            silent = vocabulary.ids.get("<|nospeech|>", vocabulary.ids.get("<|nocaptions|>"))
            if silent is not None and len(scores) == len(begin):
                no_speech = float(np.exp(_log_softmax(scores[start])[silent]))
        allowed = forbid(scores[-1], ids, vocabulary)
        for banned in find_repeats(ids, ngram):
            allowed[banned] = -np.inf
        logprobs = _log_softmax(allowed)
        best = int(logprobs.argmax())
        tokens.append((best, float(logprobs[best])))
        if best == vocabulary.end:
            break
    return Decoded(tokens, no_speech)


def forbid(scores: Scores, ids: Sequence[int], vocabulary: Vocabulary) -> Scores:
    """Scores of the next token after `ids`, with minus infinity for those that Whisper's rules forbid: special
    tokens; times out of order or unpaired; text where a time is likelier than any text."""
    out = scores.astype(np.float32, copy=True)
    end, first = vocabulary.end, vocabulary.first_time
    out[end + 1 : first] = -np.inf
    was_time = bool(ids) and ids[-1] >= first
    before_was_time = len(ids) < 2 or ids[-2] >= first
    if was_time and before_was_time:
        out[first:] = -np.inf
    elif was_time:
        out[:end] = -np.inf
    times = [i for i in ids if i >= first]
    if times:
        # The time that closes a sentence may begin the next; within a sentence time must pass.
        out[first : times[-1] + (0 if was_time and not before_was_time else 1)] = -np.inf
    if not ids:
        out[:first] = -np.inf
        out[first + round(MAX_FIRST_S / TIME_STEP_S) + 1 :] = -np.inf
    logprobs = _log_softmax(out)
    of_times = _logsumexp(logprobs[first:])
    if of_times > logprobs[:first].max(initial=-np.inf):
        out[:first] = -np.inf
    return out


def find_repeats(ids: Sequence[int], size: int) -> set[int]:
    """The tokens that would complete a run of `size` tokens for the second time.

    >>> find_repeats([1, 2, 3, 1, 2], 3)
    {3}
    """
    if size <= 0 or len(ids) < size:
        return set()
    tail = tuple(ids[len(ids) - size + 1 :])
    return {ids[i + size - 1] for i in range(len(ids) - size + 1) if tuple(ids[i : i + size - 1]) == tail}


def split_sentences(
    tokens: Sequence[tuple[int, float]], vocabulary: Vocabulary, duration_s: float
) -> list[tuple[float, float, list[tuple[int, float]]]]:
    """Divide tokens at pairs of time tokens: (start, end, tokens) in seconds from the stretch's start. A sentence
    without its end ends with the stretch."""
    out: list[tuple[float, float, list[tuple[int, float]]]] = []
    start = 0.0
    said: list[tuple[int, float]] = []
    for i, p in tokens:
        if i >= vocabulary.first_time:
            at = min(duration_s, (i - vocabulary.first_time) * TIME_STEP_S)
            if said:
                out.append((start, max(start, at), said))
                said = []
            start = at
        elif i < vocabulary.end:
            said.append((i, p))
    if said:
        out.append((start, max(start, duration_s), said))
    return out


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
        logprobs = _log_softmax(scores[list(codes.values())])
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


def _log_softmax(scores: Scores) -> Scores:
    return np.asarray(scores - _logsumexp(scores), np.float32)


def _logsumexp(scores: Scores) -> float:
    top = float(scores.max(initial=-np.inf))
    return top if not np.isfinite(top) else top + float(np.log(np.exp(scores - top).sum()))
