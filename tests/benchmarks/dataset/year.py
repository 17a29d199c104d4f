"""A year of talk as tables, made with numpy: no engine, no Transcript, seconds a day.

Times, lengths of words and segments, the share of each word (Zipf) and the number of speakers are like those of real
days; what is said is not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dataset.schema import EMBEDDING_SIZE, SCHEMA_VERSION, schemas

WORDS_A_DAY = 192_000
DAY_S = 86_400.0
PEOPLE = 40
"""Of these, `AT_A_TIME` are heard in a recording."""
AT_A_TIME = 12
VOCABULARY = 30_000
FIRST_DAY = datetime.date(2025, 1, 1)
SHARES = np.cumsum(1 / (np.arange(VOCABULARY) + 2.7))
SHARES /= SHARES[-1]
"""Of the words up to each: the most frequent is 3 % of what is said."""
RARE = "word20000"
"""Said about once a day."""


def dates(days: int) -> list[datetime.date]:
    return [FIRST_DAY + datetime.timedelta(days=k) for k in range(days)]


def recording_of(day: datetime.date) -> str:
    return f"day-{day:%m%d}{day.toordinal() % 10_000:04d}"


def tables(day: datetime.date) -> dict[str, pa.Table]:
    """The six tables of one recording of 24 hours."""
    chance = np.random.default_rng(day.toordinal())
    people = chance.choice(PEOPLE, AT_A_TIME, replace=False)
    sizes = _segment_sizes(chance)
    segment = np.repeat(np.arange(len(sizes)), sizes)
    who = chance.integers(0, AT_A_TIME, len(sizes))
    length = np.round(chance.uniform(0.12, 0.5, WORDS_A_DAY), 2)
    pause = np.where(np.diff(segment, prepend=-1) > 0, chance.exponential(1.4, WORDS_A_DAY), 0.01)
    start = np.cumsum(length + pause) - length
    start = np.round(start * (DAY_S - 60) / start[-1], 2)
    end = np.minimum(np.round(start + length, 2), np.append(start[1:], DAY_S))
    said = np.searchsorted(SHARES, chance.random(WORDS_A_DAY)).clip(0, VOCABULARY - 1)
    first = np.flatnonzero(np.diff(segment, prepend=-1))
    last = np.append(first[1:], WORDS_A_DAY) - 1
    labels = pa.array([f"SPEAKER_{k:02d}" for k in range(AT_A_TIME)])
    voices = pa.array([f"voice-{k:02d}" for k in people])
    plain = pa.array([f"word{k}" for k in range(VOCABULARY)])
    both = pa.concat_arrays([plain, pc.binary_join_element_wise(plain, ".", "")])
    ends_sentence = np.zeros(WORDS_A_DAY, np.int64)
    ends_sentence[last] = VOCABULARY
    marked = both.take(pa.array(said + ends_sentence))
    texts = marked.to_pylist()
    word_confidence = chance.beta(8, 1, WORDS_A_DAY).astype(np.float32)
    sure = chance.beta(9, 1, len(sizes)).astype(np.float32)
    zero = np.datetime64(day.isoformat(), "us")
    speaker = labels.take(pa.array(who))

    def at(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.datetime64]:
        return zero + np.rint(seconds * 1e6).astype("timedelta64[us]")

    spans = {"start_s": start[first], "end_s": end[last], "start_at": at(start[first])}
    words = {
        "word_index": np.arange(WORDS_A_DAY, dtype=np.int32),
        "segment_index": segment.astype(np.int32),
        "start_s": start,
        "end_s": end,
        "start_at": at(start),
        "channel": np.zeros(WORDS_A_DAY, np.int32),
        "word": marked,
        "word_raw": plain.take(pa.array(said)),
        "speaker": speaker.take(pa.array(segment)),
        "confidence": word_confidence,
        "speaker_confidence": sure[segment],
        "is_overlap": np.zeros(WORDS_A_DAY, bool),
        "chunk_index": (start // 780).astype(np.int32),
        "local_speaker": pa.array([str(k) for k in range(AT_A_TIME)]).take(pa.array(who[segment])),
    }
    segments = spans | {
        "segment_index": np.arange(len(sizes), dtype=np.int32),
        "channel": np.zeros(len(sizes), np.int32),
        "speaker": speaker,
        "voice_id": voices.take(pa.array(who)),
        "text": [" ".join(texts[a : b + 1]) for a, b in zip(first, last, strict=True)],
        "num_words": sizes.astype(np.int32),
        "confidence": sure,
        "speaker_confidence": sure,
        "has_overlap": np.zeros(len(sizes), bool),
    }
    turns = spans | {
        "turn_index": segments["segment_index"],
        "channel": segments["channel"],
        "speaker": speaker,
        "is_overlap": segments["has_overlap"],
    }
    lengths = end[last] - start[first]
    heard = {
        "speaker": labels,
        "voice_id": voices,
        "turn_s": np.bincount(who, lengths, AT_A_TIME),
        "num_segments": np.bincount(who, minlength=AT_A_TIME).astype(np.int32),
        "num_words": np.bincount(who[segment], minlength=AT_A_TIME).astype(np.int32),
        "first_s": np.zeros(AT_A_TIME),
        "last_s": np.full(AT_A_TIME, DAY_S),
        "embedding": list(chance.standard_normal((AT_A_TIME, EMBEDDING_SIZE)).astype(np.float32)),
    }
    row = {
        "status": ["complete"],
        "source_name": [f"{day}.opus"],
        "parts": [[{"name": f"{day}.opus", "sha256": "00" * 32, "start_s": 0.0, "duration_s": DAY_S}]],
        "duration_s": [DAY_S],
        "recorded_at": at(np.zeros(1)),
        "timezone": ["UTC"],
        "num_speakers": [AT_A_TIME],
        "num_words": [WORDS_A_DAY],
        "num_segments": [len(sizes)],
        "schema_version": [SCHEMA_VERSION],
        "processed_at": at(np.zeros(1)),
    }
    starts = np.arange(0, DAY_S, 780.0)
    chunks = {"chunk_index": np.arange(len(starts), dtype=np.int32), "core_start_s": starts}
    columns = {
        "recordings": row,
        "segments": segments,
        "words": words,
        "turns": turns,
        "speakers": heard,
        "chunks": chunks,
    }
    return {table: _table(table, held, recording_of(day)) for table, held in columns.items()}


def _segment_sizes(chance: np.random.Generator) -> npt.NDArray[np.int64]:
    sizes = chance.integers(3, 26, WORDS_A_DAY // 3)
    held = sizes[: int(np.searchsorted(np.cumsum(sizes), WORDS_A_DAY)) + 1]
    held[-1] -= int(held.sum()) - WORDS_A_DAY
    return held


def _table(table: str, columns: dict[str, object], recording_id: str) -> pa.Table:
    """With the schema of tasks/dataset/schema.py; what isn't made is null."""
    schema = schemas()[table]
    length = len(next(iter(columns.values())))  # type: ignore[arg-type]
    same = {"recording_id": recording_id, "run_id": "4f0c2a1e-0000-4000-8000-000000000001"}
    arrays = []
    for field in schema:
        if field.name in same:
            array = pa.repeat(same[field.name], length)
        elif field.name in columns:
            held = columns[field.name]
            array = held if isinstance(held, pa.Array) else pa.array(held)
            array = array.cast(field.type)
        else:
            array = pa.nulls(length, field.type)
        arrays.append(array)
    nullable = pa.schema([f.with_nullable(True) for f in schema], metadata=schema.metadata)
    return pa.Table.from_arrays(arrays, schema=nullable)


def year(days: int) -> Iterator[tuple[datetime.date, dict[str, pa.Table]]]:
    for day in dates(days):
        yield day, tables(day)
