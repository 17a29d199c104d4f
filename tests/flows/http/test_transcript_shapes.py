"""Bodies of the contract from transcripts, and events: checked by the types of openai-python."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
)
from pydantic import TypeAdapter

from flows.http.events import END, write_events
from flows.http.shapes import Shape, apply_names, join_text, media_type, name_speakers, shape, shape_segments
from tasks.records import Transcript
from tests.helpers import sample_transcripts

EVENT: TypeAdapter[TranscriptionStreamEvent] = TypeAdapter(TranscriptionStreamEvent)


@pytest.fixture(scope="module")
def meeting() -> Transcript:
    return sample_transcripts.make_meeting()


def parse_events(text: str) -> list[dict[str, object]]:
    """Parse as Subtitle Edit does: an event counts only with its name and data on two lines."""
    found = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if lines[0].startswith("event: "):
            name, data = lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))
            assert data["type"] == name
            assert len(lines) == 2
            found.append(data)
    return found


@settings(max_examples=25)
@given(sample_transcripts.transcripts())
def test_any_transcript_has_every_shape(transcript: Transcript) -> None:
    Transcription.model_validate_json(shape(transcript, Shape("json", logprobs=True)))
    verbose = TranscriptionVerbose.model_validate_json(shape(transcript, Shape("verbose_json", ("word", "segment"))))
    diarized = TranscriptionDiarized.model_validate_json(shape(transcript, Shape("diarized_json")))
    assert len(verbose.segments or []) == len(diarized.segments) == len(transcript.segments)
    for format in ("text", "srt", "vtt"):
        shape(transcript, Shape(format)).encode()


@settings(max_examples=25)
@given(sample_transcripts.transcripts())
def test_any_transcript_streams_and_its_deltas_make_the_whole(transcript: Transcript) -> None:
    text = "".join(write_events(transcript, diarized=True, logprobs=True))
    assert text.endswith(END)
    events = parse_events(text)
    for event in events:
        EVENT.validate_python(event)
    *others, done = events
    assert "".join(str(e["delta"]) for e in others if e["type"] == "transcript.text.delta") == done["text"]
    segments = [e for e in others if e["type"] == "transcript.text.segment"]
    assert all(e["segment"] == {k: v for k, v in e.items() if k != "segment"} for e in segments)
    assert [e["segment"] for e in segments] == [s for s in done["segments"] if s["text"]]  # type: ignore[attr-defined]


def test_subtitles_are_made_by_the_profile_of_the_settings(meeting: Transcript) -> None:
    from tasks.exports import render
    from tasks.exports.subtitles.build import SubtitleStyle
    from tasks.exports.subtitles.profile import PROFILES

    found = set()
    for name, profile in PROFILES.items():
        run = replace(meeting.run, settings={**meeting.run.settings, "subtitles": {"profile": name}})
        for format in ("srt", "vtt"):
            body = shape(replace(meeting, run=run), Shape(format))
            (expected,) = render(meeting, [format], style=SubtitleStyle(profile)).values()
            assert body == expected
            found.add(body)
    assert len(found) == 2 * len(PROFILES)


def test_speakers_are_letters_in_order_of_appearance_names_where_known(meeting: Transcript) -> None:
    labels = list(dict.fromkeys(s.speaker for s in meeting.segments if s.speaker))
    assert name_speakers(meeting)[labels[0]] in ("A", meeting.speakers[0].name)
    named = apply_names(meeting, {labels[0]: "B"})
    names = name_speakers(named)
    assert names[labels[0]] == "B"
    assert len(set(names.values())) == len(names)


def test_text_in_scripts_without_blanks_is_joined_without(meeting: Transcript) -> None:
    segment, word = meeting.segments[0], meeting.words[0]
    first = replace(segment, index=0, text="你好。", speaker="SPEAKER_00")
    second = replace(segment, index=1, text="再见。", start_s=first.end_s, end_s=first.end_s + 1)
    words = (
        replace(word, text="你好。", segment=0, space_before=False),
        replace(word, text="再见。", segment=1, space_before=False, start_s=first.end_s, end_s=first.end_s + 1),
    )
    chinese = replace(meeting, segments=(first, second), words=words)
    assert join_text(chinese) == "你好。再见。"
    segments = json.loads(shape(chinese, Shape("verbose_json")))["segments"]
    assert "".join(s["text"] for s in segments) == "你好。再见。"


def test_without_diarization_speakers_are_unknown(meeting: Transcript) -> None:
    nobody = replace(meeting, speakers=(), segments=tuple(replace(s, speaker=None) for s in meeting.segments))
    assert {s["speaker"] for s in shape_segments(nobody)} == {"unknown"}


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("json", "application/json"),
        ("verbose_json", "application/json"),
        ("diarized_json", "application/json"),
        ("text", "text/plain; charset=utf-8"),
        ("srt", "application/x-subrip; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
    ],
)
def test_bare_text_is_never_called_json(format: str, kind: str) -> None:
    assert media_type(format) == kind


def test_text_that_was_sent_while_the_work_went_on_is_not_sent_again(meeting: Transcript) -> None:
    whole = parse_events("".join(write_events(meeting, diarized=True)))
    words = sorted(meeting.words, key=lambda w: w.start_s)
    after_s = words[len(words) // 2].start_s
    later = parse_events("".join(write_events(meeting, diarized=True, after_s=after_s)))
    (delta,) = (e for e in later if e["type"] == "transcript.text.delta")
    assert str(delta["delta"]).split() == [w.text for w in words if w.start_s > after_s]
    assert [e for e in later if e["type"] != "transcript.text.delta"] == [
        e for e in whole if e["type"] != "transcript.text.delta"
    ]
