"""The steps `seams` and `merging`: chunks' words and linked turns -> words, turns, segments and speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.caching import step_task
from tasks.intervals import Span
from tasks.merging.attribute import attribute
from tasks.merging.channels import by_channel
from tasks.merging.seams import join
from tasks.merging.segments import segment
from tasks.merging.voices import Voice, Windows, linked_voices, marked_overlaps, mean_voice, speakers_of
from tasks.merging.wordless import fill
from tasks.records import UNKNOWN, Chunk, Turn, Word, as_dict
from tasks.step import Manifest, Meter, Place


@dataclass(frozen=True, slots=True)
class SeamJob:
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class MergeJob:
    """`embedding_model` is None where nobody wants to know who speaks."""

    duration_s: float
    embedding_model: str | None


@step_task("seams", version=4)
def join_chunks(job: SeamJob, place: Place, words: Sequence[Sequence[Manifest | None]]) -> Manifest:
    """Artifact `words`; facts: a row of evidence for each seam, and the spans that want decoding again.

    `words`: for each chunk, what was transcribed of it, a manifest for each channel.
    """
    meter = Meter()
    lists = [[w for manifest in own for w in words_of(place, manifest)] for own in words]
    joined = join(job.chunks, lists)
    return meter.manifest(
        {"words": place.store.put_records("seams", joined.words)},
        seams=as_dict(joined.seams),
        wordless=[[s.start_s, s.end_s] for s in joined.wordless],
    )


@step_task("merging", version=6)
def merge(
    job: MergeJob,
    place: Place,
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
    spans = [Span(*s) for s in seams["facts"]["wordless"]]
    words = fill(words_of(place, seams), [w for m in again for w in words_of(place, m)], spans)
    words = tuple(_within(w, job.duration_s) for w in words)
    turns: tuple[Turn, ...] = ()
    voices: dict[str, Voice] = {}
    if linked is not None:
        table = place.store.get_arrays(linked["artifacts"]["voices"])
        voices = linked_voices(table["embeddings"], linked["facts"]["margins"])
        turns = marked_overlaps(place.store.get_records(linked["artifacts"]["turns"], Turn))
        windows = Windows.of(table)
        words = tuple(windows.told(w) for w in attribute(words, turns))
    if channels is not None:
        mapped, measured = channels
        table = place.store.get_arrays(mapped["artifacts"]["map"])
        own = [[Span(*row) for row in table[f"own_{i}"].tolist()] for i in range(len(mapped["facts"]["own_s"]))]
        words, turns = by_channel(words, own)
        voices = {t.speaker: _voice(place, measured[t.channel]) for t in {t.speaker: t for t in turns}.values()}
        turns = marked_overlaps(turns)
    words = tuple(sorted(words, key=lambda w: (w.start_s, w.end_s, w.speaker or "")))
    words, segments = segment(words)
    speakers = speakers_of(turns, words, segments, voices, job.embedding_model)
    tables = {"words": words, "segments": segments, "turns": turns, "speakers": speakers}
    return meter.manifest(
        {name: place.store.put_records("merging", table) for name, table in tables.items()},
        num_words=len(words),
        num_speakers=len({s.label for s in speakers} - {UNKNOWN}),
    )


def words_of(place: Place, manifest: Manifest | None) -> list[Word]:
    """The words behind a manifest's artifact `words`; none for None."""
    if manifest is None:
        return []
    return place.store.get_records(manifest["artifacts"]["words"], Word)


def _voice(place: Place, measured: Sequence[Manifest]) -> Voice:
    """Of a channel's only speaker."""
    tables = [place.store.get_arrays(m["artifacts"]["windows"]) for m in measured]
    return Voice(mean_voice([t["windows"] for t in tables], [t["embeddings"] for t in tables]))


def _within(word: Word, duration_s: float) -> Word:
    end = min(max(word.end_s, 0.0), duration_s)
    return replace(word, start_s=min(max(word.start_s, 0.0), end), end_s=end)
