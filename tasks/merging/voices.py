"""Speakers from linking: the confidence of each word's speaker, overlaps, embeddings and the speaker table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tasks.intervals import Span
from tasks.records import UNKNOWN, Segment, Speaker, Turn, Word

MARGIN_SCALE = 0.1
"""Scale of the logistic function: a cosine margin of this size means odds of e : 1."""
UNKNOWN_CONFIDENCE = 0.5
"""Confidence of a speaker who has no window near the word: even odds."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Embedding windows of linking's artifact `voices`, by chunk: arrays with one row per window."""

    by_chunk: Mapping[int, Mapping[str, np.ndarray[Any, Any]]]

    @classmethod
    def from_table(cls, table: Mapping[str, np.ndarray[Any, Any]]) -> Windows:
        """Split the table of all windows by its column `chunk`; within a chunk, the order of rows is kept."""
        # One boolean mask per chunk would scan all windows each time: 43 s for 3,480 chunks.
        order = np.argsort(table["chunk"], kind="stable")
        chunks, first = np.unique(table["chunk"][order], return_index=True)
        columns = {
            k: np.split(table[k][order], first[1:]) for k in ("start_s", "end_s", "local", "speaker", "margin")
        }
        return cls({int(c): {k: parts[i] for k, parts in columns.items()} for i, c in enumerate(chunks)})

    def annotate(self, word: Word) -> Word:
        """Set `local_speaker`, the chunk's own label in the nearest window, and `speaker_confidence` of a word."""
        rows = self.by_chunk.get(word.chunk)
        if rows is None or not len(rows["start_s"]):
            return word
        distances = np.abs((rows["start_s"] + rows["end_s"]) / 2 - word.middle_s)
        nearest = int(np.argmin(distances))
        local = int(rows["local"][nearest])
        score = None
        if word.speaker not in (None, UNKNOWN):
            # Words are assigned by sentence and turns are smoothed: the nearest window may be another speaker's,
            # whose margin says nothing about this speaker.
            distances = np.where(rows["speaker"] == _parse_label(word.speaker), distances, np.inf)
            own = int(np.argmin(distances))
            overlaps = rows["start_s"][own] < word.end_s and rows["end_s"][own] > word.start_s
            known = distances[own] < np.inf and (overlaps or own == nearest)
            score = compute_confidence(float(rows["margin"][own])) if known else UNKNOWN_CONFIDENCE
        return replace(word, local_speaker=str(local) if local >= 0 else None, speaker_confidence=score)


def _parse_label(speaker: str) -> int:
    """Parse the speaker's number, as linking's windows have it.

    >>> _parse_label("SPEAKER_07")
    7
    """
    return int(speaker.removeprefix("SPEAKER_"))


def compute_confidence(margin: float) -> float | None:
    """Map a cosine margin to 0–1 by the logistic function: 0.5 where two speakers are equally near; None for NaN, the
    margin of a recording's only speaker.

    >>> compute_confidence(0.0), round(compute_confidence(0.3), 2), compute_confidence(float("nan"))
    (0.5, 0.95, None)
    """
    return None if math.isnan(margin) else 1.0 / (1.0 + math.exp(-margin / MARGIN_SCALE))


def mark_overlaps(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Sort turns by start and set `is_overlap` of those that overlap a turn of another speaker."""
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
class SpeakerEmbedding:
    """A speaker's embedding and link margin."""

    embedding: tuple[float, ...] = ()
    """Of unit length; () where none was computed."""
    margin: float | None = None
    """Cosine distance to the second-best minus to the best speaker; None without another speaker."""


def label_embeddings(
    embeddings: np.ndarray[Any, Any], margins: Sequence[float | None]
) -> dict[str, SpeakerEmbedding]:
    """Key embeddings (K, D) and margins (K) by speaker label: row k is that of SPEAKER_k."""
    return {
        f"SPEAKER_{k:02d}": SpeakerEmbedding(tuple(map(float, row)), margin)
        for k, (row, margin) in enumerate(zip(embeddings, margins, strict=True))
    }


def average_embeddings(
    windows: Sequence[np.ndarray[Any, Any]], embeddings: Sequence[np.ndarray[Any, Any]]
) -> tuple[float, ...]:
    """Average one speaker's embeddings, weighted by the durations of their windows, and scale to unit length.

    `windows`: by chunk, (N, 2) of start and end in seconds; `embeddings`: by chunk, (N, D). () without windows.
    """
    weighted = [
        (w[:, 1] - w[:, 0]) @ e.astype(np.float64) for w, e in zip(windows, embeddings, strict=True) if len(w)
    ]
    length = float(np.linalg.norm(sum(weighted))) if weighted else 0.0
    return tuple(map(float, sum(weighted) / length)) if length > 0 else ()


def summarize_speakers(
    turns: Sequence[Turn],
    words: Sequence[Word],
    segments: Sequence[Segment],
    voices: Mapping[str, SpeakerEmbedding],
    embedding_model: str | None,
) -> tuple[Speaker, ...]:
    """Build a row for every speaker with a turn or a word, sorted by label; UNKNOWN last. `voices`: by label."""
    labels = sorted({t.speaker for t in turns} | {w.speaker for w in words if w.speaker is not None})
    labels.sort(key=lambda n: n == UNKNOWN)
    out = []
    for label in labels:
        spans = [t.span for t in turns if t.speaker == label]
        word_spans = [w.span for w in words if w.speaker == label]
        voice = voices.get(label, SpeakerEmbedding())
        all_spans: list[Span] = spans + word_spans
        out.append(
            Speaker(
                label=label,
                turn_s=sum(s.duration_s for s in spans),
                num_segments=sum(s.speaker == label for s in segments),
                num_words=len(word_spans),
                first_s=min(s.start_s for s in all_spans),
                last_s=max(s.end_s for s in all_spans),
                link_margin=voice.margin,
                embedding=voice.embedding,
                embedding_model=embedding_model if voice.embedding else None,
            )
        )
    return tuple(out)
