"""A day: meetings, turns, words, the chunks that the pipeline's own plan cuts it into, and their windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from tasks.audio.plan import plan
from tasks.diarization.windows import cut_windows
from tasks.intervals import merge_spans
from tasks.linking.nodes import ChunkVoices
from tasks.records import Chunk, Turn
from tasks.settings.schema import ChunkingSettings
from tests.simulation.schedule import Meeting, schedule, talk
from tests.simulation.voices import Sound, Spread, draw_voices, readers

Array = np.ndarray[Any, Any]

BRIDGED_S = 0.2
"""Silences shorter than this are speech to the speech map."""


@dataclass(frozen=True, eq=False)
class Day:
    """`turns` are exact, speakers "00", "01", …. `windows[i]` (N, 2) seconds are those of `chunks[i]`; `truth[i]`
    (N,) is who speaks most in each and `shares[i]` (N, K) how much each of the speakers does of what is said there.
    `voices` (K, D) and `sound` are what `heard` makes embeddings of."""

    seed: int
    duration_s: float
    turns: tuple[Turn, ...]
    chunks: tuple[Chunk, ...]
    windows: tuple[Array, ...]
    shares: tuple[Array, ...]
    truth: tuple[Array, ...]
    voices: Array
    sound: Sound
    spread: Spread

    @property
    def speakers(self) -> int:
        return len({t.speaker for t in self.turns})

    @cached_property
    def parts(self) -> list[tuple[Array, Array]]:
        """For each chunk: its windows' part of the embeddings that no session changes (N, D), and the number of the
        session, which is the core that the window's middle lies in (N,)."""
        borders = np.array([c.core.end_s for c in self.chunks[:-1]])
        out = []
        for where, share in zip(self.windows, self.shares, strict=True):
            plain = share @ self.voices.astype(np.float32) + self.sound.noise(where[:, 0], where[:, 1])
            out.append((plain, np.searchsorted(borders, where.mean(1))))
        return out


Moved = Callable[[int, Array, Array], Array]
"""(speaker, its sessions' middles in seconds (S,), its offsets (S, D)) -> other offsets."""


def simulate(
    speakers: int,
    seed: int,
    *,
    hours: float = 24.0,
    spread: Spread | None = None,
    meetings: list[Meeting] | None = None,
    voices: Array | None = None,
) -> Day:
    """The day of `seed`. `meetings` and `voices` in place of drawn ones make the hard cases."""
    spread = spread or readers()
    random, rng = Random(f"{speakers}/{seed}"), np.random.default_rng([seed, speakers])
    turns = tuple(talk(schedule(speakers, hours, random) if meetings is None else meetings, random))
    duration = hours * 3600.0
    chunks = plan(duration, merge_spans((t.span for t in turns), BRIDGED_S), None, ChunkingSettings())
    where = [cut_windows(c.speech) for c in chunks]
    shares = _shares(where, turns, speakers)
    return Day(
        seed,
        duration,
        turns,
        tuple(chunks),
        tuple(where),
        tuple(shares),
        tuple(s.argmax(1) if len(s) else np.zeros(0, np.int64) for s in shares),
        draw_voices(speakers, spread, rng) if voices is None else voices,
        Sound(duration, spread, rng),
        spread,
    )


def heard(
    day: Day, offset: float, labels: list[Array] | None = None, moved: Moved | None = None
) -> list[ChunkVoices]:
    """What the chunks' diarizers hand to linking: embeddings with each voice off, in each session, by `offset`
    times the spread within a voice. `labels` (N,) a chunk default to the truth under names of the chunk's own."""
    rng = np.random.default_rng([day.seed, len(day.voices), 7])
    drawn = rng.standard_normal((len(day.chunks), *day.voices.shape), dtype=np.float32)
    drawn *= offset * np.sqrt(day.spread.within).astype(np.float32)
    if moved is not None:
        middles = np.array([c.core.middle_s for c in day.chunks])
        for k in range(len(day.voices)):
            drawn[:, k] = moved(k, middles, drawn[:, k])
    labels = labels or renamed(day)
    out = []
    for i, chunk in enumerate(day.chunks):
        plain, session = day.parts[i]
        where = day.windows[i]
        found = plain + np.einsum("nk,nkd->nd", day.shares[i], drawn[session])
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        out.append(
            ChunkVoices(
                chunk.index, chunk.core, where[:, 0], where[:, 1], found.astype(np.float32), labels[i], chunk.speech
            )
        )
    return out


def renamed(day: Day) -> list[Array]:
    """The truth of each chunk's windows under the chunk's own names, in an order of its own."""
    rng = np.random.default_rng([day.seed, 5])
    out = []
    for truth in day.truth:
        there = rng.permutation(np.unique(truth))
        names = np.full(int(truth.max(initial=0)) + 1, -1)
        names[there] = np.arange(len(there))
        out.append(names[truth] if len(truth) else np.zeros(0, np.int64))
    return out


def _shares(where: list[Array], turns: tuple[Turn, ...], speakers: int) -> list[Array]:
    # Seconds of each speaker in each window, from the running total of what each has said.
    every = np.concatenate(where)
    out = np.zeros((len(every), speakers), np.float32)
    for k in range(speakers):
        mine = [t for t in turns if t.speaker == f"{k:02d}"]
        if not mine:
            continue
        edges = np.array([[t.start_s, t.end_s] for t in mine]).ravel()
        said = np.concatenate([[0.0], np.cumsum(np.where(np.arange(len(edges) - 1) % 2 == 0, np.diff(edges), 0.0))])
        out[:, k] = np.interp(every[:, 1], edges, said) - np.interp(every[:, 0], edges, said)
    total = out.sum(1, keepdims=True)
    out = np.where(total > 0, out / np.maximum(total, 1e-9), np.float32(1.0 / speakers))
    return np.split(out, np.cumsum([len(w) for w in where])[:-1])
