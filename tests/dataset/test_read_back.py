"""A publication read back and published again: every table is what it was."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tasks.dataset.publish import publish
from tasks.dataset.read import read_transcript, restore_heard
from tasks.dataset.rows import format_raw, tables
from tasks.records import HourQuality, Transcript, Translation, Word
from tests.helpers.sample_transcripts import make_meeting, make_silence, make_without_diarization

QUALITY = (
    HourQuality(0, 0.0, 60.0, None, 20.5, 7, 0.1, 0.25, -60.5, -28.1, 0.01, 0.5, 3.25, 1, 20.0, 60.0, -75.5),
    HourQuality(0, 0.0, 60.0, "SPEAKER_00"),
)
DEFAULTS = Word(0.0, 0.1, "", chunk=-1, channel=0)


def change_words(transcript: Transcript) -> Transcript:
    """The transcript with words of which every field is, in some of them, other than by default."""
    changes = [
        {"heard": "cube control", "text": "kubectl"},
        {"heard": "—", "text": "dash"},
        {"heard": "Kubectl,", "text": "kubectl"},
        {"edited": True, "confidence": None},
        {"times": "aligned", "language": "de", "channel": 1},
        {"space_before": False, "local_speaker": "3", "is_overlap": True},
    ]
    words = [replace(w, **changes[k % len(changes)]) for k, w in enumerate(transcript.words)]
    rows = (Translation(0, "de", "Ja.", "done", "test"),)
    return replace(transcript, words=tuple(words), translations=rows, quality=QUALITY)


@pytest.mark.parametrize(
    "made", [change_words(make_meeting()), make_meeting(), make_silence(), make_without_diarization()]
)
def test_every_table_is_equal(made: Transcript, tmp_path: Path) -> None:
    publish(made, tmp_path, exports={})
    read = read_transcript(tmp_path, made.recording.recording_id)
    expected, found = tables(made), tables(read)
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        assert found[name].to_pydict() == table.to_pydict(), name


def test_the_words_of_this_test_leave_no_field_at_its_default() -> None:
    words = change_words(make_meeting()).words
    assert not [f.name for f in fields(Word) if all(getattr(w, f.name) == getattr(DEFAULTS, f.name) for w in words)]


def test_quality_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = replace(make_meeting(), quality=QUALITY[::-1])
    publish(made, tmp_path, exports={})
    assert read_transcript(tmp_path, made.recording.recording_id).quality == QUALITY


@pytest.mark.parametrize("text", ["kubectl", "Kubectl,", "—", ""])
@pytest.mark.parametrize("heard", [None, "cube control", "Kubectl!", "…", "", "U.S. of A."])
def test_what_was_heard_gives_the_same_raw_word_again(text: str, heard: str | None) -> None:
    raw = format_raw(text if heard is None else heard)
    again = restore_heard(text, raw)
    assert format_raw(text if again is None else again) == raw


def test_a_word_that_nobody_replaced_has_nothing_heard() -> None:
    assert restore_heard("Hello,", "hello") is None
    assert restore_heard("kubectl", None) is None
