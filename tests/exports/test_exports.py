"""Every export is read back by a program that others wrote, and says what was said."""

from __future__ import annotations

import dataclasses
import decimal
import gc
import html
import json
import re
import warnings
import weakref

import pytest
import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import canonical as transcripts_module
from tasks.canonical import cache_last, canonical
from tasks.dataset.publish import publish
from tasks.dataset.read import read_transcript
from tasks.errors import UsageError
from tasks.exports import EXPORTS, render
from tasks.exports.cues import LINE_COLUMNS, MAX_LINES, MAX_MS, build_cues, count_columns
from tasks.intervals import Span
from tasks.records import Transcript
from tasks.text import to_one_line
from tests.helpers.sample_transcripts import (
    HOSTILE,
    make_meeting,
    make_recording_row,
    make_silence,
    make_transcript,
    make_without_diarization,
    transcripts,
)


def load_rttm(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyannote's imports
        from pyannote.database.util import load_rttm as load
    return load(path)


@pytest.fixture(scope="module")
def meeteval_io():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("simplejson", reason="meeteval reads SegLST by simplejson, which it does not install")
        return pytest.importorskip("meeteval.io", reason="meeteval is not installed (pip install daylong[scoring])")


def test_the_formats_and_their_file_names():
    assert {name: export.file_name for name, export in EXPORTS.items()} == {
        "srt": "transcript.srt",
        "vtt": "transcript.vtt",
        "txt": "transcript.txt",
        "json": "transcript.json",
        "rttm": "transcript.rttm",
        "ctm": "transcript.ctm",
        "seglst": "transcript.seglst.json",
        "report": "report.html",
    }
    with pytest.raises(UsageError, match="no export odt; there are srt, vtt"):
        render(make_silence(), ["odt"])


@pytest.mark.parametrize("make", [make_meeting, make_silence, make_without_diarization])
def test_exports_written_again_from_the_tables_are_the_same_to_the_byte(tmp_path, make):
    transcript = make()
    exports = render(transcript)
    published = publish(transcript, tmp_path, exports=exports)
    assert render(read_transcript(tmp_path, "meeting")) == exports
    for name, path in published.exports.items():
        assert path.read_text() == exports[name]


@settings(max_examples=25, deadline=None)
@given(transcript=transcripts())
def test_so_are_those_of_anything_that_could_have_been_said(tmp_path_factory, transcript):
    out = tmp_path_factory.mktemp("any")
    exports = render(transcript)
    publish(transcript, out, exports=exports)
    assert render(read_transcript(out, "meeting")) == exports


@settings(max_examples=60, deadline=None)
@given(transcripts())
def test_cues_are_readable_and_never_overlap_within_a_speaker(transcript):
    found = build_cues(canonical(transcript))
    last_end = {}
    for cue in found:
        assert 0 <= cue.start_ms < cue.end_ms
        assert cue.end_ms - cue.start_ms <= MAX_MS
        assert cue.start_ms >= last_end.get(cue.speaker, 0)
        last_end[cue.speaker] = cue.end_ms
        assert all(line.strip() for line in cue.lines)
        assert len(cue.lines) <= MAX_LINES or " ".join(cue.lines).count(" ") == len(cue.lines) - 1
    assert [(c.start_ms, c.end_ms) for c in found] == sorted((c.start_ms, c.end_ms) for c in found)


@settings(max_examples=60, deadline=None)
@given(transcripts())
def test_cues_lose_no_word(transcript):
    transcript = canonical(transcript)
    said = sorted(w for word in transcript.words for w in to_one_line(word.text).split())
    assert sorted(" ".join(line for cue in build_cues(transcript) for line in cue.lines).split()) == said


def test_a_long_stretch_is_cut_at_words_into_two_lines_preferably_after_a_sentence():
    text = "This is how it was. And because nobody knew better, all of them went home. Nobody ever came back again."
    texts = [line for cue in build_cues(make_transcript([(0.0, "SPEAKER_00", text.split())])) for line in cue.lines]
    assert " ".join(texts) == text
    assert all(count_columns(line) <= LINE_COLUMNS for line in texts)
    assert build_cues(make_transcript([(0.0, "SPEAKER_00", text.split())]))[0].lines[-1].endswith("better,")


def test_a_long_pause_ends_a_cue():
    transcript = make_transcript([(0.0, "SPEAKER_00", ["one", "two"])], word_s=0.5)
    first, second = transcript.words
    later = type(second)(**{f: getattr(second, f) for f in second.__slots__} | {"start_s": 3.0, "end_s": 3.5})
    found = build_cues(dataclasses.replace(transcript, words=(first, later)))
    assert [(c.start_ms, c.end_ms, c.lines) for c in found] == [(0, 883, ("one",)), (3000, 3883, ("two",))]


def test_text_without_blanks_stays_without_and_breaks_between_words():
    words = ["今日は", "とても", "良い", "天気", "ですね", "散歩に", "行き", "ましょう", "か"]
    transcript = make_transcript([(0.0, None, words * 3)], word_s=0.2)
    (segment,) = transcript.segments
    transcript = dataclasses.replace(transcript, segments=(dataclasses.replace(segment, text="".join(words * 3)),))
    found = build_cues(transcript)
    assert "".join(line for cue in found for line in cue.lines) == "".join(words * 3)
    assert all(count_columns(line) <= LINE_COLUMNS for cue in found for line in cue.lines)


def test_srt_says_who_speaks_and_counts_from_1():
    first, second, *_ = srt.parse(render(make_meeting())["transcript.srt"])
    assert (first.index, first.start.total_seconds(), first.end.total_seconds()) == (1, 1.0, 2.2)
    assert first.content == "SPEAKER_00: Good morning, everybody."
    assert second.content.startswith("SPEAKER_01: “Don’t")


@settings(max_examples=80, deadline=None)
@given(transcripts())
def test_srt_of_any_text_has_its_cues_and_no_others(transcript):
    expected = build_cues(canonical(transcript))
    found = list(srt.parse(EXPORTS["srt"].write(transcript)))
    assert [round(s.start.total_seconds() * 1000) for s in found] == [c.start_ms for c in expected]
    assert [round(s.end.total_seconds() * 1000) for s in found] == [c.end_ms for c in expected]
    for subtitle in found:
        assert "<" not in subtitle.content
        assert "{\\" not in subtitle.content
        assert "-->" not in subtitle.content


@settings(max_examples=80, deadline=None)
@given(transcripts())
def test_vtt_of_any_text_has_its_cues_and_no_tag_but_the_voice(transcript):
    expected = build_cues(canonical(transcript))
    found = webvtt.from_string(EXPORTS["vtt"].write(transcript), strict=True)
    assert [c.start_time.in_milliseconds() for c in found] == [c.start_ms for c in expected]
    assert [c.end_time.in_milliseconds() for c in found] == [c.end_ms for c in expected]
    for caption, cue in zip(found, expected, strict=True):
        assert caption.voice == cue.speaker
        assert re.findall(r"<[^>]*>?", caption.raw_text) == ([f"<v {cue.speaker}>"] if cue.speaker else [])
        assert not caption.identifier


@pytest.mark.parametrize("text", [t for t in HOSTILE if to_one_line(t)])
@pytest.mark.parametrize("speaker", [None, "SPEAKER_00"])
def test_hostile_text_alone_stays_one_cue(text, speaker):
    transcript = make_transcript([(1.0, speaker, [text])])
    assert len(list(srt.parse(EXPORTS["srt"].write(transcript)))) == len(build_cues(transcript)) == 1
    (caption,) = webvtt.from_string(EXPORTS["vtt"].write(transcript), strict=True)
    assert " ".join(html.unescape(caption.text).split()) == to_one_line(text)


@pytest.mark.parametrize(
    ("start", "hours"), [(86_399.5, "23"), (90_000.0, "25"), (360_000.0, "100"), (691_199.0, "191")]
)
def test_hours_pass_24_and_99(start, hours):
    transcript = make_transcript([(start, "SPEAKER_00", ["late"])], of=make_recording_row(duration_s=8 * 86400.0))
    exports = render(transcript)
    (subtitle,) = srt.parse(exports["transcript.srt"])
    (caption,) = webvtt.from_string(exports["transcript.vtt"], strict=True)
    assert subtitle.start.total_seconds() == caption.start_time.in_milliseconds() / 1000 == start
    assert exports["transcript.srt"].startswith(f"1\n{hours}:")
    assert exports["transcript.txt"].startswith(f"[{hours}:")


def test_txt_is_a_paragraph_a_segment():
    assert (
        render(make_meeting(), ["txt"])["transcript.txt"].split("\n\n")[0]
        == "[00:00:01] SPEAKER_00: Good morning, everybody."
    )
    assert (
        render(make_without_diarization(), ["txt"])["transcript.txt"]
        == "[00:00:01] Good morning.\n\n[00:00:04] Yes.\n"
    )


@settings(max_examples=50, deadline=None)
@given(transcripts())
def test_txt_has_a_line_for_every_segment_with_text(transcript):
    lines = EXPORTS["txt"].write(transcript).split("\n")
    said = [s for s in transcript.segments if to_one_line(s.text)]
    assert sum(bool(line) for line in lines) == len(said)
    assert all(re.match(r"\[\d\d+:\d\d:\d\d\] ", line) for line in lines if line)


@settings(max_examples=50, deadline=None)
@given(transcripts())
def test_txt_opened_as_a_spreadsheet_has_no_formula(transcript):
    cells = [cell for line in EXPORTS["txt"].write(transcript).splitlines() for cell in line.split("\t")]
    assert not [cell for cell in cells if cell.lstrip(" \"'").startswith(("=", "+", "-", "@"))]


@settings(max_examples=50, deadline=None)
@given(transcripts())
def test_json_holds_segments_and_their_words(transcript):
    parsed = json.loads(EXPORTS["json"].write(transcript))
    held = canonical(transcript)
    assert [s["text"] for s in parsed["segments"]] == [s.text for s in held.segments]
    words = sorted((w["start"], w["word"]) for s in parsed["segments"] for w in s["words"])
    assert words == sorted((round(w.start_s, 3), w.text) for w in held.words)
    assert parsed["language"] == "en"
    assert parsed["recording"]["recording_id"] == "meeting-0a1b2c3d"


def test_json_leaves_out_what_is_not_known():
    (first, _) = json.loads(render(make_without_diarization())["transcript.json"])["segments"]
    assert first == {
        "start": 1.0,
        "end": 1.8,
        "text": "Good morning.",
        "score": 0.9,
        "words": [
            {"word": "Good", "start": 1.0, "end": 1.4, "score": 0.875},
            {"word": "morning.", "start": 1.4, "end": 1.8, "score": 0.875},
        ],
    }


def test_rttm_is_read_by_pyannote(tmp_path):
    path = tmp_path / "transcript.rttm"
    path.write_text(render(make_meeting())["transcript.rttm"])
    ((name, annotation),) = load_rttm(path).items()
    assert name == "meeting-0a1b2c3d"
    tracks = [(s.start, round(s.end, 3), label) for s, _, label in annotation.itertracks(yield_label=True)]
    assert tracks == [(t.start_s, round(t.end_s, 3), t.speaker) for t in make_meeting().turns]


@settings(max_examples=40, deadline=None)
@given(transcript=transcripts())
def test_rttm_is_read_by_meeteval(meeteval_io, transcript):
    found = meeteval_io.RTTM.parse(EXPORTS["rttm"].write(transcript), parse_float=decimal.Decimal).lines
    expected = [t for t in canonical(transcript).turns if round(t.start_s * 1000) < round(t.end_s * 1000)]
    assert [(line.speaker_id, round(line.begin_time * 1000)) for line in found] == [
        (t.speaker, round(t.start_s * 1000)) for t in expected
    ]
    assert all(line.duration > 0 and line.filename == "meeting-0a1b2c3d" for line in found)


@settings(max_examples=40, deadline=None)
@given(transcript=transcripts())
def test_ctm_is_read_by_meeteval_a_line_a_word(meeteval_io, transcript):
    found = meeteval_io.CTM.parse(EXPORTS["ctm"].write(transcript), parse_float=decimal.Decimal).lines
    expected = [w for w in canonical(transcript).words if to_one_line(w.text)]
    assert [line.word.replace("_", "") for line in found] == [
        "".join(to_one_line(w.text).split()).replace("_", "") for w in expected
    ]
    assert [round(line.begin_time * 1000) for line in found] == [round(w.start_s * 1000) for w in expected]


@settings(max_examples=40, deadline=None)
@given(transcript=transcripts())
def test_seglst_is_read_by_meeteval_with_a_speaker_for_every_segment(meeteval_io, transcript):
    found = meeteval_io.SegLST.parse(EXPORTS["seglst"].write(transcript)).segments
    expected = canonical(transcript).segments
    assert [s["words"] for s in found] == [to_one_line(s.text) for s in expected]
    assert [s["speaker"] for s in found] == [s.speaker or "UNKNOWN" for s in expected]
    assert all(s["session_id"] == "meeting-0a1b2c3d" and s["start_time"] <= s["end_time"] for s in found)


def test_seglst_scores_as_itself_without_an_error(meeteval_io):
    from meeteval.wer import cpwer

    said = meeteval_io.SegLST.parse(render(make_meeting())["transcript.seglst.json"])
    (result,) = cpwer(said, said).values()
    assert result.errors == 0
    assert result.length == sum(s.num_words for s in make_meeting().segments)


def test_silence_gives_valid_empty_files(meeteval_io):
    exports = render(make_silence())
    assert list(srt.parse(exports["transcript.srt"])) == []
    assert list(webvtt.from_string(exports["transcript.vtt"], strict=True)) == []
    assert exports["transcript.vtt"] == "WEBVTT\n"
    assert (exports["transcript.txt"], exports["transcript.rttm"], exports["transcript.ctm"]) == ("", "", "")
    assert meeteval_io.SegLST.parse(exports["transcript.seglst.json"]).segments == []
    parsed = json.loads(exports["transcript.json"])
    assert parsed["segments"] == parsed["speakers"] == []


def test_with_diarization_off_rttm_claims_nothing_and_the_others_say_what_was_said():
    exports = render(make_without_diarization())
    assert exports["transcript.rttm"] == ""
    assert [s.content for s in srt.parse(exports["transcript.srt"])] == ["Good morning.", "Yes."]
    assert [c.voice for c in webvtt.from_string(exports["transcript.vtt"], strict=True)] == [None, None]
    assert exports["transcript.ctm"].splitlines()[0] == "meeting-0a1b2c3d 1 1.000 0.400 Good 0.8750"


@given(st.text())
def test_one_line_is_one_line(text):
    line = to_one_line(text)
    assert len(line.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
    assert to_one_line(line) == line


def with_failed_chunks():
    """A meeting of which the second and third minute could not be transcribed."""
    transcript = make_meeting()
    (chunk,) = transcript.chunks[:1]
    cores = [Span(0.0, 60.0), Span(60.0, 120.0), Span(120.0, 180.0), Span(180.0, 240.0)]
    states = ["complete", "failed", "failed", "no_speech"]
    return dataclasses.replace(
        transcript,
        recording=dataclasses.replace(transcript.recording, duration_s=240.0),
        chunks=tuple(
            dataclasses.replace(chunk, index=i, core=core, span=core, status=state)
            for i, (core, state) in enumerate(zip(cores, states, strict=True))
        ),
    )


def test_what_could_not_be_transcribed_is_marked_for_as_long_as_it_lasts(tmp_path):
    exports = render(with_failed_chunks())
    (gap,) = [c for c in srt.parse(exports["transcript.srt"]) if c.content == "[…]"]
    assert (gap.start.total_seconds(), gap.end.total_seconds()) == (60.0, 180.0)
    assert "00:01:00.000 --> 00:03:00.000\n[…]\n" in exports["transcript.vtt"]
    assert exports["transcript.txt"].splitlines()[-1] == "[00:01:00] […]"
    publish(with_failed_chunks(), tmp_path, exports=exports)
    assert render(read_transcript(tmp_path, "meeting")) == exports


@given(transcripts())
def test_a_transcript_is_made_canonical_once(transcript: Transcript) -> None:
    once = canonical(transcript)
    assert canonical(once) is once
    canonical(make_meeting())
    assert canonical(once) == once


def test_it_is_made_canonical_once_for_all_exports(tmp_path, monkeypatch):
    made: list[int] = []
    ordered = transcripts_module._sort_clipped

    def counted(items, end_s):
        made.append(1)
        return ordered(items, end_s)

    monkeypatch.setattr(transcripts_module, "_sort_clipped", counted)
    render(make_meeting(), folder=tmp_path)
    assert len(made) == 3  # of words, segments and turns


def test_what_two_exports_ask_for_is_made_once_and_forgotten_with_its_transcript() -> None:
    made: list[str] = []

    @cache_last
    def name(transcript: Transcript) -> list[str]:
        made.append(transcript.recording.recording_id)
        return made[-1:]

    one, other = make_meeting(), make_silence()
    assert name(one) is name(one)
    assert name(other) is not name(one)
    assert made == [one.recording.recording_id, other.recording.recording_id, one.recording.recording_id]
    held = weakref.ref(one)
    del one
    gc.collect()
    assert held() is None
