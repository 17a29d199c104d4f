"""The steps `seams` and `merging`: chunks' words and linked turns -> words, turns, segments and speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from tasks.caching import step_task
from tasks.contracts import (
    MergingFacts,
    SeamFacts,
    SeamsFacts,
    read_linked_windows,
    read_own_speech,
    read_turns,
    read_windows,
    read_words,
    speaker_margins,
    untranscribed_spans,
)
from tasks.merging.attribute import attribute
from tasks.merging.channels import by_channel
from tasks.merging.seams import join
from tasks.merging.segments import segment
from tasks.merging.voices import Voice, Windows, linked_voices, marked_overlaps, mean_voice, speakers_of
from tasks.merging.wordless import fill
from tasks.records import UNKNOWN, Chunk, Turn, Word, as_dict
from tasks.step import Manifest, Meter, StepContext


@dataclass(frozen=True, slots=True)
class SeamJob:
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class MergeJob:
    """`embedding_model` is None where nobody wants to know who speaks."""

    duration_s: float
    embedding_model: str | None


@step_task("seams", version=4)
def join_chunks(job: SeamJob, place: StepContext, words: Sequence[Sequence[Manifest | None]]) -> Manifest:
    """Artifact `words`; facts: a row of evidence for each seam, and the spans that want decoding again.

    `words`: for each chunk, what was transcribed of it, a manifest for each channel.
    """
    meter = Meter()
    lists = [[w for manifest in own for w in read_words(place.store, manifest)] for own in words]
    joined = join(job.chunks, lists)
    return meter.manifest(
        {"words": place.store.put_records("seams", joined.words)},
        **SeamsFacts(
            seams=cast(list[SeamFacts], as_dict(joined.seams)),
            wordless=[[s.start_s, s.end_s] for s in joined.wordless],
        ),
    )


@step_task("merging", version=6)
def merge(
    job: MergeJob,
    place: StepContext,
    seams: Manifest,
    again: Sequence[Manifest],
    linked: Manifest | None,
    channels: tuple[Manifest, Sequence[Sequence[Manifest]]] | None,
) -> Manifest:
    """Artifacts `words`, `segments`, `turns` and `speakers`: JSON lists of records.

    Who speaks is told by linking (`linked`), or by the channel (`channels`: arrays `own_0`, … of its speech, and for
    each channel its chunks' embeddings), or not.
    """
    meter = Meter()
    found = [w for m in again for w in read_words(place.store, m)]
    words = fill(read_words(place.store, seams), found, untranscribed_spans(seams))
    words = tuple(_within(w, job.duration_s) for w in words)
    turns: tuple[Turn, ...] = ()
    voices: dict[str, Voice] = {}
    if linked is not None:
        table = read_linked_windows(place.store, linked)
        voices = linked_voices(table["embeddings"], speaker_margins(linked))
        turns = marked_overlaps(read_turns(place.store, linked))
        windows = Windows.of(table)
        words = tuple(windows.told(w) for w in attribute(words, turns))
    if channels is not None:
        mapped, measured = channels
        words, turns = by_channel(words, read_own_speech(place.store, mapped))
        voices = {t.speaker: _voice(place, measured[t.channel]) for t in {t.speaker: t for t in turns}.values()}
        turns = marked_overlaps(turns)
    words = tuple(sorted(words, key=lambda w: (w.start_s, w.end_s, w.speaker or "")))
    words, segments = segment(words)
    speakers = speakers_of(turns, words, segments, voices, job.embedding_model)
    tables = {"words": words, "segments": segments, "turns": turns, "speakers": speakers}
    return meter.manifest(
        {name: place.store.put_records("merging", table) for name, table in tables.items()},
        **MergingFacts(num_words=len(words), num_speakers=len({s.label for s in speakers} - {UNKNOWN})),
    )


def _voice(place: StepContext, measured: Sequence[Manifest]) -> Voice:
    """Of a channel's only speaker."""
    tables = [read_windows(place.store, m) for m in measured]
    return Voice(mean_voice([windows for windows, _ in tables], [embeddings for _, embeddings in tables]))


def _within(word: Word, duration_s: float) -> Word:
    end = min(max(word.end_s, 0.0), duration_s)
    return replace(word, start_s=min(max(word.start_s, 0.0), end), end_s=end)
