"""Which weights a run needs, by its settings."""

from __future__ import annotations

from tasks.settings.schema import (
    DiarizationSettings,
    PunctuationSettings,
    SeparationSettings,
    Settings,
    TranscriptionSettings,
)
from tasks.weights.requirements import list_deferred, list_required


def test_a_run_wants_what_its_settings_use() -> None:
    plain = Settings()
    assert [kind for kind, _ in list_required(plain, "cpu")] == ["transcription", "embedding"]
    assert list_deferred(plain) == [("punctuation", plain.punctuation.model)]
    assert list_required(plain, "cpu")[0] == ("transcription", "small")
    assert list_required(plain, "cuda")[0] == ("transcription", "large-v3-turbo")
    other = Settings(
        separation=SeparationSettings(mode="always"),
        diarization=DiarizationSettings(engine="off"),
        punctuation=PunctuationSettings(mode="never"),
    )
    assert [kind for kind, _ in list_required(other, "cpu")] == ["transcription", "separation"]
    assert list_deferred(other) == []
    always = Settings(punctuation=PunctuationSettings(mode="always"))
    assert [kind for kind, _ in list_required(always, "cpu")] == ["transcription", "embedding", "punctuation"]
    assert list_deferred(always) == []
    plain_text = Settings(transcription=TranscriptionSettings(model="demo:whisper"))
    assert "punctuation" in [kind for kind, _ in list_required(plain_text, "cpu")]
    assert list_deferred(plain_text) == []
