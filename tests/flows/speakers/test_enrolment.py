"""Measuring a voice from a file with the real speaker model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.speakers.enrol import list_voices, measure_voice
from tasks.audio.decode import decode
from tasks.diarization.windows import cut_windows
from tasks.errors import PermanentError, UnreadableAudio, UsageError
from tasks.intervals import Span
from tasks.settings.home import sample
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tests.helpers.sample_voices import make_voice_embedding

ANA = ((1.9, 6.0), (23.2, 28.5)), ((29.5, 32.5), (45.4, 52.0))
BEN = ((8.9, 12.8), (42.8, 44.9))
"""Who speaks when, by the sample's script."""


@pytest.fixture
def settings() -> Settings:
    return load({"profile": "demo"}, ["models.run_in=process"])


@pytest.fixture
def cut(tmp_path: Path):
    def make(name: str, *spans: tuple[float, float]) -> Path:
        sound = np.concatenate([decode(sample(), Span(*span)) for span in spans])
        soundfile.write(tmp_path / name, sound, 16_000)
        return tmp_path / name

    return make


def test_same_person_is_more_similar_than_another(settings: Settings, cut) -> None:
    ana, (sound, where) = measure_voice(cut("ana.wav", *ANA[0]), settings)
    again, _ = measure_voice(cut("again.flac", *ANA[1]), settings)
    ben, _ = measure_voice(cut("ben.wav", *BEN), settings)
    assert np.linalg.norm(ana.embedding) == pytest.approx(1.0, abs=1e-5)
    assert ana.embedding @ again.embedding > 0.9 > ana.embedding @ ben.embedding
    assert ana.embedder == again.embedder
    assert "sha256:" in ana.embedder
    assert 6 < ana.seconds < 10
    assert (ana.by, ana.out, ana.voice_id) == ("enrolled", "", "")
    assert (ana.source_name, [part.name for part in sound.parts]) == ("ana.wav", ["ana.wav"])
    assert 1 < where.duration_s <= 6


def test_file_without_enough_speech_is_refused(settings: Settings, cut, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="s of speech; a voice wants 3 s at least"):
        measure_voice(cut("short.wav", (1.9, 3.4)), settings)
    with pytest.raises(UsageError, match=r"diarization\.engine = off"):
        measure_voice(cut("any.wav", (1.9, 6.0)), load({"profile": "demo"}, ["diarization.engine=off"]))
    (tmp_path / "no.wav").write_bytes(b"not a sound")
    with pytest.raises(UnreadableAudio):
        measure_voice(tmp_path / "no.wav", settings)


def test_file_of_two_people_is_told_from_one_of_a_single_person(
    settings: Settings, cut, caplog: pytest.LogCaptureFixture
) -> None:
    measure_voice(cut("ana.wav", *ANA[0], *ANA[1]), settings)
    assert caplog.messages == []
    measure_voice(cut("both.wav", *ANA[0], *BEN), settings)
    (line,) = caplog.messages
    assert "both.wav: 2 voices are heard in it: " in line
    assert "s from 00:00:0" in line
    assert "daylong speakers undo" in line


def hear(*said: tuple[str, float, float]) -> list[tuple[int, int]]:
    """Seconds and begin of each voice that is found in what these people say, from when to when."""
    speech = [Span(start, end) for _, start, end in said]
    windows = [cut_windows([span]) for span in speech]
    embeddings = [
        make_voice_embedding(person, day=100 * k + n)
        for k, (person, _, _) in enumerate(said)
        for n in range(len(windows[k]))
    ]
    found = list_voices(np.concatenate(windows), np.array(embeddings, np.float32), speech)
    return [(round(v.seconds), round(v.first_s)) for v in found]


def test_voices_are_listed_with_their_seconds_and_begin() -> None:
    assert hear(("Ada", 0, 20)) == [(20, 0)]
    assert hear(("Ada", 0, 20), ("Ada", 25, 40)) == [(35, 0)]
    assert hear(("Ada", 1, 20), ("Bea", 21, 31), ("Ada", 32, 40)) == [(27, 1), (10, 21)]
    assert hear(("Ada", 0, 9), ("Bea", 10, 19), ("Cyd", 20, 29)) == [(9, 0), (9, 10), (9, 20)]


def test_word_of_somebody_else_is_no_second_voice() -> None:
    assert [begin for _, begin in hear(("Ada", 0, 20), ("Bea", 21, 22.5), ("Ada", 23, 40))] == [0]
