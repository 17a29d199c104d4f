"""What linking found, looked up by time: whose window a word lies in, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tasks.intervals import Span
from tasks.records import UNKNOWN, Segment, Speaker, Turn, Word

MARGIN_SCALE = 0.1
"""A cosine margin of this size is worth odds of e : 1."""
DOUBT = 0.5
"""The confidence of a speaker of whom the windows about the word know nothing: as well another's."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Arrays of one row a window (see the artifact `voices` of linking), by chunk."""

    by_chunk: Mapping[int, Mapping[str, np.ndarray[Any, Any]]]

    @classmethod
    def of(cls, table: Mapping[str, np.ndarray[Any, Any]]) -> Windows:
        """Of a table of all chunks' windows, in whatever order; those of a chunk stay in the table's."""
        # A mask a chunk goes through all windows each time: 43 s of 3,480 chunks.
        order = np.argsort(table["chunk"], kind="stable")
        chunks, first = np.unique(table["chunk"][order], return_index=True)
        columns = {
            k: np.split(table[k][order], first[1:]) for k in ("start_s", "end_s", "local", "speaker", "margin")
        }
        return cls({int(c): {k: parts[i] for k, parts in columns.items()} for i, c in enumerate(chunks)})

    def told(self, word: Word) -> Word:
        """`word` with its chunk's own label, of the nearest window, and the confidence of its speaker."""
        rows = self.by_chunk.get(word.chunk)
        if rows is None or not len(rows["start_s"]):
            return word
        away = np.abs((rows["start_s"] + rows["end_s"]) / 2 - word.middle_s)
        nearest = int(np.argmin(away))
        local = int(rows["local"][nearest])
        sure = None
        if word.speaker not in (None, UNKNOWN):
            # A sentence's words go to one speaker, turns are smoothed: the nearest window may be somebody else's, and
            # how sure that is says nothing of this speaker.
            away = np.where(rows["speaker"] == _number(word.speaker), away, np.inf)
            own = int(np.argmin(away))
            touches = rows["start_s"][own] < word.end_s and rows["end_s"][own] > word.start_s
            known = away[own] < np.inf and (touches or own == nearest)
            sure = confidence(float(rows["margin"][own])) if known else DOUBT
        return replace(word, local_speaker=str(local) if local >= 0 else None, speaker_confidence=sure)


def _number(speaker: str) -> int:
    """What linking's windows call a speaker.

    >>> _number("SPEAKER_07")
    7
    """
    return int(speaker.removeprefix("SPEAKER_"))


def confidence(margin: float) -> float | None:
    """A cosine margin as a number in 0–1: 0.5 where two voices are equally near; None for an only voice.

    >>> confidence(0.0), round(confidence(0.3), 2), confidence(float("nan"))
    (0.5, 0.95, None)
    """
    return None if math.isnan(margin) else 1.0 / (1.0 + math.exp(-margin / MARGIN_SCALE))


def marked_overlaps(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns sorted by start, with `is_overlap` set where another speaker's turn covers part of one."""
    ordered = sorted(turns, key=lambda t: (t.start_s, t.end_s, t.speaker))
    overlapping: set[int] = set()
    active: list[int] = []
    for i, turn in enumerate(ordered):
        active = [j for j in active if ordered[j].end_s > turn.start_s]
        for j in active:
            if ordered[j].speaker != turn.speaker:
                overlapping |= {i, j}
        active.append(i)
    return tuple(replace(t, is_overlap=i in overlapping) for i, t in enumerate(ordered))


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker's `embedding`, unit length, () where it was not measured; `margin`: cosine, over the next best voice,
    None where none was weighed against it."""

    embedding: tuple[float, ...] = ()
    margin: float | None = None


def linked_voices(embeddings: np.ndarray[Any, Any], margins: Sequence[float | None]) -> dict[str, Voice]:
    """By speaker: row k of `embeddings` (K, D) is SPEAKER_k's."""
    return {
        f"SPEAKER_{k:02d}": Voice(tuple(map(float, row)), margin)
        for k, (row, margin) in enumerate(zip(embeddings, margins, strict=True))
    }


def mean_voice(
    windows: Sequence[np.ndarray[Any, Any]], embeddings: Sequence[np.ndarray[Any, Any]]
) -> tuple[float, ...]:
    """The mean of embeddings (N, D) by the seconds of their windows (N, 2), of one speaker's chunks, unit length;
    () of none."""
    weighed = [(w[:, 1] - w[:, 0]) @ e.astype(np.float64) for w, e in zip(windows, embeddings, strict=True) if len(w)]
    length = float(np.linalg.norm(sum(weighed))) if weighed else 0.0
    return tuple(map(float, sum(weighed) / length)) if length > 0 else ()


def speakers_of(
    turns: Sequence[Turn],
    words: Sequence[Word],
    segments: Sequence[Segment],
    voices: Mapping[str, Voice],
    embedding_model: str | None,
) -> tuple[Speaker, ...]:
    """A row for every speaker that has a turn or a word, in order of their names; UNKNOWN last. `voices`: by name."""
    names = sorted({t.speaker for t in turns} | {w.speaker for w in words if w.speaker is not None})
    names.sort(key=lambda n: n == UNKNOWN)
    out = []
    for name in names:
        spans = [t.span for t in turns if t.speaker == name]
        said = [w.span for w in words if w.speaker == name]
        voice = voices.get(name, Voice())
        every: list[Span] = spans + said
        out.append(
            Speaker(
                label=name,
                turn_s=sum(s.duration_s for s in spans),
                num_segments=sum(s.speaker == name for s in segments),
                num_words=len(said),
                first_s=min(s.start_s for s in every),
                last_s=max(s.end_s for s in every),
                link_margin=voice.margin,
                embedding=voice.embedding,
                embedding_model=embedding_model if voice.embedding else None,
            )
        )
    return tuple(out)
