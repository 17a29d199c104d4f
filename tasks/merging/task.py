"""The steps `seams` and `merging`: chunks' words and linked turns -> words, turns, segments and speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

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
from tasks.merging.assign_speakers import assign_speakers
from tasks.merging.channels import assign_by_channel
from tasks.merging.replacements import Replacement, replace_heard
from tasks.merging.seams import join
from tasks.merging.segments import build_segments
from tasks.merging.untranscribed import fill_untranscribed
from tasks.merging.voices import (
    SpeakerEmbedding,
    Windows,
    average_embeddings,
    label_embeddings,
    mark_overlaps,
    summarize_speakers,
)
from tasks.records import UNKNOWN, Chunk, Turn, Word, as_dict
from tasks.step import Manifest, StepContext


@dataclass(frozen=True, slots=True)
class SeamJob:
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class MergeJob:
    """`embedding_model` is None where no embeddings are computed."""

    duration_s: float
    embedding_model: str | None
    replacements: tuple[Replacement, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What it adds to a cache key: replacements only where there are any, so that other keys stay."""
        facts = {"duration_s": self.duration_s, "embedding_model": self.embedding_model}
        return facts | ({"replacements": as_dict(self.replacements)} if self.replacements else {})


@step_task("seams", version=5)
def join_chunks(job: SeamJob, place: StepContext, words: Sequence[Sequence[Manifest | None]]) -> Manifest:
    """Join the chunks' words. Artifact `words`; facts: `seams`, a row per seam, and `wordless`, untranscribed spans.

    `words`: by chunk, the manifests of its transcribed words, one per channel; None where nothing was transcribed.
    """
    meter = place.meter()
    lists = [[w for manifest in own for w in read_words(place.store, manifest)] for own in words]
    joined = join(job.chunks, lists)
    return meter.manifest(
        {"words": place.store.put_records("seams", joined.words)},
        **SeamsFacts(
            seams=cast(list[SeamFacts], as_dict(joined.seams)),
            wordless=[[s.start_s, s.end_s] for s in joined.untranscribed],
        ),
    )


@step_task("merging", version=8)
def merge(
    job: MergeJob,
    place: StepContext,
    seams: Manifest,
    again: Sequence[Manifest],
    linked: Manifest | None,
    channels: tuple[Manifest, Sequence[Sequence[Manifest]]] | None,
) -> Manifest:
    """Merge words and speakers. Artifacts `words`, `segments`, `turns` and `speakers`: JSON lists of records.

    `again`: manifests of the words decoded again at the seams. Speakers come from `linked`, the manifest of linking,
    or from `channels` (the manifest of `own-speech`, and by channel the manifests of its chunks' embeddings); without
    either, words have no speaker.
    """
    meter = place.meter()
    redecoded = [w for m in again for w in read_words(place.store, m)]
    words = fill_untranscribed(read_words(place.store, seams), redecoded, untranscribed_spans(seams))
    words = tuple(_clip_word(w, job.duration_s) for w in words)
    turns: tuple[Turn, ...] = ()
    voices: dict[str, SpeakerEmbedding] = {}
    if linked is not None:
        table = read_linked_windows(place.store, linked)
        voices = label_embeddings(table["embeddings"], speaker_margins(linked))
        turns = mark_overlaps(read_turns(place.store, linked))
        windows = Windows.from_table(table)
        words = tuple(windows.annotate(w) for w in assign_speakers(words, turns))
    if channels is not None:
        mapped, measured = channels
        words, turns = assign_by_channel(words, read_own_speech(place.store, mapped))
        voices = {
            t.speaker: _average_channel(place, measured[t.channel]) for t in {t.speaker: t for t in turns}.values()
        }
        turns = mark_overlaps(turns)
    words = tuple(sorted(words, key=lambda w: (w.start_s, w.end_s, w.speaker or "")))
    words, segments = build_segments(replace_heard(words, job.replacements))
    speakers = summarize_speakers(turns, words, segments, voices, job.embedding_model)
    tables = {"words": words, "segments": segments, "turns": turns, "speakers": speakers}
    return meter.manifest(
        {name: place.store.put_records("merging", table) for name, table in tables.items()},
        **MergingFacts(num_words=len(words), num_speakers=len({s.label for s in speakers} - {UNKNOWN})),
    )


def _average_channel(place: StepContext, measured: Sequence[Manifest]) -> SpeakerEmbedding:
    """Average the embeddings of a channel's only speaker over its chunks."""
    tables = [read_windows(place.store, m) for m in measured]
    return SpeakerEmbedding(
        average_embeddings([windows for windows, _ in tables], [embeddings for _, embeddings in tables])
    )


def _clip_word(word: Word, duration_s: float) -> Word:
    """Clip a word's times to the recording."""
    if 0.0 <= word.start_s <= word.end_s <= duration_s:
        return word
    end = min(max(word.end_s, 0.0), duration_s)
    return replace(word, start_s=min(max(word.start_s, 0.0), end), end_s=end)
