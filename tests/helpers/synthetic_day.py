"""The transcript of a synthetic day-long recording, for tests and benchmarks of speed."""

from __future__ import annotations

import dataclasses
import random

from tasks.intervals import Span
from tasks.records import UNKNOWN, ChunkReport, Part, Segment, Speaker, Transcript, Turn, Word
from tests.helpers.sample_transcripts import make_recording_row, make_run

NAME = "a whole day.opus"
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "we",
    "that",
    "is",
    "it",
    "for",
    "on",
    "with",
    "as",
    "was",
    "by",
    "be",
    "have",
]


def make_synthetic_day(
    num_words: int = 200_000, *, hours: float = 24.0, speakers: int = 12, seed: int = 1
) -> Transcript:
    """Meetings with pauses, `speakers` people and one unknown voice, chunks of 13 minutes, one of them failed."""
    chance = random.Random(seed)
    end_s, per_word = hours * 3600, 0.3
    pause_s = max(0.05, (end_s - num_words * per_word) / (num_words / 14) * 0.95)
    people = [*(f"SPEAKER_{k:02d}" for k in range(speakers)), UNKNOWN]
    words: list[Word] = []
    segments: list[Segment] = []
    at = 1.0
    while len(words) < num_words and at < end_s - 15:
        now = [*people[int(at // 3600) % speakers :], *people][:5]  # who is there changes by the hour
        speaker = chance.choice(now if chance.random() < 0.97 else [UNKNOWN])
        begun, said = at, []
        for _ in range(min(chance.randint(3, 25), num_words - len(words))):
            length = per_word * chance.uniform(0.5, 1.4)
            text = chance.choice(WORDS) if chance.random() < 0.93 else f"number{chance.randint(1, 4000)}"
            sure = chance.betavariate(8, 1)
            words.append(Word(at, at + length, text, sure, int(at // 780), 0, speaker, 0.9, segment=len(segments)))
            said.append(text)
            at += length
        segments.append(
            Segment(len(segments), begun, at, " ".join(said), len(said), speaker, 0, 0.9, chance.random())
        )
        at += chance.expovariate(1 / pause_s)
    turns = tuple(Turn(s.start_s, s.end_s, s.speaker or UNKNOWN) for s in segments)
    starts = [k * 780.0 for k in range(int(end_s // 780) + 1) if k * 780.0 < end_s]
    chunks = tuple(
        ChunkReport(
            k,
            Span(max(0.0, start - 15), min(end_s, start + 795)),
            Span(start, min(end_s, start + 780)),
            "failed" if k == 7 else "complete",
            "transcription: the engine’s process ended (out of memory)" if k == 7 else None,
            600.0,
            "en",
            1800,
            *((chance.randint(0, 80), chance.randint(0, 80), chance.choice([0.0, 1.4])) if k else ()),
        )
        for k, start in enumerate(starts)
    )
    return Transcript(
        make_recording_row("day-00112233", end_s, source_name=NAME, parts=(Part(NAME, "00" * 32, 0.0, end_s),)),
        dataclasses.replace(make_run(), status="partial"),
        tuple(words),
        tuple(segments),
        turns,
        tuple(_speaker(label, turns, segments) for label in people),
        chunks,
    )


def _speaker(label: str, turns: tuple[Turn, ...], segments: list[Segment]) -> Speaker:
    own = [t for t in turns if t.speaker == label]
    said = [s for s in segments if s.speaker == label]
    first, last = (own[0].start_s, own[-1].end_s) if own else (0.0, 0.0)
    talked = sum(t.end_s - t.start_s for t in own)
    return Speaker(label, talked, len(said), sum(s.num_words for s in said), first, last)
