"""Who spoke when as a picture for papers: the marks stand where the turns do."""

from __future__ import annotations

import dataclasses
import io

import pytest
from hypothesis import given, settings

from tasks.exports import timeline
from tasks.intervals import Span, merge_spans
from tasks.records import Transcript
from tests.helpers.sample_transcripts import make_meeting, transcripts
from tests.helpers.synthetic_day import make_synthetic_day

pytest.importorskip("matplotlib", reason="timeline.png needs matplotlib (the extra plots)")


def bars(transcript: Transcript) -> dict[str, list[tuple[float, float]]]:
    (axes,) = timeline.draw(transcript).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    return {
        name: [(float(p.vertices[:, 0].min()), float(p.vertices[:, 0].max())) for p in marks.get_paths()]
        for name, marks in zip(names, axes.collections, strict=True)
    }


def test_each_speaker_has_a_row_with_marks_where_the_turns_are() -> None:
    transcript = make_meeting()
    drawn = bars(transcript)
    assert list(drawn) == [s.label for s in transcript.speakers]
    for name, marks in drawn.items():
        spans = merge_spans([t.span for t in transcript.turns if t.speaker == name])
        assert marks == [pytest.approx((s.start_s, s.end_s)) for s in spans]


def test_pictures_are_what_they_say_and_the_same_each_time() -> None:
    from PIL import Image

    png, svg = timeline.write(make_meeting(), "png"), timeline.write(make_meeting(), "svg")
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.width == pytest.approx(1350, abs=2)
    assert b"SPEAKER_00" in svg
    assert (png, svg) == (timeline.write(make_meeting(), "png"), timeline.write(make_meeting(), "svg"))


def test_text_of_strangers_is_text_in_the_picture() -> None:
    hostile = "<script>$x^2$ \u202e\n\x00.wav"
    transcript = make_meeting()
    transcript = dataclasses.replace(
        transcript, recording=dataclasses.replace(transcript.recording, source_name=hostile)
    )
    svg = timeline.write(transcript, "svg").decode()
    assert "<script" not in svg
    assert "&lt;script&gt;$x^2$" in svg


def test_a_day_has_round_times_and_stays_small() -> None:
    transcript = make_synthetic_day()
    (axes,) = timeline.draw(transcript).axes
    assert [t.get_text() for t in axes.get_xticklabels()][:3] == ["00:00:00", "03:00:00", "06:00:00"]
    assert len(timeline.write(transcript, "png")) < 500_000


@given(transcripts())
@settings(max_examples=10)
def test_any_transcript_can_be_drawn(transcript: Transcript) -> None:
    assert timeline.write(transcript, "svg").startswith(b"<?xml")
    duration = max(transcript.recording.duration_s, 1e-3)
    assert all(Span(0, duration * 1.01).start_s <= a <= b for marks in bars(transcript).values() for a, b in marks)
