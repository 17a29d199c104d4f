"""Whisper's tokens, and how they are decoded greedily: with probabilities, by the rules for time tokens.

Pure. A loop of Whisper's original code (openai/whisper, `decoding.py`: GreedyDecoder, ApplyTimestampRules,
SuppressBlank), for engines that give the scores of one token after another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.transcription.rates import MAX_SYLLABLES_PER_S, count_syllables
from tasks.transcription.tokens import Token, join_bytes, read_bytes

TIME_STEP_S = 0.02
"""Seconds from one time token to the next."""
MAX_FIRST_S = 1.0
"""The latest time of the first time token."""
MAX_TOKENS = 224
SLOWEST_SYLLABLES_PER_S = 2.0
LONGEST_PAUSE_S = 2.0
"""A sentence lasts at most this pause and what its syllables take at this rate, where the network is not sure of
more."""
SURE_OF_LATER = 0.9
"""Share of the probability of all times from which later ones are taken."""

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
                no_speech = float(np.exp(log_softmax(scores[start])[silent]))
        allowed = forbid(scores[-1], ids, vocabulary)
        for banned in find_repeats(ids, ngram):
            allowed[banned] = -np.inf
        allowed = bound_end(allowed, ids, vocabulary)
        logprobs = log_softmax(allowed)
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
    logprobs = log_softmax(out)
    of_times = log_sum_exp(logprobs[first:])
    if of_times > logprobs[:first].max(initial=-np.inf):
        out[:first] = -np.inf
    return out


def bound_end(scores: Scores, ids: Sequence[int], vocabulary: Vocabulary) -> Scores:
    """Scores in which the text after the last time token ends no sooner than it can be said, and no later than that
    takes.

    Where the network knows that a sentence ends but not when, single times have little probability, and the likeliest
    may be one after much more speech, which would get no words; or one so early that the sentence's own speech would
    seem to have none.
    """
    first = vocabulary.first_time
    said = ids[max((k + 1 for k, i in enumerate(ids) if i >= first), default=0) :]
    if not said or len(said) == len(ids) or int(scores.argmax()) < first:
        return scores
    text = "".join(token.text for token in vocabulary.read([(i, 0.0) for i in said]))
    syllables = sum(map(count_syllables, text.split()))
    start = ids[-len(said) - 1]
    soon = start + round(syllables / MAX_SYLLABLES_PER_S / TIME_STEP_S)
    late = start + round((LONGEST_PAUSE_S + syllables / SLOWEST_SYLLABLES_PER_S) / TIME_STEP_S) + 1
    out = scores.copy()
    out[first : min(soon, len(out) - 1)] = -np.inf
    if log_sum_exp(out[late:]) < log_sum_exp(out[first:]) + np.log(SURE_OF_LATER):
        out[late:] = -np.inf
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


def log_softmax(scores: Scores) -> Scores:
    return np.asarray(scores - log_sum_exp(scores), np.float32)


def log_sum_exp(scores: Scores) -> float:
    top = float(scores.max(initial=-np.inf))
    return top if not np.isfinite(top) else top + float(np.log(np.exp(scores - top).sum()))
