"""Measuring a voice from a file with the real speaker model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.speakers.enrol import measure_voice
from tasks.audio.decode import decode
from tasks.errors import PermanentError, UnreadableAudio, UsageError
from tasks.intervals import Span
from tasks.settings.home import sample
from tasks.settings.load import load
from tasks.settings.schema import Settings

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
    ana, (recording, where) = measure_voice(cut("ana.wav", *ANA[0]), settings)
    again, _ = measure_voice(cut("again.flac", *ANA[1]), settings)
    ben, _ = measure_voice(cut("ben.wav", *BEN), settings)
    assert np.linalg.norm(ana.embedding) == pytest.approx(1.0, abs=1e-5)
    assert ana.embedding @ again.embedding > 0.9 > ana.embedding @ ben.embedding
    assert ana.embedder == again.embedder
    assert "sha256:" in ana.embedder
    assert 6 < ana.seconds < 10
    assert (ana.by, ana.out, ana.voice_id) == ("enrolled", "", "")
    assert recording.source_name == "ana.wav"
    assert 1 < where.duration_s <= 6


def test_file_without_enough_speech_is_refused(settings: Settings, cut, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="s of speech; a voice wants 3 s at least"):
        measure_voice(cut("short.wav", (1.9, 3.4)), settings)
    with pytest.raises(UsageError, match=r"diarization\.engine = off"):
        measure_voice(cut("any.wav", (1.9, 6.0)), load({"profile": "demo"}, ["diarization.engine=off"]))
    (tmp_path / "no.wav").write_bytes(b"not a sound")
    with pytest.raises(UnreadableAudio):
        measure_voice(tmp_path / "no.wav", settings)
