"""Conversations composed of real readers' utterances: who says what when is known exactly.

Unlike `talk`, which cuts one utterance of each reader again and again, this takes whole utterances, each once (unless
more is asked for than there is), so that words can be scored too, and lets speakers begin before another has ended.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.recipes.readers import RATE, Samples
from tasks.intervals import Span, measure_union_s
from tests.simulation.talk import voiced

PAUSES_S = (0.2, 1.0)
TOGETHER_S = (0.8, 4.0)
"""Seconds for which one utterance may run under another."""
LEVELS_DB = (-3.0, 3.0)
RMS = 0.05

Detect = Callable[[Samples], Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Utterance:
    """16 kHz mono `samples` of one reader, and the words, where they are known."""

    reader: str
    samples: Samples
    text: str = ""


@dataclass(frozen=True)
class Conversation:
    """16 kHz mono; turns of (start_s, end_s, reader), without pauses; and the utterances as (start_s, end_s, reader,
    text) by start."""

    samples: Samples
    turns: tuple[tuple[float, float, str], ...]
    utterances: tuple[tuple[float, float, str, str], ...]

    @property
    def overlap(self) -> float:
        """The share of the time with speech in which several speak."""
        union = measure_union_s([Span(a, b) for a, b, _ in self.turns])
        return (sum(b - a for a, b, _ in self.turns) - union) / union


def read_utterances(folder: Path, least_s: float = 0.0) -> dict[str, list[Utterance]]:
    """Utterances of at least `least_s`, by reader: of FLAC files named READER-….flac, with `texts.tsv` where there is
    one."""
    import soundfile

    texts = {}
    if (folder / "texts.tsv").exists():
        for line in (folder / "texts.tsv").read_text(encoding="utf-8").splitlines()[1:]:
            name, _, text = line.split("\t")
            texts[name] = text
    out: dict[str, list[Utterance]] = {}
    for file in sorted(folder.glob("*.flac")):
        samples, rate = soundfile.read(file, dtype="float32")
        if rate == RATE and len(samples) >= least_s * RATE:
            reader = file.name.split("-")[0]
            out.setdefault(reader, []).append(Utterance(reader, samples, texts.get(file.name, "")))
    return out


def converse(
    readers: Sequence[Sequence[Utterance]],
    *,
    overlap: float = 0.0,
    minutes: float | None = None,
    absent: Sequence[int] = (),
    music_db: float | None = None,
    seed: int = 0,
    detect: Detect = voiced,
) -> Conversation:
    """A conversation of `readers` (a list of utterances each).

    overlap: share of the time with speech in which two speak, about
    minutes: of the conversation; utterances come again if they don't suffice. Default: each once
    absent: readers who are silent in the middle third
    detect: finds the turns of an utterance, (start_s, end_s) each, by its own sound; energy alone by default
    music_db: a synthetic chord sequence under all of it, so far below the speech; None for none
    """
    rng = random.Random(seed)
    waiting = [rng.sample(list(own), len(own)) for own in readers]
    total = sum(map(len, waiting))
    placed: list[tuple[int, Samples, Utterance]] = []
    turns: list[tuple[float, float, str]] = []
    together_s = spoken_s = 0.0
    last, ended, before, done = -1, 0, 0, 0
    while (done < total) if minutes is None else (ended < minutes * 60 * RATE):
        place = done / total if minutes is None else ended / (minutes * 60 * RATE)
        here = [k for k in range(len(readers)) if k not in absent or not 1 / 3 <= place < 2 / 3]
        here = [k for k in here if waiting[k] or minutes is not None] or [
            k for k in range(len(readers)) if waiting[k]
        ]
        others = [k for k in here if k != last] or here
        most = max(len(waiting[k]) for k in others)
        who = rng.choice([k for k in others if len(waiting[k]) == most] if minutes is None else others)
        if not waiting[who]:
            waiting[who] = rng.sample(list(readers[who]), len(readers[who]))
        spoken = waiting[who].pop()
        level = RMS / max(float(np.sqrt(np.mean(np.square(spoken.samples)))), 1e-6)
        said = (spoken.samples * level * 10 ** (rng.uniform(*LEVELS_DB) / 20)).astype(np.float32)
        voice = voiced(said)
        first, length = round(voice[0][0] * RATE), round(voice[-1][1] * RATE)
        start = ended + round(rng.uniform(*PAUSES_S) * RATE) - first
        if placed and who != last and together_s < overlap * spoken_s:
            most_s = min(0.8 * (length - first), 0.8 * (ended - before)) / RATE
            under_s = min(rng.uniform(*TOGETHER_S), most_s)
            start = ended - round(under_s * RATE) - first
            together_s += under_s
        start = max(0, start)
        placed.append((start, said, spoken))
        turns += [(start / RATE + a, start / RATE + b, spoken.reader) for a, b in detect(spoken.samples)]
        before = max(ended, start + first)
        spoken_s += max(0, start + length - before) / RATE
        ended, last, done = max(ended, start + length), who, done + 1
    samples = np.zeros(max(s + len(said) for s, said, _ in placed) + RATE // 2, np.float32)
    for start, said, _ in placed:
        samples[start : start + len(said)] += said
    if music_db is not None:
        samples += chords(len(samples), seed) * np.float32(RMS * 10 ** (-music_db / 20))
    samples += np.random.default_rng(seed).standard_normal(len(samples)).astype(np.float32) * np.float32(3e-4)
    utterances = sorted((s / RATE, (s + len(x)) / RATE, u.reader, u.text) for s, x, u in placed)
    return Conversation(np.clip(samples, -1, 1), tuple(sorted(turns)), tuple(utterances))


def chords(count: int, seed: int) -> Samples:
    """`count` samples of decaying chords, two a second, of unit RMS."""
    rng = np.random.default_rng(seed)
    out = np.zeros(count, np.float32)
    step = RATE // 2
    time = np.arange(2 * step) / RATE
    for start in range(0, count, step):
        root = 110 * 2 ** (rng.integers(0, 12) / 12)
        chord = sum(np.sin(2 * np.pi * root * k * time) / k for k in (1, 5 / 4, 3 / 2, 2, 3)) * np.exp(-2 * time)
        piece = out[start : start + 2 * step]
        piece += chord[: len(piece)].astype(np.float32)
    return (out / max(float(np.sqrt(np.mean(np.square(out)))), 1e-6)).astype(np.float32)
