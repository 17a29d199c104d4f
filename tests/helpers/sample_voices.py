"""People in recordings: transcripts whose speakers have voices that can be told apart, published as a run does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from flows.corrections.publication import correct_words
from flows.speakers.identify import name_speakers
from tasks.audio.decode import reference_audio
from tasks.dataset.publish import publish
from tasks.exports import render
from tasks.records import Audio, Part, Transcript
from tasks.settings.schema import Settings, VoicesSettings
from tests.helpers.sample_transcripts import make_recording_row, make_run, make_transcript

EMBEDDER = "small (sha256:00)"
SIZE = 32
RULE = VoicesSettings(threshold=0.7, margin=0.1)
FORMATS = ("srt", "json", "rttm", "report")


@pytest.fixture(autouse=True, scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forgetting looks into the cache: into one that is nobody's. For modules that import it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def make_voice_embedding(person: str, day: int = 0, spread: float = 0.3) -> tuple[float, ...]:
    """A person's voice on a day: near their own of other days, far from anybody else's. Unit length."""
    own, other = (np.random.default_rng([*map(ord, person), 7, k]) for k in (0, day + 1))
    vector = _unit(own.normal(size=SIZE)) + spread * _unit(other.normal(size=SIZE))
    return tuple(map(float, _unit(vector).astype(np.float32)))


def write_noise(path: Path) -> Path:
    """A minute of faint noise, for who wants to listen."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.random.default_rng(0).integers(-300, 300, 60 * 16000).astype("<i2").tobytes())
    return path


def make_recording(
    name: str,
    people: Sequence[str],
    run_id: str = "run-1",
    *,
    sound: Path,
    day: int = 0,
    models: str = EMBEDDER,
    shift: int = 0,
) -> Transcript:
    """A recording in which these people speak in turn, 5 s each, twice around. `shift` gives them other labels."""
    labels = {person: f"SPEAKER_{(k + shift) % len(people):02d}" for k, person in enumerate(people)}
    said = [(5.0 * k, labels[p], ["So", "it", "is,", "all", "day."]) for k, p in enumerate([*people, *people])]
    duration_s = 5.0 * len(said) + 5.0
    part = Part(f"{name}.flac", "0a1b2c3d" * 8, 0.0, duration_s, str(sound))
    facts = make_recording_row(f"{name}-0a1b2c3d", duration_s=duration_s, source_name=f"{name}.flac", parts=(part,))
    made = make_transcript(said, of=facts, by=replace(make_run(run_id), models={"embedding": models}), word_s=0.9)
    by_label = {label: person for person, label in labels.items()}
    speakers = (replace(s, embedding=make_voice_embedding(by_label[s.label], day)) for s in made.speakers)
    return replace(made, speakers=tuple(speakers))


def publish_with_names(
    transcript: Transcript,
    out: Path,
    store: Path,
    rule: VoicesSettings = RULE,
    formats: Sequence[str] = FORMATS,
    sounds: Sequence[Audio] | None = None,
) -> Transcript:
    """As a run ends; what was published. `sounds`: of the channels; None: the mean of all."""
    settings = Settings(voices=rule.model_copy(update={"store": str(store)}))
    heard = sounds or [reference_audio(transcript.recording)]
    with (
        name_speakers(transcript, out, settings, transcript.run.models["embedding"], heard) as named,
        correct_words(named, out) as told,
    ):
        publish(told, out, exports=render(told, formats, folder=out / "exports" / transcript.recording.recording_id))
    return told


def names_by_label(transcript: Transcript) -> dict[str, str | None]:
    """Each speaker's name, by label."""
    return {s.label: s.name for s in transcript.speakers}


def read_columns(out: Path, table: str, recording_id: str, *names: str) -> list[tuple[object, ...]]:
    (path,) = (out / table).glob(f"*/{recording_id}.parquet")
    with pq.ParquetFile(path) as file:
        held = file.read(columns=list(names)).to_pydict()
    return list(zip(*(held[n] for n in names), strict=True))


def find_in_files(text: str, *folders: Path) -> list[str]:
    """Every file below these folders, hidden ones too, that holds the text: as bytes, or in a Parquet column."""
    hits = []
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        held = text.encode() in path.read_bytes() or text in str(path)
        if path.suffix == ".parquet" or path.parent.name == "prepared":
            try:
                with pq.ParquetFile(path) as file:
                    held |= text in str(file.read().to_pydict()) or text in str(file.schema_arrow.metadata)
            except Exception:  # not a table, or half of one
                held |= False
        if held:
            hits.append(path.name)
    return hits


def find_embedding_in_files(embedding: Sequence[float], *folders: Path) -> list[str]:
    """Every file below these folders that holds the embedding: as float32 bytes, or in a Parquet column."""
    wanted, hits = np.array(embedding, np.float32), []
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        held = wanted.tobytes() in path.read_bytes()
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                names = {"embedding"} & set(file.schema_arrow.names)
                rows = file.read(columns=[*names]).to_pydict().get("embedding", [])
            held |= any(row and np.allclose(row[: len(wanted)], wanted, atol=1e-6) for row in rows)
        if held:
            hits.append(path.name)
    return hits


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
