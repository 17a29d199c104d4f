"""The page about a finished recording."""

from __future__ import annotations

import base64
import itertools
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.reporting.run_page import escape_markdown, format_code, make_artifact_key, render_page
from flows.reporting.timeline import LEFT, MAX_SPEAKERS, WIDTH, draw_timeline, group_columns
from tasks.exports.timeline import compute_ticks
from tasks.records import Transcript, Turn
from tests.helpers.sample_transcripts import HOSTILE, make_meeting, make_recording_row, make_transcript


def make_outcome(transcript: Transcript, **changes: object) -> dict:
    return {
        "recording_id": transcript.recording.recording_id,
        "out": "/results",
        "exports": "/results/exports/meeting-0a1b2c3d",
        "num_words": len(transcript.words),
        "num_speakers": transcript.num_speakers,
        "num_chunks": len(transcript.chunks),
        "chunks_failed": 0,
        "errors": [],
        "speech_s": transcript.run.speech_s,
    } | changes


def render(transcript: Transcript, **changes: object) -> str:
    return render_page(transcript, make_outcome(transcript, **changes))  # type: ignore[arg-type]


def parse_picture(text: str) -> ElementTree.Element:
    encoded = re.search(r"data:image/svg\+xml;base64,([^)]*)\)", text)
    assert encoded
    return ElementTree.fromstring(base64.b64decode(encoded[1]))


def test_the_page_shows_speakers_timeline_and_folders() -> None:
    text = render(make_meeting())
    assert text.startswith("# meeting\\.flac\n")
    assert "| SPEAKER\\_00 | " in text
    assert "` /results/exports/meeting-0a1b2c3d `" in text
    assert "pandas.read_parquet('/results/words')" in text
    names = {e.text for e in parse_picture(text).iter("{http://www.w3.org/2000/svg}text")}
    assert {"SPEAKER_00", "00:00"} <= names


def test_failures_come_before_everything_else() -> None:
    text = render(make_meeting(), chunks_failed=1, errors=["chunk 0: transcription: the <disk> is full"])
    assert text.index("1 of 1 chunk failed") < text.index("Who spoke")
    assert "the &lt;disk&gt; is full" in text


def test_a_recording_without_words_is_reported_as_such() -> None:
    assert "No words were found" in render(make_transcript([]), num_words=0)


@given(st.sampled_from(HOSTILE) | st.text(max_size=60))
@example(" ")
def test_no_name_of_a_file_is_markup(name: str) -> None:
    """Rendered by a Markdown library, the page has the same elements, whatever the file is called."""
    from markdown_it import MarkdownIt

    def shape(text: str) -> list[str]:
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        return [t.type for t in tokens] + [c.type for t in tokens for c in t.children or ()]

    def of(source_name: str) -> Transcript:
        return make_meeting_named(source_name)

    assert shape(render(of(name or "x"))) == shape(render(of("harmless")))
    assert "<" not in escape_markdown(name)


def make_meeting_named(name: str) -> Transcript:
    import dataclasses

    made = make_meeting()
    return dataclasses.replace(made, recording=make_recording_row(source_name=name))


@given(st.text(max_size=40))
def test_inline_code_ends_with_its_own_fence(text: str) -> None:
    shown = format_code(text)
    fence = re.match("`+", shown)
    assert fence
    assert shown.endswith(fence[0])
    assert fence[0] not in re.sub("(^`+)|(`+$)", "", shown).replace("`" * (len(fence[0]) + 1), "")


@pytest.mark.parametrize("recording_id", ["a-1", "Äther-1f", "x__y..z-1", "---", "日本-00ff"])
def test_a_key_is_one_that_prefect_allows(recording_id: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", make_artifact_key(recording_id).strip("-"))


@given(
    st.lists(st.tuples(st.floats(0, 86_400), st.floats(0, 600), st.integers(0, 60)), max_size=200),
    st.floats(0.1, 90_000),
)
def test_the_timeline_stays_small_and_within_its_frame(
    said: list[tuple[float, float, int]], duration_s: float
) -> None:
    turns = [Turn(min(a, duration_s), min(a + b, duration_s), f"SPEAKER_{s:02d}") for a, b, s in said]
    speakers = sorted({t.speaker for t in turns})
    drawn = draw_timeline(turns, speakers, duration_s)
    root = ElementTree.fromstring(drawn)
    assert len(drawn) < 400_000
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        for x, width in re.findall(r"M([\d.]+) [\d.]+h(\d+)", path.get("d", "")):
            assert LEFT <= float(x) <= WIDTH
            assert float(x) + float(width) <= WIDTH
    shown = sum(e.get("fill") == "#111827" for e in root.iter("{http://www.w3.org/2000/svg}text"))
    assert shown == min(len(speakers), MAX_SPEAKERS)


@given(st.sets(st.integers(0, 900)))
def test_groups_hold_every_column_once(columns: set[int]) -> None:
    found = group_columns(columns)
    assert [c for a, b in found for c in range(a, b)] == sorted(columns)
    assert all(b < a for (_, b), (a, _) in itertools.pairwise(found))


@given(st.floats(0.1, 400_000))
def test_an_axis_has_a_few_round_times(duration_s: float) -> None:
    assert 1 <= len(compute_ticks(duration_s)) <= 11
