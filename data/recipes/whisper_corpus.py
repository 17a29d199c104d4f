"""Speech to train and to measure the demo recogniser with: sentences of the grammar, with times of the words.

The sample's sentences of more than three words (`roundtable_script.held_out`) are left out, and so are the
long ones of the other parts. Rare words come more often than in the grammar in the parts that are trained on.

`train`, `dev` and `exam` are in the eight voices of `VOICES`; `others` in voices that only widen the choice;
`strangers` in voices of which nothing is trained on, with formants that no other part has.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.recipes.lexicon import WORDS, plain, sentences
from data.recipes.roundtable_script import held_out, normalised
from data.recipes.synthesis import VOICES, Voice, speak

PARTS = {"train": 7000, "dev": 160, "test": 300, "others": 4000, "exam": 500, "strangers": 200}
"""Sentences a part."""
_POOL, _ENOUGH = 150_000, 45
_SEEDS = {"test": 11, "dev": 12, "train": 13, "others": 14, "exam": 15, "strangers": 16}
_TRAINED = ("train", "others")
STRANGERS = (
    Voice("iris", "en-us+f1", "female", 50, 50, 158, 1.02, 0.10),
    Voice("jack", "en-gb-x-rp+m8", "male", 48, 44, 150, 0.97, 0.05),
    Voice("kate", "en-gb-scotland+f1", "female", 60, 56, 152, 1.10, -0.15),
    Voice("liam", "en-us+m8", "male", 36, 36, 164, 0.90, 0.30),
)
"""Voices for measuring alone."""
_ACCENTS = ("en-us", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbcwmd", "en-029")
_FORMANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f2", "f3", "f4", "f5")
WORD_INDEX = {word: i for i, word in enumerate(WORDS)}


@dataclass(frozen=True)
class Utterance:
    """One sentence: int16 samples at 16 kHz, and of each word its index, start and end in seconds."""

    voice: int
    samples: np.ndarray
    words: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def chosen(part: str) -> list[str]:
    """The sentences of a part. Those of more than five words are in one part only."""
    taken = set(held_out())
    for name in _SEEDS:
        texts = _draw(_SEEDS[name], PARTS[name], taken, balance=name in _TRAINED)
        if name == part:
            return texts
        taken |= {n for t in texts if len((n := normalised(t)).split()) > 5}
    raise KeyError(part)


def _draw(seed: int, count: int, without: set[str], *, balance: bool) -> list[str]:
    """Sentences not in `without`. Balanced: first those with a word seen less than `_ENOUGH` times."""
    pool = [t for t in sentences(seed, _POOL if balance else 4 * count) if normalised(t) not in without]
    seen: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    out: list[str] = []
    for enough, most in ((_ENOUGH, 30), (_POOL, 60)) if balance else ((_POOL, _POOL),):
        for text in pool:
            words = plain(text)
            if len(out) < count and copies[text] < most and min(seen[w] for w in words) < enough:
                seen.update(words)
                copies[text] += 1
                out.append(text)
    random.Random(seed).shuffle(out)
    return out


def synthesise(part: str) -> Iterator[Utterance]:
    """The part, spoken: voices in turn, tempo and pitch varied as people vary them."""
    rng = random.Random(f"voices {part}")
    voices, first = voices_of(part)
    for i, text in enumerate(chosen(part)):
        voice = i % len(voices)
        samples, timed = speak(text, voices[voice], rng.uniform(0.88, 1.12), rng.randint(-6, 6))
        yield Utterance(
            first + voice,
            np.clip(samples * 32767, -32768, 32767).astype(np.int16),
            np.array([WORD_INDEX[w] for w in plain(text)], np.int16),
            np.array([a for _, a, _ in timed], np.float32),
            np.array([b for _, _, b in timed], np.float32),
        )


def voices_of(part: str) -> tuple[tuple[Voice, ...], int]:
    """The voices that speak a part, and the number of the first."""
    if part == "others":
        return others(), len(VOICES)
    return (STRANGERS, len(VOICES) + len(others())) if part == "strangers" else (VOICES, 0)


def others() -> tuple[Voice, ...]:
    """A voice of each accent and formants, its pitch, tract and colour drawn."""
    rng = random.Random("other voices")
    return tuple(
        Voice(
            name="other",
            variant=f"{accent}+{formants}",
            sex="",
            pitch=rng.randint(25, 72),
            range=rng.randint(30, 66),
            rate=rng.randint(142, 172),
            tract=rng.uniform(0.86, 1.15),
            tilt=rng.uniform(-0.3, 0.6),
        )
        for accent in _ACCENTS
        for formants in _FORMANTS
    )


def load(part: str, cache: Path) -> list[Utterance]:
    """The part from `cache`, made there first if it is missing."""
    path = cache / f"{part}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = list(synthesise(part))
        np.savez(
            path,
            voice=np.array([u.voice for u in made]),
            sizes=np.array([(len(u.samples), len(u.words)) for u in made]),
            **{k: np.concatenate([getattr(u, k) for u in made]) for k in ("samples", "words", "starts", "ends")},
        )
    with np.load(path) as data:
        voice, sizes = data["voice"], data["sizes"]
        cut = np.cumsum(sizes, axis=0)[:-1]
        samples = np.split(data["samples"], cut[:, 0])
        words, starts, ends = (np.split(data[k], cut[:, 1]) for k in ("words", "starts", "ends"))
    return [Utterance(int(v), *rest) for v, *rest in zip(voice, samples, words, starts, ends, strict=True)]
